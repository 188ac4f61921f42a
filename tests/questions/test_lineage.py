"""Lineage of files, arrays and models, from Python and from the command line."""

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import likewise
from likewise.errors import InputError
from likewise.questions.rows import entry_of

Cli = Callable[..., tuple[int, str, str]]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def files(cli: Cli, tmp_path: Path) -> Path:
    """Rows of a base, a copy, a turned copy, and 20 strangers, in the folder of the test."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(90, 30))
    turned = np.linalg.svd(rng.normal(size=(30, 30)))[0]
    rows = {"base": base, "copy": base + rng.normal(size=base.shape), "turned": (base + 0.3) @ turned}
    rows |= {f"s{i}": rng.normal(size=(90, 30)) + base[:, ::-1] / 3 @ rng.normal(size=(30, 30)) / 5 for i in range(20)}
    for name, x in rows.items():
        np.save(tmp_path / f"{name}.npy", x)
    return tmp_path


def test_files_and_a_gate(cli: Cli, files: Path) -> None:
    code, out, err = cli("lineage", "copy.npy", "--base", "base.npy", "--fail-if", "derived", "--output", "answer")
    assert code == 3
    assert out.startswith("derived: copy has the axes of base")
    assert "failed: derived" in err
    written = json.loads((files / "answer" / "answer.json").read_text())
    assert written["values"]["verdict"] == "derived"
    strangers = [word for i in range(19) for word in ("--panel", f"s{i}.npy")]
    code, out, _ = cli("lineage", "turned.npy", "--base", "base.npy", *strangers)
    assert (code, out.partition(":")[0]) == (0, "derived")
    code, out, _ = cli("lineage", "s19.npy", "--base", "base.npy", *strangers, "--relative", "turned.npy", "--json")
    assert (code, json.loads(out)["values"]["verdict"]) == (0, "independent")
    code, out, _ = cli("lineage", "turned.npy", "--base", "base.npy", *strangers[:6])
    assert (code, out.partition(":")[0]) == (0, "cannot tell")
    assert "no p below 0.25" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["copy.npy", "--base", "base.npy", "--panel", "gpt2"], "copy.npy is a file of rows, and gpt2 is none"),
        (["copy.npy", "--base", "nowhere.npy"], "nowhere.npy"),
        (["copy.npy", "--base", "base.npy", "--panel", "s1.npy", "--panel", "s1.npy"], "'s1' is given twice"),
        (["copy.npy", "--base", "base.npy", "--relative", "short.npy"], "rows"),
        (["nobody/nothing", "--base", "base.npy"], "base.npy is a file of rows, and nobody/nothing is none"),
        (["a:shrink(x=1)", "--base", "b"], "unknown variant 'shrink'"),
        (["NAME=copy.npy", "--base", "NAME=base.npy", "--panel", "a=copy.npy", "--panel", "a=s1.npy"], "'a' is given"),
    ],
)
def test_a_wrong_request_is_one_line(cli: Cli, files: Path, words: list[str], said: str) -> None:
    np.save(files / "short.npy", np.ones((5, 30)))
    code, _, err = cli("lineage", *words)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_arrays_with_groups_and_names() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(size=(60, 12))
    groups = [f"g{i % 15}" for i in range(60)]
    panel = {f"p{i}": rng.normal(size=(60, 12)) for i in range(19)}
    answer = likewise.lineage(-base[:, ::-1], base, panel=panel, groups=groups)
    assert answer.values["verdict"] == "derived"
    assert {row["model"] for row in answer.tables["models"].records()} == {"model", *panel}
    assert "<strong>derived" in answer._repr_html_()
    with pytest.raises(InputError, match="models alone, or rows alone"):
        likewise.lineage("gpt2", "gpt2", panel=panel)


def test_a_variant_stands_after_a_colon(tmp_path: Path) -> None:
    assert entry_of("a/b:quantize(bits=4)") == {"model": "a/b", "variant": "quantize(bits=4)"}
    assert entry_of("a:reinitialize") == {"model": "a", "variant": "reinitialize"}
    assert entry_of("/some/where") == {"model": "/some/where"}
    assert entry_of({"model": "a", "dtype": "float16"}) == {"model": "a", "dtype": "float16"}


def tuned(base: Path, folder: Path) -> Path:
    """A copy after a few steps of training."""
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    words = transformers.AutoTokenizer.from_pretrained(base)
    ids = words(["A cat sat on a mat.", "Two and two is four."], return_tensors="pt", truncation=True, max_length=6)
    ids = ids["input_ids"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    for _ in range(4):
        loss = model(input_ids=ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def test_models_are_run_once_and_a_panel_is_kept(
    tiny: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, store = tiny("llama", 0), tmp_path / "store"
    data = {"source": "mixed-prompts", "limit": 48}
    how: dict[str, Any] = {"data": data, "layers": ("0.34", "0.67"), "store": store}
    copies = {
        "fine-tuned": tuned(base, tmp_path / "tuned"),
        "noise": f"{base}:noise(sd=0.05)",
        "pruned": f"{base}:prune(fraction=0.5)",
        "the same files": shutil.copytree(base, tmp_path / "again"),
    }
    for name, copy in copies.items():
        answer = likewise.lineage(copy, base, **how)
        assert answer.values["verdict"] == "derived", name
        assert answer.values["shared_axes.p"] < 1e-3
    panel = [tiny("llama", 7), {"model": str(tiny("gpt_neox", 1)), "name": "neox"}]
    before = likewise.lineage(f"{base}:reinitialize(seed=9)", base, panel=panel, **how)
    assert before.values["verdict"] == "cannot tell"
    assert before.values["panel.size"] == 2
    kept = likewise.lineage(f"{base}:reinitialize(seed=9)", base, panel=store, **how | {"store": tmp_path / "other"})
    assert kept.values == before.values
    # The same start is shared axes too: the seed is the one that the base began with.
    assert likewise.lineage(f"{base}:reinitialize(seed=0)", base, **how).values["verdict"] == "derived"
    with pytest.raises(InputError, match="keeps no panel at layer last; it has layers 0.34, 0.67"):
        likewise.lineage(base, base, panel=store, **how | {"layers": ["last"]})
    with pytest.raises(InputError, match="several layers"):
        likewise.lineage(base, base, **how | {"layers": ["1..2"]})
    changed = {"source": "commonsense-probes", "name": "mixed-prompts", "limit": 48}
    with pytest.raises(InputError, match="ids are missing|other (records|prompts)|other items|groups"):
        likewise.lineage(base, base, panel=store, **how | {"data": changed})


@pytest.mark.model
@pytest.mark.long("six models of the real size on 300 prompts")
def test_relatives_of_the_real_model_are_derived_and_others_are_not(tmp_path: Path) -> None:
    base = "smollm2-135m-instruct"
    for model, expected in {
        f"{base}:noise(sd=0.05)": "derived",
        f"{base}:prune(fraction=0.5)": "derived",
        str(fine_tuned(base, tmp_path / "tuned")): "derived",
        f"{base}:reinitialize": "cannot tell",
        "all-minilm-l6-v2": "cannot tell",
    }.items():
        answer = likewise.lineage(model, base, store=tmp_path / "store")
        assert answer.values["verdict"] == expected, model


def fine_tuned(name: str, folder: Path) -> Path:
    """The real model after 24 steps on prompts of its own package."""
    import torch

    from likewise.models import ModelSpec, load_model

    loaded = load_model(ModelSpec(model=name), device="cpu", dtype="float32", head=True)
    model, words = loaded.head_model.requires_grad_(True), loaded.tokenizer
    texts = ["The ship left the harbour at dawn and nobody saw it again.", "Add two cups of flour and stir slowly."]
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for step in range(24):
        ids = torch.tensor([words.encode(texts[step % 2])])
        with torch.enable_grad():
            loss = model(input_ids=ids, labels=ids).loss
            loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def test_the_page_shows_what_is_printed(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its programs are run, and its commands print what stands below them."""
    monkeypatch.setenv("COLUMNS", "120")
    page = (ROOT / "docs" / "lineage.md").read_text()
    (program,) = re.findall(r"```python\n(.*?)```", page, flags=re.S)
    exec(program, {})
    shown = re.findall(r"((?:    likewise lineage [^\n]*\n)+)\n```text\n(.*?)```", page, flags=re.S)
    assert len(shown) >= 3
    for command, printed in shown:
        _, out, err = cli(*shlex.split(command.strip().removeprefix("likewise")))
        said = " ".join(f"{out}\n{err}".split())
        for line in printed.strip().splitlines():
            assert " ".join(line.split()) in said, (line, said)


@pytest.mark.parametrize("width", [6, 8, 32])
def test_a_family_in_the_panel_counts_as_one_whatever_its_width(width: int) -> None:
    """Of few features no p-value is small enough for all pairs of a panel."""
    rng = np.random.default_rng(3)
    base, stranger = rng.normal(size=(2, 100, width))
    panel = {f"copy{k}": stranger + 0.3 * rng.normal(size=stranger.shape) for k in range(19)}
    model = rng.normal(size=base.shape) + base @ rng.normal(size=(width, width)) / width**0.5 * 0.6
    answer = likewise.lineage(model, base, panel=panel)
    assert answer.values["panel.size"] == 1 and answer.values["verdict"] == "cannot tell"


def test_few_features_cannot_show_that_axes_are_shared() -> None:
    x = np.random.default_rng(0).normal(size=(40, 6))
    answer = likewise.lineage(x, x.copy())
    assert "does not have the axes" not in answer.verdict
    assert answer.reasons["shared_axes.p"] == "no shared axes: 6 features have too few orders to show them"
