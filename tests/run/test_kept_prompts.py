"""The texts of prompts are kept once by their fingerprint, and shown without the data set that they came from."""

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

import likewise
from likewise.cli.main import app
from likewise.errors import InputError, StoreError
from likewise.store import Store, texts, write_table
from likewise.store.texts import FINGERPRINT, SCHEMA

KEY = "0123456789abcdef01234567"
TEMPLATE = "{% for m in messages %}<{{ m.role }}> {{ m.content }}\n{% endfor %}"
WORDS = ["red \x1b[31m fox", "<script>x</script>", "=1+1", "four [bold]", "five", "six \u202e turned"]


@pytest.fixture(scope="module")
def made(tiny: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two models on texts, chats and spans; the data set is gone."""
    folder = tmp_path_factory.mktemp("kept")
    model = shutil.copytree(tiny("llama", 0), folder / "model")
    about = json.loads((model / "tokenizer_config.json").read_text())
    (model / "tokenizer_config.json").write_text(json.dumps({**about, "chat_template": TEMPLATE}))
    (model / "chat_template.jinja").unlink(missing_ok=True)
    source = folder / "q.jsonl"
    source.write_text("".join(json.dumps({"q": word, "n": i}) + "\n" for i, word in enumerate(WORDS)))
    system = "You answer every question in one word and never say more than that. "
    experiment = {
        "name": "kept",
        "models": [{"model": str(model), "name": "m", "layers": ["1", "2"]}],
        "datasets": [
            {
                "source": str(source),
                "name": "asked",
                "formats": {"plain": "{{ q }}", "chat": {"template": "{{ q }}", "chat": True, "system": system}},
            },
            {"source": str(source), "name": "words", "template": "{{ q }}", "spans": {"regex": r"\w+"}},
        ],
        "measures": [],
    }
    assert not likewise.run(experiment, folder / "store").failed
    source.unlink()
    return folder / "store"


def explained(store: Path, a: str, b: str, dataset: str) -> tuple[dict[str, str | None], str]:
    command = ["explain", a, b, "--dataset", dataset, "--store", str(store), "--measure", "cka"]
    found = CliRunner().invoke(app, [*command, "--json"])
    assert found.exit_code == 0, found.output
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0 and "\x1b[31m" not in told.output and "\u202e" not in told.output
    return {item["id"]: item["prompt"] for item in json.loads(found.stdout)["items"]}, told.output


def test_what_each_model_was_given_is_shown_without_the_data_set(made: Path, tmp_path: Path) -> None:
    plain, told = explained(made, "m | plain @ 1", "m | plain @ 2", "asked")
    assert list(dict(sorted(plain.items())).values()) == WORDS
    assert "prompts are from the store, as m | plain @ 1 was given them" in told
    chats, told = explained(made, "m | chat @ 1", "m | plain @ 2", "asked")
    for place, word in enumerate(WORDS):
        assert chats[f"{place:05d}"].endswith(f"<user> {word}\n") and chats[f"{place:05d}"].startswith("<system> You")
    assert "prompts begin with the same" in told and "You answer" not in told and "…" in told and "five" in told
    spans, _ = explained(made, "m @ 1", "m @ 2", "words")
    assert {"red", "fox", "five", "turned"} <= set(spans.values())
    # A store from before, which keeps none, says where they could come from.
    older = shutil.copytree(made, tmp_path / "older")
    shutil.rmtree(older / "prompts")
    gone, told = explained(older, "m | plain @ 1", "m | plain @ 2", "asked")
    assert set(gone.values()) == {None} and "prompts are not shown" in told and "--prompts" in told


def test_each_text_is_kept_once(made: Path) -> None:
    assert len(list((made / "prompts").iterdir())) == 3


def test_texts_are_written_once_whoever_comes_first(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    named = [(f"{i}", f"prompt {i}") for i in range(500)]
    at_once = [threading.Thread(target=store.save_prompts, args=(KEY, named)) for _ in range(4)]
    for thread in at_once:
        thread.start()
    for thread in at_once:
        thread.join()
    (path,) = (store.folder / "prompts").iterdir()
    before = path.read_bytes(), path.stat().st_mtime_ns
    store.save_prompts(KEY, named)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert store.prompts({"prompts": KEY}, ["7"]) == {"7": "prompt 7"}
    # Other rows than those that are asked for are no answer.
    assert store.prompts({"prompts": KEY}, ["7", "x"]) == {}
    assert store.prompts({"prompts": "../../etc", "given": None}, ["7"]) == {}


def test_too_many_texts_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MOST_TEXTS", 100)
    store = Store(tmp_path / "store")
    store.save_prompts(KEY, (("a" * 3, "é" * 30) for _ in range(2)))
    assert store.prompts({"prompts": KEY}, ["a"]) == {} and not (store.folder / "prompts").exists()


def table(ids: list[str | None], found: list[str | None], key: str = KEY) -> Any:
    return pa.table([ids, found], schema=SCHEMA.with_metadata({FINGERPRINT: key}))


@pytest.mark.parametrize(
    ("spoiled", "why"),
    [
        (table(["a"], ["x"], "f" * 24), "other prompts"),
        (table(["a"], [None]), "lacks its id or its text"),
        (table([None], ["x"]), "lacks its id or its text"),
        (table(["a", "a"], ["x", "y"]), "an id stands twice"),
        (pa.table({"id": ["a"], "text": [1]}), "column 'text' holds int64"),
        (pa.table({"id": ["a"]}), "there is no column 'text'"),
    ],
)
def test_a_file_of_something_else_is_refused(spoiled: Any, why: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    write_table(store.prompts_path(KEY), spoiled)
    with pytest.raises(StoreError, match=why):
        store.prompts({"prompts": KEY}, ["a"])


def test_a_changed_file_and_a_link_are_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.save_prompts(KEY, [("a", "first text")])
    path = store.prompts_path(KEY)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"first", b"other"))
    with pytest.raises(StoreError, match="not what was written"):
        store.prompts({"prompts": KEY}, ["a"])
    (tmp_path / "elsewhere").write_bytes(content)
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="link"):
        store.prompts({"prompts": KEY}, ["a"])
    with pytest.raises(InputError, match="no key"):
        store.prompts_path("../x")
