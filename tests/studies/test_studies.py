"""Every study: one shape, an answer that is true to its numbers, and none where there is nothing to say."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import likewise.studies
from likewise.errors import InputError
from likewise.report import figures
from likewise.report.html import marked
from likewise.representation import Representation
from likewise.scoring import Pairs, Results, compare, disagreements, overfitting
from likewise.studies import (
    Answer,
    Audit,
    BestOfLayers,
    Covariates,
    Datasets,
    Dots,
    Items,
    Line,
    Lineage,
    Lines,
    Measures,
    Overfitting,
    Panel,
    Place,
    SampleSize,
    Study,
    Swap,
    Table,
    Triangle,
    answers,
    scores_of,
    study_names,
    study_of,
)
from likewise.studies.answer import NONE_GIVEN
from likewise.studies.registry import NAME, ours

MEASURES = ["procrustes", "procrustes(folds=5)", "cka", "jaccard(k=3)", "aligned_cosine"]

pytestmark = pytest.mark.xdist_group("studies")


def matrices(seed: int, n: int = 20) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, 5))
    return {"base": base, "copy": base + 0.2 * rng.normal(size=base.shape)} | {
        name: rng.normal(size=(n, 5)) for name in ("third", "fourth", "fifth")
    }


@pytest.fixture(scope="module")
def results() -> Results:
    parts = [
        compare(matrices(seed), MEASURES, permutations=5, groups=0, dataset=name)
        for seed, name in enumerate(("one", "two"))
    ]
    return Results(pa.concat_tables([part.table for part in parts]), asked=parts[0].asked)


OF_THEIR_OWN = {"audit", "ladder", "search", "track"}
"""They read rows and scores that were made for them; their own tests ask them."""


def asked(name: str, results: Results) -> Answer | None:
    """Ask a study for what it needs, made of the same matrices."""
    kind: Any = study_of(name)
    if name == "covariates":
        return Covariates({of: {"size": float(k)} for k, of in enumerate(matrices(0))}).answer(results)
    if kind.needs == "scores":
        return kind().answer(results)
    both = matrices(0)
    layers = {"one": {"0": both["base"], "1": both["third"]}, "two": {"0": both["copy"], "1": both["fourth"]}}
    audited = {of: {"last": Representation(both[of])} for of in ("base", "third", "copy")}
    given: dict[str, tuple[Study, Any]] = {
        "audit": (Audit("base", ("third",)), audited),
        "best-layers": (BestOfLayers("cka", permutations=9), layers),
        "sample-size": (SampleSize(["cka", "jaccard(k=3)"], sizes=(10,), draws=2, permutations=5), both),
        "items": (Items("cka", count=2), compared(both)),
        "lineage": (Lineage(), [Place(*compared(both)[::-1])]),
        "swap": (Swap(), [both["base"], both["copy"]]),
    }
    study, of = given[name]
    return study.answer(of)


def compared(both: dict[str, np.ndarray]) -> list[likewise.Representation]:
    return [likewise.Representation(both[name], name=name) for name in ("base", "copy")]


def test_those_of_the_folder_are_found_by_their_files() -> None:
    folder = Path(likewise.studies.__file__).parent
    found = [*folder.glob("*.py"), *(path.parent for path in folder.glob("*/__init__.py"))]
    files = {path.stem for path in found} - {
        "__init__",
        "answer",
        "conditions",
        "drawings",
        "junit",
        "names",
        "registry",
        "base",
    }
    assert {kind.__module__.split(".")[2] for kind in ours().values()} == files
    assert study_names() == (
        *("measures", "datasets", "audit", "best-layers", "covariates", "items", "ladder", "lineage", "overfitting"),
        *("sample-size", "search", "swap", "track"),
    )


@pytest.mark.parametrize("name", ours())
def test_every_study_has_the_shape_and_answers(name: str, results: Results) -> None:
    kind = study_of(name)
    assert issubclass(kind, Study) and kind.name == name and NAME.fullmatch(name)
    assert kind.needs in ("scores", "rows") and isinstance(kind.pairs, Pairs)
    assert dataclasses.is_dataclass(kind) and kind() == kind()  # its parameters have defaults, and it holds no more
    if name in OF_THEIR_OWN:
        return
    answer = asked(name, results)
    assert isinstance(answer, Answer) and answer.question == kind.question and answer.tables
    assert "\n" not in answer.verdict and answer.values
    assert len({table.name for table in answer.tables}) == len(answer.tables)
    assert all(table.rows and set(table.spare) <= set(table.columns) for table in answer.tables)
    unsure = {(table.name, head): why for table in answer.tables for head, why in table.without_interval().items()}
    assert NONE_GIVEN not in unsure.values(), unsure
    assert all(what.unsure for what in answer.drawings if isinstance(what, Triangle | Dots))
    told = json.dumps([answer.as_dict(), answer.data], allow_nan=False)
    assert json.loads(told)[0]["tables"] == {table.name: table.records() for table in answer.tables}
    assert asked(name, results) == answer
    for what in answer.drawings:
        figure = figures.drawn(what)
        assert figure.axes and what.heading in [text.get_text() for text in figure.texts]


@pytest.mark.parametrize("name", [name for name, kind in ours().items() if kind.needs == "scores"])
def test_no_study_has_an_empty_answer(name: str, results: Results) -> None:
    study: Any = study_of(name)()
    assert study.answer(Results.of([])) is None
    one = [row for row in results if (row.dataset, row.measure) == ("one", "cka")]
    assert study.answer(Results.of(one)) is None
    assert answers(Results.of(one)) == ({}, [])


def test_the_verdicts_say_what_the_tables_hold(results: Results) -> None:
    for kind in (Measures, Datasets):
        answer = kind().answer(results)
        assert answer is not None
        known = [float(str(row["spearman"])) for row in answer.tables[0].records() if row["spearman"] is not None]
        small = [row["p"] for row in answer.tables[0].records() if row["p"] is not None]
        assert (
            f": {min(known):.2f} to {max(known):.2f}, median {np.median(known):.2f}, in {len(known)} " in answer.verdict
        )
        assert f"{sum(float(str(p)) <= 0.05 for p in small)} of {len(small)}, not corrected" in answer.verdict
        assert answer.values["spearman_lowest"] == min(known) and answer.values["spearman_highest"] == max(known)
    answer = Overfitting().answer(results)
    assert answer is not None
    assert answer.values["largest_gap"] == max(gap.gap for gap in overfitting(results)) > 0
    assert answer.limits == (
        "These scores are on the prompts that were fitted to. For scores on held-out prompts, add "
        "`aligned_cosine(folds=5)` to the measures.",
    )
    (only,) = answers(Results.of(r for r in results if (r.dataset, r.measure) == ("one", "aligned_cosine")))[0].values()
    assert only.limits == answer.limits and not only.tables


def test_the_least_agreeing_measures_are_taken_apart(results: Results) -> None:
    answer = Measures().answer(results)
    assert answer is not None
    agreed, apart = answer.tables
    for dataset in ("one", "two"):
        here = [row for row in agreed.records() if row["data set"] == dataset]
        least = min(here, key=lambda row: float(str(row["spearman"])))
        first, second = str(least["first configuration"]), str(least["second configuration"])
        told = [(row["a"], row["b"], row["place there"]) for row in apart.records() if row["data set"] == dataset]
        assert told == [(d.a, d.b, d.second_place) for d in disagreements(results, dataset, first, second)]
    drawn = answer.drawings[0]
    assert isinstance(drawn, Triangle)
    values = {(row["first configuration"], row["second configuration"]): row["spearman"]
              for row in agreed.records() if row["data set"] == "one"}  # fmt: skip
    for i, row in enumerate(drawn.values, 1):
        for j, value in enumerate(row):
            assert value == values[drawn.labels[j], drawn.labels[i]]


def test_curves_and_layers_tell_how_sure_they_are(results: Results) -> None:
    curve, layers = (asked(name, results) for name in ("sample-size", "best-layers"))
    assert curve is not None and layers is not None
    since = [c["stable_from"] for c in curve.data]
    assert curve.values["stable"] is all(s is not None for s in since) and curve.values["curves"] == len(since) == 20
    assert len(curve.limits) == 20 and sum("not yet" in line for line in curve.limits) == since.count(None)
    assert f"of {len(since)} calibrated scores" in curve.verdict or curve.verdict.startswith("All 20")
    (best,) = layers.data
    assert (best["layer_a"], best["layer_b"]) == ("0", "0") and layers.values["largest_p"] == best["pvalue"]
    assert f"cka {best['value']:.4g}, calibrated {best['calibrated']:.4g}, p {best['pvalue']:.4g}" in layers.verdict


def test_items_are_ranked_by_what_they_add() -> None:
    both = compared(matrices(0))
    answer = Items("cka", count=30).answer(both, {both[0].ids[3]: "one\ntwo " + 90 * "x"}, "not shown: no file")
    most, least = (table.records() for table in answer.tables)
    assert len(most) == len(least) == 10 and not {row["id"] for row in most} & {row["id"] for row in least}
    added = [item["contribution"] for item in answer.data["items"]]
    assert added == sorted(added, reverse=True) and np.mean(added) == pytest.approx(answer.values["value"])
    assert [row["similarity"] for row in least] == added[:-11:-1]
    (text,) = [row["prompt"] for row in most + least if row["prompt"]]
    assert len(str(text)) == 80 and str(text).startswith("one two x") and str(text).endswith("…")
    assert answer.limits[-1] == "prompts are not shown: no file"
    assert ("beyond the range" in answer.limits[0]) is (max(added) > 1 or min(added) < 0)
    with pytest.raises(InputError, match="expected two representations, got 1"):
        Items().answer(both[:1])


@pytest.mark.parametrize("pairs", ["all", "chain", {"base": "third"}, {"first": ["base"], "second": ["fifth", "copy"]}])
def test_a_study_gets_the_pairs_that_it_looks_at(pairs: Any, results: Results) -> None:
    wanted = Pairs.read(pairs)
    names = list(matrices(0))
    there = {frozenset((names[i], names[j])) for i, j in wanted.among(names)}
    expected = [row for row in results if frozenset((row.a, row.b)) in there]
    assert list(scores_of(results, wanted)) == expected and expected
    assert len(scores_of(results, Pairs.read({"base": "nobody"}))) == 0


def test_replicates_stay_with_their_rows() -> None:
    whole = compare(matrices(0), "jaccard(k=3)", permutations=5, groups=0)
    some = scores_of(whole, Pairs.read("chain"))
    kept = {(row.a, row.b): scores for row, scores in zip(whole, whole.replicates("shuffle"), strict=True)}
    assert len(some) == 4
    for row, scores in zip(some, some.replicates("shuffle"), strict=True):
        assert scores is not None and np.array_equal(scores, kept[row.a, row.b])


@pytest.mark.parametrize("bad", [math.nan, math.inf, [1], np.float32(1), {}])
def test_what_is_no_number_gets_into_no_answer(bad: Any) -> None:
    shape: dict[str, Any] = {"name": "n", "title": "t", "heading": "h", "alt": "a"}
    for make in (
        lambda: Table("t", ("a",), ((bad,),)),
        lambda: Triangle(**shape, labels=("a", "b"), values=((bad,),), low=0, high=1),
        lambda: Dots(**shape, labels=("a",), panels=(Panel(title="", series={"s": (bad,)}),), low=0, high=1),
        lambda: Lines(**shape, across="", up="", lines=(Line(label="l", x=(1,), y=(bad,)),)),
        lambda: Answer("q", "v", values={"v": bad}),
    ):
        with pytest.raises(ValueError, match="expected a"):
            make()


def test_an_answer_has_a_verdict_and_tables_are_tables() -> None:
    no_drawing = {"drawings": [Table("t", (), ())]}
    for given in ({"verdict": ""}, {"tables": "no"}, {"tables": [3]}, no_drawing, {"limits": "no"}):
        with pytest.raises(ValueError, match="an answer: expected"):
            Answer(**{"question": "q", "verdict": "v", **given})
    assert Answer("q", "v", tables=[Table("t", ["a"], [[1]])]).tables[0].rows == ((1,),)


def test_a_sentence_is_escaped_and_its_code_marked() -> None:
    assert str(marked("add `a<b` and `<i>` to <b>x</b>, `y")) == (
        "add <code>a&lt;b</code> and <code>&lt;i&gt;</code> to &lt;b&gt;x&lt;/b&gt;, `y"
    )
