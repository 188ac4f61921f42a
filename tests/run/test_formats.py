"""Formats, spans and layers from an experiment to the report and the commands that read a store."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import likewise
from likewise.cli.main import app
from likewise.errors import InputError
from likewise.plan import Experiment
from likewise.report.experiment import report_experiment
from likewise.run import Done
from likewise.store import Store

pytestmark = pytest.mark.xdist_group("formats")  # what is made once for the file is made in one process

CHAT = (
    "{% for m in messages %}<{{ m['role'] }}> {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<a>{% endif %}"
)


@pytest.fixture(scope="module")
def chatty(tiny: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with a chat template."""
    folder = tmp_path_factory.mktemp("chatty") / "model"
    shutil.copytree(tiny("llama", 0), folder)
    about = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**about, "chat_template": CHAT}))
    return folder


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("records") / "even.jsonl"
    path.write_text("\n".join(json.dumps({"q": f"Is {i} even?", "a": ["yes", "no"][i % 2]}) for i in range(16)))
    return path


@pytest.fixture(scope="module")
def value(chatty: Path, records: Path, tiny: Callable[..., Path]) -> dict[str, Any]:
    return {
        "name": "formats",
        "models": [
            {"model": str(chatty), "name": "chatty", "layers": ["0.5", "last"]},
            {"model": str(tiny("gpt_neox", 1)), "name": "plain", "formats": ["bare", "qa"]},
        ],
        "datasets": [
            {
                "source": str(records),
                "name": "even",
                "formats": {
                    "bare": "{{ q }}",
                    "qa": {"template": "Q: {{ q }}\nA:", "answer": " {{ a }}", "shots": 2},
                    "chat": {"template": "{{ q }}", "chat": True, "system": "Be brief."},
                },
            }
        ],
        "measures": ["cka", "jaccard(k=3)"],
        "statistics": {"permutations": 5, "groups": 0},
    }


@pytest.fixture(scope="module")
def done(value: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Done:
    found = likewise.run(value, tmp_path_factory.mktemp("formats") / "store")
    assert not found.failed
    return found


NAMES = {
    "chatty | bare @ 2", "chatty | bare", "chatty | qa @ 2", "chatty | qa", "chatty | chat @ 2", "chatty | chat",
    "plain | bare", "plain | qa",
}  # fmt: skip


def test_each_format_is_compared_like_a_model(done: Done) -> None:
    assert {row.a for row in done.results} | {row.b for row in done.results} == NAMES
    assert len(done.results) == 2 * 8 * 7 // 2
    about = {r["name"]: r["key"] for r in Store(done.store).experiments()["formats"]["representations"]}
    sources = {name: Store(done.store).describe_representation(key)["source"] for name, key in about.items()}
    assert len({s["records"] for s in sources.values()}) == 1
    assert len({s["prompts"] for s in sources.values()}) == len({s["given"] for s in sources.values()}) == 3
    assert sources["chatty | qa"]["format"] == {"answer": " {{ a }}", "shots": 2}
    assert sources["chatty | chat"]["format"] == {"chat": True, "system": "Be brief."}


def test_a_format_moves_the_rows(done: Done) -> None:
    scores = {(row.a, row.b): row.value for row in done.results if row.measure == "cka"}
    assert scores["chatty | bare", "chatty | qa"] < 0.999  # type: ignore[operator]


def test_the_same_run_again_does_nothing(value: dict[str, Any], done: Done) -> None:
    assert likewise.run(value, done.store).performed == 0
    # A format of its own costs only itself.
    more = {**value, "models": [value["models"][0]], "datasets": [dict(value["datasets"][0])]}
    more["datasets"][0]["formats"] = {**value["datasets"][0]["formats"], "loud": "{{ q | upper }}"}
    extractions = likewise.plan(Experiment.of(more), Store(done.store)).extractions
    assert [w.name for task in extractions for w in task.wanted] == ["chatty | loud @ 2", "chatty | loud"]


def test_the_report_names_formats(done: Done, tmp_path: Path) -> None:
    page = report_experiment(Store(done.store), "formats", tmp_path).read_text(encoding="utf-8")
    assert all(name in page for name in ("chatty | chat @ 2", "plain | qa"))
    assert Experiment.of(Store(done.store).experiments()["formats"]["experiment"]).datasets[0].formats["qa"].shots == 2


def test_best_layers_compares_a_model_in_two_formats(done: Done) -> None:
    command = ["best-layers", "chatty | bare", "chatty | qa", "--dataset", "even", "--store", str(done.store)]
    found = CliRunner().invoke(app, [*command, "--measure", "cka", "--permutations", "5", "--json"])
    assert found.exit_code == 0, found.output
    (best,) = json.loads(found.stdout)
    assert best["n_layer_pairs"] == 4


def test_explain_shows_the_prompts_of_the_first_format(
    done: Done, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(records.parent)
    command = ["explain", "chatty | qa", "plain | bare", "--dataset", "even", "--store", str(done.store), "--json"]
    found = CliRunner().invoke(app, [*command, "--measure", "jaccard(k=3)"])
    assert found.exit_code == 0, found.output
    texts = {item["id"]: item["prompt"] for item in json.loads(found.stdout)["items"]}
    assert texts["00003"].endswith("Q: Is 3 even?\nA:") and texts["00003"].count("Q: ") == 3


def test_a_model_without_a_chat_template_fails_alone(value: dict[str, Any], tmp_path: Path) -> None:
    plain = {**value["models"][1], "formats": None}
    done = likewise.run({**value, "models": [value["models"][0], plain]}, tmp_path)
    (failed,) = done.failed
    assert "even is given as a chat, but this model's tokenizer has no chat template" in failed.error
    assert len(done.results) == 2 * 8 * 7 // 2


def test_spans_are_explained_by_their_words(
    value: dict[str, Any], records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(records.parent)
    spans = {"regex": r"\w+", "within": "{{ q }}"}
    asked = {**value, "datasets": [{**value["datasets"][0], "spans": spans}]}
    done = likewise.run(asked, tmp_path)
    assert not done.failed and {row.n_items for row in done.results} == {16 * 3}
    command = ["explain", "chatty | chat", "plain | qa", "--dataset", "even", "--store", str(tmp_path), "--json"]
    found = CliRunner().invoke(app, [*command, "--measure", "jaccard(k=3)"])
    assert {item["prompt"] for item in json.loads(found.stdout)["items"]} == {"Is", "even", *map(str, range(16))}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"template": "{{ q }}", "formats": {"a": "{{ q }}"}}, "expected template or formats, got both"),
        (
            {"formats": {"a": {"template": "{{ q }}", "shot": 2}}},
            r'unknown key .shot. in .*formats.*did you mean "shots"',
        ),
        ({"formats": {"a": {"template": "{{ q }}", "system": "x"}}}, "system needs a chat"),
        ({"formats": {"a": {"template": "{{ q }}", "shots": -1}}}, "shots: .*greater than or equal to 0"),
        ({"spans": {"regex": "("}}, "is no regular expression"),
        ({"spans": {"regx": "x"}}, 'unknown key .regx. in datasets.0.spans; did you mean "regex"'),
    ],
)
def test_what_is_wrong_is_said(value: dict[str, Any], records: Path, entry: dict[str, Any], message: str) -> None:
    models = [{k: v for k, v in m.items() if k != "formats"} for m in value["models"]]
    with pytest.raises(InputError, match=message):
        Experiment.of({**value, "models": models, "datasets": [{"source": str(records), **entry}]})


def test_an_unknown_format_of_a_model_is_said(value: dict[str, Any]) -> None:
    models = [{**value["models"][0], "formats": ["bear"]}, value["models"][1]]
    with pytest.raises(InputError, match="names the format 'bear'; did you mean \"bare\""):
        Experiment.of({**value, "models": models})


def test_a_table_of_all_layers_of_two_models(tiny: Callable[..., Path], tmp_path: Path) -> None:
    value = {
        "name": "layers",
        "models": [str(tiny("llama")), {"model": str(tiny("gpt2")), "name": "other"}],
        "datasets": [{"source": "commonsense-probes", "limit": 12}],
        "representation": {"layers": ["all", "layers.1.mlp"], "pooling": "mean"},
        "measures": ["cka"],
        "statistics": {"permutations": 0, "groups": 0},
    }
    value["models"][1]["layers"] = ["embedding", "1..-1", "h.1.attn", "last"]  # type: ignore[index]
    done = likewise.run(value, tmp_path)
    assert not done.failed
    names = {row.a for row in done.results} | {row.b for row in done.results}
    assert {"llama-0 @ embedding", "llama-0 @ 1", "llama-0", "llama-0 @ layers.1.mlp"} <= names
    assert {"other @ embedding", "other @ 3", "other", "other @ h.1.attn"} <= names
