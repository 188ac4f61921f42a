"""Names that would act where they are shown, through every command and every format of output."""

import csv
import json
import logging
import os
import re
import sys
import urllib.parse
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likewise.cli.main import main
from likewise.documents import NO_TEXT, read_yaml, write_yaml
from likewise.naming import ACTING
from likewise.report import bundle

Cli = Callable[..., tuple[int, str]]

NAMES = [
    "\x1b[31mred\x1b]0;title\x07", "\x9b31m\x85", "\u202eturned\u2066", "=cmd|' /C calc'!A0", "@SUM(A1)", "-1+1",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[bold red]x[/] [link=http:..x]y[/link]",
    "$\\frac{1}{0}$",
    "a\r\nb\tc", "x" * 230, "%(name)s {0} %s", "</title><b>", "\u200b\ufeff\u2028",
]  # fmt: skip
"""Each can be the name of a file."""


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("nasty")
    rng = np.random.default_rng(0)
    for number, name in enumerate(NAMES):
        x = rng.normal(size=(12, 3))
        np.save(place / f"m{number}.npy", x)
        if "/" not in name:
            np.save(place / f"{name}.npy", x)
    return place


@pytest.fixture
def cli(folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.chdir(folder)

    def call(*words: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["likewise", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capfd.readouterr()
        for text in (out, err):
            assert not ACTING.findall(text.replace("\n", "")), (words, text[:500])
        assert "Traceback" not in err and "fault of likewise" not in err, err
        return int(stopped.value.code or 0), out

    return call


def cells_are_inert(path: Path) -> None:
    for row in csv.reader(path.read_text(encoding="utf-8").splitlines()):
        for cell in row:
            number = re.fullmatch(r"-?[\d.]+(e-?\d+)?", cell)
            assert number or not cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r")), cell
            assert not ACTING.findall(cell), cell


@pytest.mark.parametrize("number", range(len(NAMES)), ids=lambda i: ascii(NAMES[i])[:20])
def test_names_of_files_and_of_ones_own(cli: Cli, folder: Path, number: int) -> None:
    name = NAMES[number]
    two = [f"{name}.npy" if "/" not in name else f"m{number}.npy", "m0.npy"]
    two = [f"./{file}" for file in two]  # a file may begin with a hyphen
    fast = ("--measure", "cka", "--permutations", 2, "--groups", 0)
    assert cli("compare", *two, *fast, "--output", "t.csv")[0] == 0
    cells_are_inert(folder / "t.csv")
    assert cli("explain", *two, "--measure", "jaccard(k=3)")[0] == 0
    code, out = cli("compare", *two, *fast, "--json")
    assert code == 0 and (json.loads(out)[0]["a"] == name or "/" in name)
    if "=" not in name:
        words = ("learning-curve", "--measure", "cka", "--size", 6, "--draws", 1, "--", f"{name}=m1.npy", "m0.npy")
        assert cli(*words)[0] == 0


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:20])
def test_wrong_words_are_repeated_without_effect(cli: Cli, name: str) -> None:
    for words in (
        (name,), (f"--{name}",), ("measures", f"--{name}"), ("measures", "--invariant-to", name), ("plan", name),
        ("compare", name, "b"), ("compare", "m0.npy", "m1.npy", "--measure", name), ("report", name),
        ("compare", "m0.npy", "m1.npy", "--groups", name), ("show", name, "--store", name),
        ("compare", "m0.npy", "m1.npy", "--output", name), ("compare", "m0.npy", "m1.npy", "--trust", name),
        ("check", name, "--variant", name), ("run", name, "--executor", name), ("best-layers", name, "b"),
        ("extract", "gpt2", "--dataset", name, "--layer", name), ("import", name, "--dataset", name, "--store", "t"),
    ):  # fmt: skip
        assert cli(*words)[0] in (1, 2), words


def test_names_in_a_store_and_its_report(cli: Cli, folder: Path) -> None:
    named = [name for name in NAMES if "=" not in name]
    ids = [*NAMES, *(f"q{i}" for i in range(6))][:12]
    for number in range(len(named)):
        table = {"id": ids, "embedding": list(np.load(f"m{number}.npy"))}
        pq.write_table(pa.table(table), f"p{number}.parquet")
    taken = []
    for number, name in enumerate(named):
        if cli("import", f"{name}=p{number}.parquet", "--dataset", "<b>=d", "--store", "s")[0] == 0:
            taken.append(name)
    assert len(taken) >= 5 and not [name for name in taken if NO_TEXT.search(name)]
    assert cli("plan", "s/imported.yaml", "--store", "s")[0] == 0
    few = read_yaml(Path("s/imported.yaml")).value | {"measures": ["cka", "jaccard(k=3)"]}
    Path("few.yaml").write_text(write_yaml(few), encoding="utf-8")
    assert cli("run", "few.yaml", "--store", "s", "--executor", "serial")[0] == 0
    assert cli("show", "imported", "--store", "s")[0] == 0
    assert cli("report", "s", "--json")[0] == 0
    for words in (("compare",), ("learning-curve", "--size", 6, "--draws", 1), ("explain",)):
        measure = ("--measure", "jaccard(k=3)")
        assert cli(*words, "--store", "s", "--dataset", "<b>=d", *measure, "--", *taken[:2])[0] == 0
    page = Path("s/report.html").read_text(encoding="utf-8")
    scripts = re.compile(r"<script\b.*?</script>", re.DOTALL)
    parsed = Page()
    parsed.feed(scripts.sub("", page))
    kinds = {tag for tag, _ in parsed.found}
    assert not kinds & {"b", "script", "iframe", "object"}
    for tag, attributes in parsed.found:
        assert not [key for key in attributes if key.startswith("on")], attributes
        assert tag != "img"
        link = str(attributes.get("href", "#"))
        if not link.startswith(("#", "https://doi.org/", "data:")):
            assert (folder / "s" / urllib.parse.unquote(link)).is_file(), link
    ours = page
    for library in bundle.scripts():  # which hold some themselves, in their own texts
        assert library in ours
        ours = ours.replace(library, "")
    assert not ACTING.findall(ours.translate(dict.fromkeys(b"\n\t")))
    for script in scripts.findall(page):
        assert "<script>alert" not in script[8:]
    for path in Path("s/tables").glob("*.csv"):
        cells_are_inert(path)
    for path in Path("s").rglob("*"):
        assert not ACTING.findall(os.fsdecode(path.name))


def test_remarks_of_libraries_are_inert(cli: Cli, capfd: pytest.CaptureFixture[str]) -> None:
    cli("measures")
    stream = logging.StreamHandler(sys.stderr)
    log = logging.Logger("somebody")
    log.addHandler(stream)
    log.warning("loading %s\nwith %d", NAMES[0], 3)
    err = capfd.readouterr().err
    assert not ACTING.findall(err.replace("\n", "")) and r"loading \x1b[31mred" in err and "with 3" in err
