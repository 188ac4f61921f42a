"""The page about a backend of one's own, followed literally; and what is wrong with a backend, said in one line."""

import json
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import likewise
from likewise.cli.main import app
from likewise.errors import InputError
from likewise.extraction import backend_of
from likewise.extraction.backends import backend_names
from likewise.models import Described, ModelSpec
from likewise.plan import Experiment, plan
from likewise.store import Store

PAGE = Path(__file__).parents[1] / "docs" / "own-backend.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, beside one where the page's package is installed, as an installer would do it."""
    site, work = tmp_path / "site", tmp_path / "work"
    project = tomllib.loads(blocks("toml")[0])["project"]
    about = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    ((group, entries),) = project["entry-points"].items()
    lines = [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    lines += [f"{name} = odd_backends:{name}" for name in ODD]
    (about / "entry_points.txt").write_text("\n".join(lines))
    (site / "likewise_words.py").write_text(blocks("python")[0])
    (site / "odd_backends.py").write_text(ODD_BACKENDS)
    monkeypatch.syspath_prepend(str(site))
    for module in ("likewise_words", "odd_backends"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    work.mkdir()
    (work / "words.yaml").write_text(blocks("yaml")[0])
    for seed in ("one", "two"):
        (work / f"{seed}.seed").write_text(seed)
    monkeypatch.chdir(work)
    return work


ODD_BACKENDS = """
import numpy as np
from likewise.models import Described

class Base:
    def describe(self, spec):
        return Described(identity={"name": spec.model}, width=4, layers=["last", "1"], at_once=5)
    def load(self, spec, device, dtype):
        return None
    def run(self, model, texts, layers, pooling):
        return {layer: self.rows(texts) for layer in layers}
    def rows(self, texts):
        return np.asarray([[len(text), 1, 2, text.count("e")] for text in texts], dtype=float)

class steady(Base):
    pass
class company(Base):
    def rows(self, texts):
        return super().rows(texts) + len(texts)
class fewer(Base):
    def rows(self, texts):
        return super().rows(texts)[1:]
class wide(Base):
    def rows(self, texts):
        return np.ones((len(texts), 5))
class endless(Base):
    def rows(self, texts):
        return super().rows(texts) * 1e300
class texts(Base):
    def rows(self, texts):
        return np.asarray([["a"] for _ in texts])
class ragged(Base):
    def rows(self, texts):
        return [[1.0] * (1 + i) for i in range(len(texts))]
class lacking(Base):
    def run(self, model, texts, layers, pooling):
        return {}
class nothing(Base):
    def run(self, model, texts, layers, pooling):
        return None
class stops(Base):
    def run(self, model, texts, layers, pooling):
        raise ConnectionError("no server answers\\nsecond line")
class unloadable(Base):
    def load(self, spec, device, dtype):
        raise OSError("no such model")
class undescribed(Base):
    def describe(self, spec):
        return {"width": 4}
class indescribable(Base):
    def describe(self, spec):
        raise KeyError("x")
class unwritten(Base):
    def describe(self, spec):
        return Described(identity={"name": object()})
class methodless:
    def describe(self, spec):
        pass
class unmade(Base):
    def __init__(self):
        raise RuntimeError("needs a licence")
"""

ODD = re.findall(r"^class (\w+)", ODD_BACKENDS, flags=re.M)[1:]


def asked(backend: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "odd",
        "models": [{"model": name, "backend": backend, **more.pop("model", {})} for name in ("a", "b")],
        "datasets": [{"source": "commonsense-probes", "limit": 12, **more.pop("dataset", {})}],
        "measures": ["cka"],
        **more,
    }


def test_the_page_runs_from_experiment_to_results(folder: Path) -> None:
    (planned,) = plan(Experiment.read("words.yaml"), Store("runs/words")).datasets
    assert planned.nbytes == 2 * 40 * 16 * 4
    done = likewise.run("words.yaml")
    (row,) = done.results
    assert (row.a, row.b, row.status) == ("one.seed", "two.seed", "ok") and 0 < row.value < 1
    assert likewise.run("words.yaml").performed == 0
    store = Store(done.store)
    described = map(store.describe_representation, store.representations())
    about = next(about for about in described if about["source"]["model"].endswith("one.seed"))
    assert (about["source"]["backend"], about["source"]["pooling"], about["n_features"]) == ("words", "mean", 16)
    assert about["source"]["versions"]["likewise-words"] == "1.0"
    text = store.prompts(about["source"], about["ids"])[about["ids"][3]]
    namespace: dict[str, Any] = {}
    exec(blocks("python")[0], namespace)
    expected = np.mean([namespace["Words"]().vector("one", word) for word in text.split()], axis=0)
    np.testing.assert_array_equal(store.load_representation(about["key"]).matrix[3], expected.astype(np.float32))
    # Another file is another model, by its content.
    (folder / "two.seed").write_text("three")
    assert len(plan(Experiment.read("words.yaml"), store).extractions) == 1
    explained = CliRunner().invoke(
        app, ["explain", "one.seed", "two.seed", "--dataset", "commonsense-probes", "--store", str(done.store)]
    )
    assert explained.exit_code == 0 and "from the store" in explained.output


def test_check_says_what_it_can_and_what_it_cannot(folder: Path) -> None:
    done = CliRunner().invoke(app, [*blocks("sh")[0].splitlines()[0].split()[1:], "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["passed"] and {f["what"]: f["drift"] for f in told["findings"]}["together"] == 0
    assert sum("cannot be checked" in f["note"] for f in told["findings"]) == 2
    done = CliRunner().invoke(app, ["check", "m", "--backend", "company", "--json"])
    assert done.exit_code == 1
    failed = {f["what"] for f in json.loads(done.stdout)["findings"] if not f["passed"]}
    assert failed == {"together", "in small batches, in another order"}


def test_a_run_that_was_stopped_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = backend_of(ModelSpec(model="a", backend="steady"))
    calls: list[int] = []
    inner: Callable[..., Any] = backend._backend.run

    def run(model: Any, texts: list[str], layers: list[str], pooling: str) -> Any:
        calls.append(len(texts))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return inner(model, texts, layers, pooling)

    monkeypatch.setattr(backend._backend, "run", run)
    with pytest.raises(KeyboardInterrupt):
        likewise.run(asked("steady"), folder / "store")
    assert calls == [5, 5]
    done = likewise.run(asked("steady"), folder / "store")
    assert not done.failed and calls == [5, 5, 5, 2, 5, 5, 2]


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        (
            "fewer",
            r"gave float64 of shape \(4, 4\) in layer last at prompt .*expected numbers of shape \(5, features\)",
        ),
        ("wide", "gave 5 features in layer last .*expected 4"),
        ("endless", "not finite"),
        ("texts", "expected numbers of shape"),
        ("ragged", r"stopped while running 5 prompts from .* on \(ValueError: "),
        ("lacking", "gave no layer last; expected a mapping"),
        ("nothing", "gave a NoneType; expected a mapping"),
        ("stops", r"stopped while running 5 prompts .*\(ConnectionError: no server answers\)"),
        ("unloadable", r"stopped while loading a \(OSError: no such model\)"),
    ],
)
def test_rows_that_cannot_be_used_are_refused_with_their_prompt(folder: Path, backend: str, message: str) -> None:
    done = likewise.run(asked(backend), folder / "store")
    assert len(done.failed) == 2 and not len(done.results)
    assert re.search(message, done.failed[0].error) and not Store(folder / "store").representations()


@pytest.mark.parametrize(
    ("backend", "more", "message"),
    [
        ("wrods", {}, "unknown backend 'wrods'; did you mean \"words\""),
        ("undescribed", {}, "expected a Described"),
        ("indescribable", {}, r"stopped while describing a \(KeyError"),
        ("unwritten", {}, "the identity of a is no JSON"),
        ("methodless", {}, "has no method load"),
        ("unmade", {}, "of the package likewise-words .*cannot be loaded: RuntimeError: needs a licence"),
        ("steady", {"model": {"variant": "noise(sd=0.1)"}}, "variant is for models of transformers"),
        ("steady", {"model": {"pickled_weights": True}}, "pickled_weights is for models of transformers"),
        ("steady", {"model": {"layers": ["all"]}}, "layer all: the number of blocks is unknown"),
        ("steady", {"model": {"layers": ["2"]}}, "gives the layer last or 1; got 2"),
        ("steady", {"dataset": {"spans": {"regex": "a"}}}, "none for its spans"),
        ("steady", {"dataset": {"formats": {"c": {"template": "{{ sentence }}", "chat": True}}}}, "no chats"),
        ("steady", {"representation": {"truncation": "left"}}, "expected truncation: error"),
    ],
)
def test_what_a_backend_cannot_do_is_said_by_the_plan(
    folder: Path, backend: str, more: dict[str, Any], message: str
) -> None:
    if "model" in more:
        models = [{"model": name, "backend": backend, **more["model"]} for name in ("a", "b")]
        more = {"models": models}
    elif "dataset" in more:
        more = {"datasets": [{"source": "commonsense-probes", "limit": 12, **more["dataset"]}]}
    with pytest.raises(InputError, match=message) as found:
        plan(Experiment.of({**asked(backend), **more}), Store(folder / "store"))
    assert "\n" not in str(found.value)


def test_reading_an_experiment_loads_no_backend(folder: Path) -> None:
    assert backend_names() == ["transformers", *sorted(["words", *ODD])]
    read = Experiment.read("words.yaml")
    assert "likewise_words" not in sys.modules
    assert yaml.safe_load(read.to_yaml())["models"][0]["backend"] == "words"
    with pytest.raises(InputError, match="backend"):
        Experiment.of(asked("../x"))


def test_models_of_transformers_keep_their_records_and_keys() -> None:
    said = {"name": "e", "models": ["a", "b"], "datasets": ["commonsense-probes"]}
    assert "backend" not in json.dumps(Experiment.of(said).model_dump(mode="json"))
    assert ModelSpec(model="a/b").identity() == {"hub": "a/b", "revision": "main", "variant": None}


@pytest.mark.parametrize(
    "wrong",
    [
        {"identity": {}},
        {"identity": "x"},
        {"identity": {"a": 1}, "width": 0},
        {"identity": {"a": 1}, "blocks": True},
        {"identity": {"a": 1}, "at_once": None},
        {"identity": {"a": 1}, "layers": "last"},
        {"identity": {"a": 1}, "layers": []},
        {"identity": {"a": 1}, "poolings": ["meen"]},
        {"identity": {"a": 1}, "pooling": "meen"},
    ],
)
def test_a_description_that_no_model_has_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Described(**wrong)
