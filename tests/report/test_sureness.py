"""No number on the page without its interval or the reason why it has none; and what stands behind a forest."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from likewise.about import Source
from likewise.questions import audit, ladder, track
from likewise.report import write_report
from likewise.report.block import opened
from likewise.report.html import no_interval
from likewise.report.saved import answers_in, curve_of
from likewise.report.scale import roles_of
from likewise.report.tables import AT_CHANCE, NOT_ASKED
from likewise.scoring import Results, compare
from likewise.store import write_answer
from likewise.studies import Answer, Forest, SampleSize, Table
from likewise.studies.answer import NONE_GIVEN

pytestmark = pytest.mark.xdist_group("report")

SAID = {
    "table.value": "unsure", "table.low": "an end", "table.high": "an end", "table.calibrated": "unsure",
    "table.chance": "A chance level has no interval", "table.sd": "A chance level has no interval",
    "table.z": "z and p have no interval", "table.p": "z and p have no interval",
    "table.corrected": "z and p have no interval",
    "pictures.height": "without intervals, which stand with the pairs below",
    "pictures.x": "It shows no uncertainty", "pictures.y": "It shows no uncertainty",
    "pictures.stress": "It shows no uncertainty", "evidence.most.value": "it is of one prompt",
    "evidence.least.value": "it is of one prompt", "configurations.identity": "a constant of the measure",
    "names.amount": "a setting",
}  # fmt: skip
"""Every kind of number of a page's block that is no count and no place: what the page says of how sure it is."""


def numbers(of: Any, path: str = "") -> Iterator[str]:
    """The paths of all numbers that are not whole."""
    if isinstance(of, dict):
        for name, value in of.items():
            yield from numbers(value, f"{path}.{name}" if path else name)
    elif isinstance(of, list):
        for value in of:
            yield from numbers(value, path)
    elif (isinstance(of, np.ndarray) and of.dtype.kind == "f") or isinstance(of, float):
        yield path


def unsure_tables() -> Results:
    """Scores with intervals, without as none were asked for, too few for any, and one at its chance level."""
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(3, 30, 4))
    parts = [
        compare({"x": x, "y": y, "z": z}, ["cka", "procrustes"], dataset="all", permutations=9),
        compare({"x": x, "y": y, "z": z}, ["cka"], dataset="not asked", permutations=9, groups=0),
        compare({"x": x[:4], "y": y[:4], "z": z[:4]}, ["cka", "jaccard(k=2)"], dataset="few", permutations=9),
    ]
    table = pa.concat_tables([part.table for part in parts])
    return Results(table, asked=parts[0].asked)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = write_report(
        unsure_tables(), tmp_path_factory.mktemp("unsure"), title="unsure", experiment="", representations=[]
    )
    return path.read_text(encoding="utf-8")


def test_every_kind_of_number_says_how_sure_it_is(page: str, layered: Path) -> None:
    for text in (page, layered.read_text(encoding="utf-8")):
        head = opened(text)
        head.pop("answers")
        found = set(numbers(head))
        assert "table.value" in found and found <= SAID.keys(), found - SAID.keys()
        words = {SAID[path] for path in found} - {"unsure", "an end", "a constant of the measure", "a setting"}
        assert [said for said in words if said not in text] == []


def test_every_score_has_an_interval_or_a_reason(page: str) -> None:
    head = opened(page)
    table, reasons = head["table"], set()
    identity = [c["identity"] for c in head["configurations"]]
    for i in range(len(table["value"])):
        why = head["unsure"][table["unsure"][i]]
        value, low, chance, scored = (float(table[c][i]) for c in ("value", "low", "chance", "calibrated"))
        whole = identity[table["configuration"][i]]
        # As the script calibrates the ends.
        scale = math.nan if value == chance and whole is None else (whole or 0) - chance
        lacks = not math.isnan(value) and (math.isnan(low) or (not math.isnan(scored) and math.isnan(scale)))
        assert bool(why) == lacks, (i, why, value, low)
        reasons.add(why)
    assert "" in reasons and NOT_ASKED in reasons
    assert len(reasons) >= 3  # too few to leave any out has words of its own
    assert "no interval: no interval" not in page and "no interval: none was asked for" in page


def test_a_score_at_its_chance_level_says_why_its_scale_is_missing() -> None:
    from likewise.report.contents import without_interval
    from likewise.report.tables import long_frame

    frame = long_frame(
        compare(dict(zip("xy", np.random.default_rng(0).normal(size=(2, 30, 4)), strict=True)), "information_imbalance")
    )
    assert set(without_interval(frame)) == {""}
    frame["value"] = frame["null_mean"]
    frame["calibrated"] = 0.0
    assert set(without_interval(frame)) == {AT_CHANCE}


def answered() -> Iterator[Answer]:
    """Answers of the studies whose rows are made for them; those of all others are asked in their own test."""
    rng = np.random.default_rng(0)
    base, noise, other = rng.normal(size=(3, 60, 6))
    yield audit(base, {"copy": base + 0.1 * noise, "same": base}, floor={"again": base + 0.01 * other})
    rungs = {f"noise(sd={sd})": base + sd * noise for sd in (0.1, 0.2, 0.4)}
    yield ladder(base, {"mine": base + 0.3 * other}, rungs=rungs)
    yield track({f"step-{s}": base + s / 400 * noise for s in (0, 100, 200, 400)})


def test_every_column_of_an_answer_has_an_interval_or_a_reason(layered: Path) -> None:
    answers = list(answered())
    for answer in answers:
        for table in answer.tables:
            assert NONE_GIVEN not in table.without_interval().values(), (table.name, table.without_interval())
    (forest,) = answers[0].drawings
    assert isinstance(forest, Forest) and forest.marks == {"numeric noise": 1.0}
    assert forest.values[0] == answers[0].tables["copies"].rows[0][2] and forest.labels == ("copy", "same")
    assert "floors" in answers[0].figures and answers[0].figures["floors"].axes
    for study in opened(layered.read_text(encoding="utf-8"))["answers"]:
        assert all(NONE_GIVEN not in table["no_interval"] for table in study["tables"])
        assert all(what["unsure"] for what in study["drawings"] if what["kind"] in ("triangle", "dots"))
    stranger = Table("t", ("name", "score", "n"), (("a", 0.5, 3),))
    assert no_interval(stranger) == "No interval: score (none was given)."
    with pytest.raises(ValueError, match="expected heads of its columns"):
        Table("t", ("name",), (("a",),), unsure={"score": "why"})


def test_saved_answers_stand_on_the_page_and_damaged_ones_are_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 4))
    curve = SampleSize("cka", sizes=(10, 20), draws=2).answer({"x": x, "y": x + rng.normal(size=x.shape)})
    folder = tmp_path / "answers"
    about = {"question": "Enough?", "verdict": "Stable <b>here</b>."}
    write_answer(folder / "curve", about, {t.name: t.to_arrow() for t in curve.tables})
    roles = Table("models", ("model", "role"), (("m", "in question"), ("u", "panel"))).to_arrow()
    lineage = {**about, "question": "</script>Derived?", "values": {"base": "b"}}
    write_answer(folder / "line<age", lineage, {"models": roles})
    for name, text in (("bad", "{"), ("later", json.dumps({"schema": 9, **about, "tables": []}))):
        (folder / name).mkdir()
        (folder / name / "answer.json").write_text(text)
    outside = {"schema": 1, **about, "tables": [{"name": "models", "columns": ["model", "role"], "parquet": "../x"}]}
    (folder / "outside").mkdir()
    (folder / "outside" / "answer.json").write_text(json.dumps(outside))
    found = list(answers_in(tmp_path))
    assert [isinstance(one, str) for one in found] == [True, False, True, False, True]
    assert all("left out" in one for one in found if isinstance(one, str))
    saved = [one for one in found if not isinstance(one, str)]
    drawn = curve_of(saved[0])
    assert drawn is not None and drawn.drawings == curve.drawings and curve_of(saved[1]) is None
    text = write_report(
        unsure_tables(), tmp_path / "reports" / "x", title="t", experiment="", representations=[], saved=saved
    ).read_text(encoding="utf-8")
    assert 'href="../../answers/curve/answer.json">Enough?</a> Stable &lt;b&gt;here&lt;/b&gt;.' in text
    assert 'href="../../answers/line%3Cage/answer.json">&lt;/script&gt;Derived?' in text
    lines = [what for study in opened(text)["answers"] for what in study["drawings"] if what["kind"] == "lines"]
    assert [line["y"] for line in lines[-1]["lines"]] == [list(curve.drawings[0].lines[0].y)]
    assert roles_of([], saved) == {"u": {"unrelated": ["b"]}}
    assert list(answers_in(tmp_path / "nothing")) == []


def test_what_is_known_of_models_makes_the_scale() -> None:
    variants = {
        "whole": None, "pruned": "prune(fraction=0.3)", "4 bits": "quantize(bits=4)", "random": "reinitialize(seed=1)",
        "merged": "merge(other='x')",
    }  # fmt: skip
    rows = [{"name": f"{n} @ 3", "source": Source(model="hub/m", variant=v)} for n, v in variants.items()]
    found = roles_of([*rows, {"name": "file", "source": Source({})}])
    assert found["pruned"]["copy_of"] == found["4 bits"]["copy_of"] == "whole" and found["4 bits"]["damage"] == "4 bits"
    assert found["random"] == {"random": True} and not found.keys() & {"whole", "merged", "file"}
    # A copy of a model that is not in the table is no step of its ladder.
    assert roles_of([{"name": "c", "source": Source(model="hub/x", variant="noise(sd=0.1)")}]) == {}
