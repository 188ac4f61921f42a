"""Whether two measures, or two data sets, order the pairs of models alike."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import ClassVar

import numpy as np

from likewise.chance import LEVEL, is_small
from likewise.scoring import Agreement, Results, between_datasets, between_measures, disagreements
from likewise.studies.answer import Answer, Table
from likewise.studies.base import Study
from likewise.studies.drawings import Dots, Panel, Triangle

NO_VALUE = "No correlation has a value; the table says why."

UNSURE = "pairs that share a model are not independent; p comes from relabelling the models"
"""Why correlations over pairs have no interval."""

OF_CORRELATIONS = dict.fromkeys(("spearman", "kendall", "pearson"), UNSURE)


@dataclass(frozen=True)
class Measures(Study):
    """Correlates the scores of every two configurations over the pairs of a data set."""

    name: ClassVar[str] = "measures"
    question: ClassVar[str] = "Do measures agree?"

    def answer(self, given: Results) -> Answer | None:
        """Return how far measures agree on each data set, and the pairs on which they disagree most."""
        found = between_measures(given)
        if not found:
            return None
        datasets = list(dict.fromkeys(a.of for a in found))
        known = [a for a in found if a.spearman is not None]
        apart = _apart(given, known)
        table = Table(
            "between-measures",
            _columns("data set", "configuration"),
            _rows(found),
            note="p: share of random relabellings of the models that agree at least as well.",
            folded=True,
            unsure=OF_CORRELATIONS,
        )
        drawn = [dataset for dataset in datasets if any(a.of == dataset for a in known)]
        return Answer(
            self.question,
            _verdict("two measures", found),
            "This is the correlation of every two configurations, over the pairs of representations. The sign of "
            "distances is changed, so that a positive number always means that both find the same pairs alike.",
            tables=(*([table] if _worth_a_table(found) else []), *([apart] if apart.rows else [])),
            drawings=tuple(_triangle([a for a in found if a.of == dataset], dataset) for dataset in drawn),
            values=_values(known),
            reasons=_reasons(known),
            unsure=UNSURE if known else "",
        )


@dataclass(frozen=True)
class Datasets(Study):
    """Correlates the scores on every two data sets over the pairs that both have."""

    name: ClassVar[str] = "datasets"
    question: ClassVar[str] = "Do data sets agree?"

    def answer(self, given: Results) -> Answer | None:
        """Return how far a configuration's scores on one data set hold on another."""
        found = between_datasets(given)
        if not found:
            return None
        known = [a for a in found if a.spearman is not None]
        table = Table("between-datasets", _columns("configuration", "data set"), _rows(found), unsure=OF_CORRELATIONS)
        return Answer(
            self.question,
            _verdict("two data sets", found),
            "For each configuration: the correlation of its scores on two data sets, over the pairs that both have. "
            "If it is low, a claim about one data set may not hold for the other.",
            tables=(table,) if _worth_a_table(found) else (),
            drawings=(_dots(found),) if known else (),
            values=_values(known),
            reasons=_reasons(known),
            unsure=UNSURE if known else "",
        )


def _worth_a_table(found: Sequence[Agreement]) -> bool:
    """Whether rows say more than the verdict: not where all of them lack a value for one reason."""
    return any(a.spearman is not None for a in found) or len({a.reason for a in found}) > 1


def _columns(of: str, between: str) -> tuple[str, ...]:
    first, second = f"first {between}", f"second {between}"
    return of, first, second, "pairs", "spearman", "kendall", "pearson", "p", "models", "reason"


def _rows(found: Iterable[Agreement]) -> tuple[tuple[str | int | float | None, ...], ...]:
    return tuple((of, first, second, *numbers) for first, second, of, *numbers in map(astuple, found))


def _verdict(between: str, found: Sequence[Agreement]) -> str:
    """The range of all correlations, and how many of them relabelled models reach."""
    known = [a.spearman for a in found if a.spearman is not None]
    if not known:
        why = {a.reason for a in found}
        many = f" in any of {len(found):,} comparisons" if len(found) > 1 else ""
        return f"No correlation has a value{many}: {why.pop()}." if len(why) == 1 else NO_VALUE
    tested = [a.pvalue for a in found if a.pvalue is not None]
    told = (
        f"Spearman correlation of {between}: {known[0]:.2f}"
        if len(known) == 1
        else f"Spearman correlations of {between}: {min(known):.2f} to {max(known):.2f}, "
        f"median {np.median(known):.2f}, in {len(known):,} comparisons"
    )
    if not tested:
        return f"{told}; there are too few models for a p-value."
    few = sum(map(is_small, tested))
    return f"{told}; p is {LEVEL} or less in {few:,} of {len(tested):,}, not corrected for their number."


def _values(known: Sequence[Agreement]) -> dict[str, int | float | None]:
    numbers = [a.spearman for a in known if a.spearman is not None]
    return {
        "comparisons": len(numbers),
        "spearman_lowest": min(numbers, default=None),
        "spearman_highest": max(numbers, default=None),
    }


def _reasons(known: Sequence[Agreement]) -> dict[str, str]:
    return {} if known else dict.fromkeys(("spearman_lowest", "spearman_highest"), "no correlation has a value")


def _apart(results: Results, known: Sequence[Agreement]) -> Table:
    """The pairs of each data set on which the two configurations that agree least disagree most."""
    rows: list[tuple[str | float, ...]] = []
    for dataset in dict.fromkeys(a.of for a in known):
        least = min((a for a in known if a.of == dataset), key=_spearman)
        rows += [
            (dataset, d.a, d.b, least.first, d.first_place, least.second, d.second_place)
            for d in disagreements(results, dataset, least.first, least.second)
        ]
    return Table(
        "disagreements",
        ("data set", "a", "b", "first configuration", "place among pairs", "second configuration", "place there"),
        tuple(rows),
        "Pairs on which measures disagree most",
        "These are the two configurations that agree least on each data set. A place of 0.8 means that 80 % of the "
        "pairs are less alike.",
        unsure=dict.fromkeys(("place among pairs", "place there"), "a place is among these pairs alone"),
    )


def _spearman(found: Agreement) -> float:
    return np.inf if found.spearman is None else found.spearman


def _triangle(found: Sequence[Agreement], dataset: str) -> Triangle:
    labels = tuple(dict.fromkeys([*(a.first for a in found), *(a.second for a in found)]))
    values = {frozenset((a.first, a.second)): a.spearman for a in found}
    where = dataset or "inputs"
    return Triangle(
        name="between-measures",
        title=f"Measures on {where}",
        heading=f"{where}  ·  Spearman correlation of measures over pairs",
        alt=f"Spearman correlation of every two configurations over the pairs on {where}; also a table.",
        dataset=dataset,
        labels=labels,
        values=tuple(
            tuple(values.get(frozenset((labels[i], labels[j]))) for j in range(i)) for i in range(1, len(labels))
        ),
        low=-1,
        high=1,
        unsure=UNSURE,
    )


def _dots(found: Sequence[Agreement]) -> Dots:
    labels = tuple(dict.fromkeys(a.of for a in found))
    panels = []
    for first, second in dict.fromkeys((a.first, a.second) for a in found):
        here = {a.of: a for a in found if (a.first, a.second) == (first, second)}
        panels.append(
            Panel(
                title=f"{first or 'inputs'} and {second or 'inputs'}",
                series={
                    "Spearman": tuple(here[label].spearman if label in here else None for label in labels),
                    "Pearson": tuple(here[label].pearson if label in here else None for label in labels),
                },
            )
        )
    return Dots(
        name="between-datasets",
        title="Data sets",
        heading="Correlation of two data sets over pairs, per configuration",
        alt="Spearman and Pearson correlation of the scores on two data sets, a dot per configuration; also a table.",
        labels=labels,
        panels=tuple(panels),
        low=-1,
        high=1,
        unsure=UNSURE,
    )
