"""How the answer of a track is said: its tables, drawings and limits."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from likewise.chance import holm, is_small
from likewise.scoring import ByNumber, by_number
from likewise.studies.answer import Table
from likewise.studies.conditions import Cell
from likewise.studies.drawings import Line, Lines
from likewise.studies.track.layers import Layer, rate, stretch
from likewise.studies.track.reading import NONE, Reading, number_text

FEWEST = 5
"""Runs without which their deviation says nothing of differences."""

WIDE = 100
"""Numbers whose largest is so many times the smallest are drawn on a logarithmic axis."""

ENDS = ("first", "last", "next")
"""What each version is set beside."""

NUMBERS = ("number", "layer", "rho", "p", "p corrected", "smallest p", "versions", "note")
"""Heads of the table of numbers."""


def heads_of_layers(at: str) -> tuple[str, ...]:
    """Heads of the table of layers."""
    return ("layer", "moves most from", "to", "score", "low", "high", "may move most", "fastest from", "fastest to",
            f"change for 1 {at}", "settled from", "first and last", "its low", "its high")  # fmt: skip


def heads_of_places(at: str) -> tuple[str, ...]:
    """Heads of the table of places."""
    return "layer", at, *(name for of in ENDS for name in (f"to {of}", f"{of} low", f"{of} high"))


def heads_of_runs(at: str) -> tuple[str, ...]:
    """Heads of the table of runs."""
    return "layer", at, "mean", "lowest", "highest", "pairs"


def layers_table(read: Reading, found: Sequence[Layer]) -> Table:
    """Of layers: where each moves most, and from where on it is settled."""
    at = read.study.at
    rows = []
    for layer in found:
        x, y = (None, None) if layer.most is None else stretch(read, layer.most)
        spot = NONE if layer.most is None else layer.next[layer.most]
        fastest = None if layer.fastest is None else rate(read, layer.next[layer.fastest], layer.fastest)
        u, v = (None, None) if layer.fastest is None else stretch(read, layer.fastest)
        perhaps = (
            None
            if layer.perhaps is None
            else ", ".join(
                f"{number_text(a)} to {number_text(b)}" for a, b in (stretch(read, k) for k in layer.perhaps)
            )
        )
        ends = layer.last[0]
        rows.append((layer.name, x, y, spot.value, spot.low, spot.high, perhaps, u, v, fastest, layer.settled,
                     ends.value, ends.low, ends.high))  # fmt: skip
    spare = ("its low", "its high", f"change for 1 {at}", "fastest from", "fastest to", "may move most", "low", "high")
    return Table(
        "layers",
        heads_of_layers(at),
        tuple(rows),
        "By layer",
        "A stretch is the way from one version to the next. May move most: all stretches that no test, corrected for "
        "their number, finds to move less than another.",
        spare=spare,
        unsure=dict.fromkeys(("moves most from", "to", "fastest from", "fastest to", "settled from"), "")
        | {f"change for 1 {at}": "it is the score of the fastest stretch, by its length; the next table has that"},
    )


def places_table(read: Reading, found: Sequence[Layer]) -> Table:
    """Of versions: each with the first, the last and the next."""
    rows = []
    for layer in found:
        for k, x in enumerate(read.at):
            spots = (layer.first[k], layer.last[k], layer.next[k] if k < len(layer.next) else NONE)
            rows.append((layer.name, x, *(n for s in spots for n in (s.value, s.low, s.high))))
    return Table(
        "places",
        heads_of_places(read.study.at),
        tuple(rows),
        "Each version with the first, the last and the next",
        spare=tuple(f"{of} {end}" for of in reversed(ENDS) for end in ("low", "high")),
        unsure={read.study.at: ""},
    )


def runs_table(read: Reading) -> Table:
    """How alike different runs are at the same place: what is left of a difference is not the training's length."""
    rows: list[tuple[Cell, ...]] = []
    for layer in read.layers:
        for x in read.at:
            pairs = itertools.combinations([run[x] for run in read.runs.values()], 2)
            places = [read.place(a, b, layer) for a, b in pairs]
            scores = [read.all[p].value for p in places if p is not None]
            known = [s for s in scores if s is not None]
            if known:
                rows.append((layer, x, float(np.mean(known)), min(known), max(known), len(known)))
    return Table(
        "runs",
        heads_of_runs(read.study.at),
        tuple(rows),
        f"Runs with each other, at the same {read.study.at}",
        unsure={read.study.at: ""},
    )


def numbers_table(read: Reading) -> Table:
    """Whether versions that are further apart in a number are less alike, by relabelling the versions."""
    names = read.study.shared
    places = range(len(read.at))
    found: list[tuple[str, str, ByNumber]] = []
    for name, layer in itertools.product(names, read.layers):
        each = {
            str(i): float(np.mean([run[x].numbers[name] for run in read.runs.values()])) for i, x in enumerate(read.at)
        }
        spots = {(i, j): read.spot(read.at[j], read.at[i], layer) for i in places for j in range(i)}
        alike = {
            (str(i), str(j)): read.facts.more_alike * s.value for (i, j), s in spots.items() if s.value is not None
        }
        found.append((name, layer, by_number(alike, each, read.study.seed)))
    tested = [k for k, (_, _, of) in enumerate(found) if of.pvalue is not None]
    corrected: dict[int, float] = {}
    if tested:
        whole = holm(np.asarray([found[k][2].pvalue for k in tested], dtype=np.float64))
        corrected = dict(zip(tested, whole.tolist(), strict=True))
    return Table(
        "numbers",
        NUMBERS,
        tuple((n, at, of.rho, of.pvalue, corrected.get(k), of.smallest, len(read.at), of.reason or None)
              for k, (n, at, of) in enumerate(found)),
        "Are versions whose numbers are further apart less alike?",
        "rho: Spearman's correlation, over pairs of versions, of the score with the difference in rank of the number; "
        "1 where those further apart are always less alike. p: Mantel's test, which relabels the versions; corrected "
        "by Holm. Smallest p: no number could give a smaller one with so few versions, or so few relabellings.",
        spare=("note", "versions", "smallest p", "p corrected"),
        unsure={"rho": "pairs that share a version are not independent; p comes from relabelling the versions"},
    )  # fmt: skip


def told_numbers(numbers: Table, layer: str, at: str) -> str:
    """What the verdict says of numbers besides the one that orders."""
    told = ""
    for row in numbers.records():
        if row["layer"] != layer or row["number"] == at or row["p"] is None:
            continue
        p, rho, least = float(row["p corrected"] or 0), float(row["rho"] or 0), float(row["smallest p"] or 0)
        shown = f"rho {rho:.2g}, corrected p {p:.2g}; no p here is below {least:.2g}"
        said = "are less alike" if is_small(p) else "are not shown to be less alike"
        told += f" Versions further apart in {row['number']} {said} ({shown})."
    return told


def drawings(read: Reading, found: Sequence[Layer]) -> Iterator[Lines]:
    """A drawing each for the first, the last and the next version."""
    at = read.at
    wide = at[0] > 0 and at[-1] >= WIDE * at[0]
    for name, which, places in (("first", "first", at), ("last", "last", at), ("next", "next", at[1:])):
        lines = []
        for layer in found:
            spots = getattr(layer, which)
            if any(s.value is not None for s in spots):
                y, low, high = (tuple(getattr(s, end) for s in spots) for end in ("value", "low", "high"))
                lines.append(Line(label=f"layer {layer.name}", x=tuple(places), y=y, low=low, high=high))
        if lines:
            with_what = {"first": "the first version", "last": "the last version", "next": "the version before"}[name]
            yield Lines(
                name=f"to-{name}",
                title=f"Each with {with_what}",
                heading=f"{read.label} with {with_what}",
                alt=f"Score of each version with {with_what}, a line for each layer, with bands; also a table.",
                note="Bands: 95 % intervals.",
                across=read.study.at,
                up=read.label,
                lines=tuple(lines),
                logarithmic=wide,
            )


def limits(read: Reading, numbers: Table) -> Iterator[str]:
    """What holds only so far."""
    if len(read.runs) == 1:
        yield "One run: how much another seed would move is not in these intervals; give several runs for that."
    else:
        yield f"Intervals are for runs like these {len(read.runs)}, on these inputs; few runs give wide ones."
        if len(read.runs) < FEWEST:
            yield f"No test says which stretches may move most: that takes {FEWEST} runs."
    yield "The score says how far two versions are apart, not whether the later one is better."
    if any(row["p"] is not None for row in numbers.records()):
        yield "A number that rises all through the training goes with everything else that does: no cause follows."
