"""Whether likeness goes with a number that each model has, such as its size, its accuracy or the tokens that it saw."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from likewise.chance import LEVEL, holm, is_small
from likewise.naming import parts_of
from likewise.scoring import ByNumber, Comparison, Results, by_number
from likewise.studies.answer import Answer, Table
from likewise.studies.base import Study
from likewise.studies.drawings import Line, Lines

COLUMNS = (
    "number", "data set", "configuration", "format", "layer", "rho", "p", "p corrected", "smallest p", "models", "note",
)  # fmt: skip
"""Heads of its table."""

UNSURE = "pairs that share a model are not independent; p comes from relabelling the models"
"""Why rho has no interval."""

BASES = 6
"""Lines of a picture: models whose scores with all others are drawn."""

WIDE = 30
"""Numbers whose largest is so many times the smallest stand on a logarithmic axis."""


@dataclass(frozen=True)
class Covariates(Study):
    """Asks whether models that are further apart in a number are less alike, at each layer and on each data set.

    Parameters
    ----------
    numbers : mapping of str to (mapping of str to float)
        The numbers of each model, by its name and theirs. Models without a number are left out where it is asked for.
    seed : int
        Of the relabellings.
    """

    name: ClassVar[str] = "covariates"
    question: ClassVar[str] = "Does likeness go with a number of the models?"

    numbers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    seed: int = 0

    def answer(self, given: Results) -> Answer | None:
        """Return rho and p of each number, and the scores over the numbers; None where no model has a number."""
        names = list(dict.fromkeys(name for of in self.numbers.values() for name in of))
        found = list(self._found(given, names))
        if not found:
            return None
        tested = [k for k, (*_, of, _) in enumerate(found) if of.pvalue is not None]
        whole = holm(np.asarray([found[k][-2].pvalue for k in tested], dtype=np.float64)) if tested else np.zeros(0)
        corrected = dict(zip(tested, whole.tolist(), strict=True))
        rows = tuple(
            (number, group[0], group[1], group[2], group[3], of.rho, of.pvalue, corrected.get(k), of.smallest, count,
             of.reason or None)
            for k, (number, group, count, of, _) in enumerate(found)
        )  # fmt: skip
        table = Table(
            "covariates", COLUMNS, rows, "Are models whose numbers are further apart less alike?",
            "rho: Spearman's correlation over pairs of models, of the score with the difference in rank of the number. "
            "It is 1 where those further apart are always less alike. p: Mantel's test, which relabels the models; "
            "corrected by Holm over the table. Smallest p: no scores could give a smaller one with so few models.",
            folded=len(rows) > 12, spare=("note", "format", "smallest p", "models"), unsure={"rho": UNSURE},
        )  # fmt: skip
        rhos = [of.rho for *_, of, _ in found if of.rho is not None]
        values = {"rho_lowest": min(rhos, default=None), "rho_highest": max(rhos, default=None),
                  "p_lowest": min(corrected.values(), default=None)}  # fmt: skip
        return Answer(
            self.question,
            _verdict(names, found, corrected),
            tables=(table,),
            drawings=tuple(self._drawings(names, found)),
            values=values,
            unsure=UNSURE if rhos else "",
            reasons={name: "no correlation has a p-value" for name, value in values.items() if value is None},
            limits=(
                "A number that goes with everything else of a model, such as its size, explains nothing by itself: no "
                "cause follows.",
            ),
        )

    def _found(self, given: Results, names: Sequence[str]) -> Iterator["_Found"]:
        """Each number with each group of scores that are about one layer, one format and one configuration."""
        groups: dict[tuple[str, str, str, str], list[Comparison]] = {}
        labels = {of: c.label for of, c in given.configurations.items()} if names else {}
        for row in given if names else ():
            (a, form, layer), (b, *other) = parts_of(row.a), parts_of(row.b)
            if [form, layer] == other and a in self.numbers and b in self.numbers:
                groups.setdefault((row.dataset, labels[row.measure, row.parameters], form, layer), []).append(row)
        for number in names:
            for group, rows in groups.items():
                mine = {m: float(of[number]) for m, of in self.numbers.items() if number in of}
                there = [r for r in rows if {parts_of(r.a)[0], parts_of(r.b)[0]} <= mine.keys()]
                here = dict.fromkeys(parts_of(name)[0] for r in there for name in (r.a, r.b))
                scores = _scores(there)
                if len(here) > 1:
                    of = by_number(scores, {m: mine[m] for m in mine if m in here}, self.seed)
                    yield number, group, len(here), of, there

    def _drawings(self, names: Sequence[str], found: Sequence["_Found"]) -> Iterator[Lines]:
        """For each number and data set, the scores of the first models with all others, by the first configuration."""
        for number in names:
            seen = set()
            for which, (dataset, label, form, layer), _, _, rows in found:
                if which != number or (dataset, form, layer) in seen:
                    continue
                seen.add((dataset, form, layer))
                mine = {m: float(of[number]) for m, of in self.numbers.items() if number in of}
                lines = list(_lines(rows, mine))
                sizes = [x for line in lines for x in line.x]
                where = " ".join(part for part in (dataset, form and f"({form})", f"layer {layer}") if part)
                yield Lines(
                    name=f"by-{number}-{form}-{layer}".replace("--", "-"),
                    title=f"Scores by {number}, {where}",
                    heading=f"{label} with each model, by {number}  ·  {where}",
                    alt=f"Scores of pairs of models over {number}, a line for each of the first models.",
                    note="A line is one model with all others, each at its own number; bands are 95 % intervals.",
                    dataset=dataset,
                    across=number,
                    up=label,
                    lines=tuple(lines),
                    logarithmic=min(sizes) > 0 and max(sizes) >= WIDE * min(sizes),
                )


_Found = tuple[str, tuple[str, str, str, str], int, ByNumber, list[Comparison]]
"""Number; data set, configuration, format, layer; models; what was found; the scores."""


def _scores(rows: Sequence[Comparison]) -> dict[tuple[str, str], float]:
    """The scores of pairs of models, higher where they are more alike; of both orders of a pair the mean."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        pair = sorted((parts_of(row.a)[0], parts_of(row.b)[0]))
        value = row.calibrated if row.calibrated is not None else row.value
        if value is not None:
            turned = row.calibrated is None and row.direction == "distance"
            found.setdefault((pair[0], pair[1]), []).append(-value if turned else value)
    return {pair: float(np.mean(values)) for pair, values in found.items()}


def _lines(rows: Sequence[Comparison], mine: Mapping[str, float]) -> Iterator[Line]:
    models = list(dict.fromkeys(parts_of(name)[0] for r in rows for name in (r.a, r.b)))
    for base in models[:BASES]:
        spots: dict[str, Comparison] = {}
        for row in rows:
            a, b = parts_of(row.a)[0], parts_of(row.b)[0]
            if base in (a, b) and row.value is not None:
                spots.setdefault(b if a == base else a, row)
        order = sorted(spots, key=lambda m: (mine[m], m))
        if order:
            read = [spots[m] for m in order]
            yield Line(
                label=base,
                x=tuple(mine[m] for m in order),
                y=tuple(r.value for r in read),
                low=tuple(r.low for r in read),
                high=tuple(r.high for r in read),
            )


def _verdict(names: Sequence[str], found: Sequence[_Found], corrected: Mapping[int, float]) -> str:
    told = []
    for number in names:
        mine = [k for k, (which, *_) in enumerate(found) if which == number]
        known = [k for k in mine if k in corrected]
        if not known:
            why = next((found[k][-2].reason for k in mine if found[k][-2].reason), "no two models have it")
            told.append(f"Nothing can be said of {number}: {why}.")
            continue
        small = [k for k in known if is_small(corrected[k])]
        rhos = [float(found[k][-2].rho or 0) for k in known]
        ends = f"{rhos[0]:.2f}" if len(rhos) == 1 else f"{min(rhos):.2f} to {max(rhos):.2f}"
        least = min(float(found[k][-2].smallest or 1) for k in known)
        sure = (
            f"corrected p is {LEVEL} or less in {len(small)} of {len(known)} comparisons"
            if small or is_small(least)
            else f"no p below {least:.2g} is possible with so few models"
        )
        told.append(f"Models further apart in {number} are less alike with rho {ends}; {sure}.")
    return " ".join(told)
