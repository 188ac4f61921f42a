"""The scale behind scores says of a model only what is known of that very model; damaged answers are told."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likewise.about import Source
from likewise.report.saved import Saved, answers_in, curve_of, link_to
from likewise.report.scale import roles_of
from likewise.store import write_answer
from likewise.studies.sample_size import COLUMNS


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"revision": "1" * 40}, {"revision": "2" * 40}),
        ({"model_identity": {"hub": "me/m", "revision": "a"}}, {"model_identity": {"hub": "me/m", "revision": "b"}}),
        ({"backend": "mine"}, {}),
        ({"dtype": "float32"}, {"dtype": "bfloat16"}),
        ({"pooling": "last"}, {"pooling": "mean"}),
    ],
)
def test_a_damaged_copy_is_one_of_the_same_model_alone(one: dict[str, Any], other: dict[str, Any]) -> None:
    def row(name: str, variant: str | None, about: dict[str, Any]) -> dict[str, Any]:
        identity = (
            {"model_identity": {**about["model_identity"], "variant": variant}} if "model_identity" in about else {}
        )
        return {"name": f"{name} @ 3", "source": Source({**about, **identity}, model="me/m", variant=variant)}

    copy = row("copy", "prune(fraction=0.3)", one)
    for rows in (
        [row("one", None, one), row("other", None, other)],
        [row("other", None, other), row("one", None, one)],
    ):
        assert roles_of([*rows, copy])["copy"]["copy_of"] == "one"
    assert roles_of([row("other", None, other), copy]) == {}


def test_a_panel_is_unrelated_to_the_base_of_its_own_answer_alone() -> None:
    rows = {"models": [{"model": "u", "role": "panel"}, {"model": "v", "role": "panel, of a family"}]}
    saved = [Saved(Path(), "", "", "", rows, base) for base in ("b", "c", "b", "")]
    assert roles_of([], saved) == {"u": {"unrelated": ["b", "c"]}, "v": {"unrelated": ["b", "c"]}}


STRANGE = {
    "lacks a column": ("models", {"model": ["m"]}, ("model", "role")),
    "lacks columns of a curve": ("learning-curve", {"a": ["m"]}, COLUMNS),
    "other columns": ("models", {"model": ["m"], "Role": ["panel"]}, ("model", "role")),
    "moments": ("models", {"model": pa.array([2**60], pa.timestamp("us")), "role": ["panel"]}, ("model", "role")),
    "lists": ("models", {"model": [[1]], "role": ["panel"]}, ("model", "role")),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_table_that_is_not_what_its_answer_says_is_a_warning(name: str, tmp_path: Path) -> None:
    called, columns, said = STRANGE[name]
    folder = tmp_path / "answers" / "strange"
    path = write_answer(folder, {"question": "Q?", "verdict": "V."}, {called: pa.table({"x": [1]})})
    about = json.loads(path.read_text())
    pq.write_table(pa.table(columns), folder / about["tables"][0]["parquet"])
    about["tables"][0]["columns"] = list(said)
    path.write_text(json.dumps(about))
    (found,) = answers_in(tmp_path)
    assert isinstance(found, str) and "a saved answer is left out: " in found and "is damaged or foreign" in found


def test_numbers_for_texts_and_odd_names_of_folders_are_no_traceback(tmp_path: Path) -> None:
    base = {"question": "Q?", "verdict": "V.", "values": {"base": 3}}
    tables = {"models": pa.table({"model": [1, None], "role": [None, "panel"]}),
              "learning-curve": pa.table({name: ["x"] for name in COLUMNS})}  # fmt: skip
    write_answer(tmp_path / "answers" / "odd", base, tables)
    (tmp_path / "answers" / "odd").rename(tmp_path / "answers" / "odd \udcff")
    (found,) = answers_in(tmp_path)
    assert isinstance(found, Saved) and curve_of(found) is None
    assert roles_of([], [found]) == {"None": {"unrelated": ["3"]}}
    assert link_to(found, tmp_path) == "answers/odd%20%FF/answer.json"
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "answers").symlink_to(tmp_path / "answers")
    (told,) = answers_in(tmp_path / "linked")
    assert isinstance(told, str) and "it is a link" in told
