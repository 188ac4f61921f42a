"""``likewise figure``: files appear, numbers are written, wrong requests end with code 2 and one line."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from likewise.plan import Experiment, results_of
from likewise.run import run
from likewise.store import Store

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def store(cli: Cli, tmp_path: Path, once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A store of two data sets, filled once for all tests."""

    def fill(folder: Path) -> None:
        folder.mkdir()
        rng = np.random.default_rng(0)
        for dataset in ("code", "talk"):
            base = rng.normal(size=(30, 6))
            for i, name in enumerate(("one", "two", "=three", "four")):
                np.save(folder / f"{name}.npy", base + i * rng.normal(size=base.shape))
                where = ("--dataset", dataset, "--store", folder / "s")
                assert cli("import", folder / f"{name}.npy", *where)[0] == 0
        experiment = Experiment.read(folder / "s" / "imported.yaml")
        run(experiment, store=folder / "s")

    return once("store of figures", fill) / "s"


def test_each_kind_is_written_with_its_numbers(cli: Cli, store: Path, tmp_path: Path) -> None:
    chosen = ("--dataset", "code", "--measure", "cka")
    for kind, words in {
        "heatmap": (*chosen, "--order", "clusters", "--raw"),
        "forest": (*chosen, "--width", "85mm", "--no-caption"),
        "agreement": chosen[:2],
        "paper-heatmaps": ("--calibrated",),
        "paper-datasets": (),
    }.items():
        code, out, err = cli("figure", kind, store, "-o", f"{kind}.svg", "--data", f"{kind}.csv", *words)
        assert (code, out) == (0, ""), err
        assert f"figure: {kind}.svg" in err and f"data: {kind}.csv" in err and len(err.splitlines()) > 2
        assert (tmp_path / f"{kind}.svg").read_text(encoding="utf-8").startswith("<?xml")
    with (tmp_path / "forest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    kept = Store(store)
    ((_, about),) = kept.experiments().items()
    table = results_of(kept, about).where(dataset="code", measure="cka")
    expected = {(c.a, c.b): c.calibrated for c in table}
    assert {(r["a"].removeprefix("'"), r["b"].removeprefix("'")): float(r["value"]) for r in rows} == expected
    assert any(r["a"].startswith("'=") or r["b"].startswith("'=") for r in rows)
    code, out, _ = cli("figure", "forest", store, "-o", "f.PDF", *chosen, "--json")
    assert code == 0 and json.loads(out)["caption"].startswith("Dots: scores.") and json.loads(out)["data"] is None
    assert (tmp_path / "f.PDF").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["heatmp", "STORE", "-o", "f.pdf"], "no kind of figure 'heatmp'; did you mean \"heatmap\""),
        (["heatmap", "STORE", "-o", "f.gif"], "--output f.gif: expected a file that ends in .pdf, .svg, .png"),
        (["heatmap", "STORE", "-o", "f"], "--output f: expected a file that ends in"),
        (["heatmap", "STORE"], "error: missing option"),
        (["heatmap", "nowhere", "-o", "f.pdf"], "there is no store in nowhere"),
        (["heatmap", "STORE", "-o", "f.pdf"], "which data set? expected one of: code, talk"),
        (["heatmap", "STORE", "-o", "f.pdf", "--dataset", "coda"], 'did you mean "code"'),
        (["heatmap", "STORE", "-o", "f.pdf", "--dataset", "code", "--measure", "cla"], 'did you mean "cka"'),
        (["forest", "STORE", "-o", "f.pdf", "--models", "twoo"], 'did you mean "two"'),
        (["forest", "STORE", "-o", "f.pdf", "--layer", "7"], "no layer '7' among the scores; known: last"),
        (["forest", "STORE", "-o", "f.pdf", "--experiment", "mine"], "has no experiment 'mine'"),
        (["forest", "STORE", "-o", "f.pdf", "--width", "wide"], "--width wide: expected a width such as 6.5in or 85mm"),
        (["forest", "STORE", "-o", "f.pdf", "--width", "nanin"], "--width nanin: expected a width"),
        (["forest", "STORE", "-o", "f.pdf", "--width", "1e9"], "expected 1.5 to 40 inches"),
        (["forest", "STORE", "-o", "f.pdf", "--data", "f.xlsx"], "--data f.xlsx: expected a file that ends in .csv"),
        (["agreement", "STORE", "-o", "f.pdf", "--raw"], "agreement rests on raw scores"),
    ],
)
def test_wrong_requests(cli: Cli, store: Path, tmp_path: Path, words: list[str], said: str) -> None:
    code, out, err = cli("figure", *[store if word == "STORE" else word for word in words])
    assert (code, out) == (2, "") and said in err, err
    assert "Traceback" not in err and not (tmp_path / "f.pdf").exists()
