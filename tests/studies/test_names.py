"""Names that conditions may use are known before there is an answer; every name of every answer is one of them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

import likewise
from likewise.errors import InputError, UndefinedError
from likewise.measures import Configuration
from likewise.representation import Representation
from likewise.studies import (
    Answer,
    Audit,
    BestOfLayers,
    Ladder,
    Lineage,
    Place,
    Point,
    Rung,
    SampleSize,
    Score,
    Search,
    Swap,
    Track,
)
from likewise.studies.names import Names
from likewise.studies.search import Found

Cases: TypeAlias = dict[str, tuple[Answer, Names]]


def drawn(n: int = 40, d: int = 6, count: int = 6) -> list[np.ndarray]:
    return list(np.random.default_rng(3).normal(size=(count, n, d)))


def answers() -> Iterator[tuple[str, Answer, Names]]:
    """Each study, in the shapes that its answer can have: those of `SHAPES`."""
    base, *noise = drawn()
    rows = {f"v{s}": base + s * noise[0] for s in (0.0, 0.1, 0.2, 0.5)}
    swap = Swap(ks=(1, 5, 30))
    yield "swap", swap.answer([base, base + noise[0]]), swap.names()
    yield "swap with one k", Swap(ks=(20,)).answer([base, noise[0]]), Swap(ks=(20,)).names()
    reps = [Representation(x, name=name) for name, x in rows.items()]
    size = SampleSize("cka", sizes=(10,), draws=2, permutations=5)
    yield "sample size", size.answer(rows), size.names()
    layers = BestOfLayers("cka", permutations=9)
    yield "best layers", layers.answer({"a": {"0": base}, "b": {"0": noise[1], "1": noise[2]}}), layers.names()
    copies = {name: {"rows": Representation(x)} for name, x in rows.items()}
    audit = Audit("v0.0", ("v0.1",))
    yield "audit", audit.answer(copies), audit.names(["v0.2", "v0.5"])
    del copies["v0.5"]
    yield "audit of one", audit.answer(copies), audit.names(["v0.2"], outputs=False)
    place = Place(reps[0], reps[1])
    yield "lineage alone", Lineage().answer([place]), Lineage().names(panel=False, relatives=False)
    place = Place(reps[0], reps[1], {"other": Representation(noise[3], name="other")}, {"kin": reps[2]}, "d", "3")
    yield "lineage", Lineage().answer([place]), Lineage().names()
    for runs in (1, 2):
        points = tuple(
            Point(f"r{r}s{s} @ {layer}".partition(" @")[0], {"step": float(s), "size": s + r}, str(r))
            for layer in ("1",) for r in range(runs) for s in range(4)
        )  # fmt: skip
        track = Track(points)
        given = {
            f"{p.model} @ {layer}": base + p.numbers["step"] * noise[k] for p in points for k, layer in enumerate("12")
        }
        scores = likewise.compare(given, ["cka(debiased=True)"], pairs=track.wanted, permutations=0)
        yield f"track of {runs}", track.answer(scores), track.names()
    cka = Configuration.parse("cka")
    scores = likewise.compare({"base": base, **rows}, [cka], pairs={"base": "base"}, groups=0)
    for parts in (0, 20):
        without = np.asarray([row.calibrated for row in scores])[:, None] + 0.01 * np.ones((len(scores), parts))
        found = Found("base", "d", cka, len(base), scores.table, without)
        yield f"search {parts}", Search().answer(found), Search().names()
    rungs = tuple(Rung.of(f"sd {s}", f"noise(sd={s})") for s in (0.1, 0.4))
    given = {"base": base, "mine": noise[1]} | {r.model: base + r.amount * noise[0] for r in rungs}
    for placed, scored in (((), ()), (("mine",), ()), (("mine",), (Score("given", 0.9),))):
        ladder = Ladder("base", rungs, placed, scored)
        scores = likewise.compare(given, ["cka(debiased=True)"], pairs=ladder.wanted, permutations=0)
        yield f"ladder {len(placed)} {len(scored)}", ladder.answer(scores), ladder.names()


SHAPES = ("swap", "swap with one k", "sample size", "best layers", "audit", "audit of one", "lineage alone", "lineage",
          "track of 1", "track of 2", "search 0", "search 20", "ladder 0 0", "ladder 1 0", "ladder 1 1")  # fmt: skip
"""What is asked of them, known before any is computed."""

TOGETHER = pytest.mark.xdist_group("names of answers")  # computed once


@pytest.fixture(scope="module")
def cases() -> Cases:
    by_name = {name: (answer, names) for name, answer, names in answers()}
    assert tuple(by_name) == SHAPES
    return by_name


@TOGETHER
@pytest.mark.parametrize("case", SHAPES)
def test_every_name_of_an_answer_is_known_before_it(case: str, cases: Cases) -> None:
    answer, names = cases[case]
    there, _ = answer.named()
    absent = {name for name in there if names.why_not(name)}
    # What is told to be missing is so: it stands there without a value, with a reason.
    assert all(there[name] is None for name in absent)
    assert len(absent) < len(there) / 2


@TOGETHER
@pytest.mark.parametrize("case", SHAPES)
def test_slips_are_refused_with_the_nearest(case: str, cases: Cases) -> None:
    answer, names = cases[case]
    for name in answer.named()[0]:
        for slip in (name + "x", name[:-1] + name[-1] * 2, f"x.{name}"):
            if slip not in answer.named()[0]:
                why = names.why_not(slip)
                assert why.startswith(("did you mean", "known")) or why in names.absent.values(), slip


@TOGETHER
def test_why_some_names_are_missing_is_said_before_and_after(cases: Cases) -> None:
    for case, name, why in [
        ("audit of one", "nearest", "there is one copy"),
        ("audit of one", "v0.2.equal_top", "add the layer logits"),
        ("lineage alone", "panel.p", "there is no panel"),
        ("lineage alone", "models.matched.highest", "neither a panel nor a known relative"),
        ("ladder 0 0", "noise.from", "nothing is placed"),
        ("ladder 1 1", "noise.from", "several are placed; say which one, as mine.noise.from"),
        ("track of 1", "runs.mean.lowest", "there is one run"),
    ]:
        answer, names = cases[case]
        with pytest.raises(InputError, match=f"the answer has no value '{name}'; .*{why}"):
            names.check([f"{name} < 1"])
        assert name not in answer.named()[0] or answer.named()[0][name] is None
    with pytest.raises(UndefinedError, match="there is one copy"):
        cases["audit of one"][0].failed("nearest == 'v0.2'")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("audit", "gpt2", "b=gpt2:prune(fraction=0.5)", "--fail-if", "movd"), 'did you mean "moved" or "b.moved"?'),
        (("audit", "gpt2", "b=gpt2:prune(fraction=0.5)", "--fail-if", "nearest == 'b'"), "there is one copy"),
        (("lineage", "gpt2", "--base", "gpt2", "--fail-if", "derivd"), 'did you mean "derived"?'),
        (("track", "gpt2@1", "@2", "--fail-if", "setled"), 'did you mean "settled"'),
        (("track", "gpt2@1", "@2", "--fail-if", "layer.3.valu < 1"), "did you mean"),
        (("ladder", "gpt2", "--fail-if", "not orderd"), 'did you mean "ordered"?'),
        (("ladder", "gpt2", "--score", "0.9", "--fail-if", "prune.form < 0.2"), 'did you mean "prune.from"'),
        (("swap", "gpt2", "b=gpt2", "--fail-if", "overlap@01 < 1"), 'did you mean "overlap@1'),
    ],
)  # fmt: skip
def test_a_slip_costs_no_run(
    words: tuple[str, ...],
    said: str,
    cli: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("it was run")

    for place in ("likewise.questions.through.run", "likewise.questions.rows.run"):
        monkeypatch.setattr(place, refuse)
    ended, _, err = cli(*words)
    assert ended == 2 and said in " ".join(err.split()), err
    assert not list(tmp_path.iterdir())
