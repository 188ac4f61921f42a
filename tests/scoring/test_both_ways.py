"""Many rows and few: a row of the table is the same whichever way was taken, with its chance level and interval."""

import numpy as np
import pytest

from likewise.chance import permutation
from likewise.measures import REGISTRY, Configuration
from likewise.quantities import ROUND, axes, pieces, prepared, rounds
from likewise.scoring import Comparison, compare

WAYS = {"all at once": (2**22, 4096, axes.FLAT), "passes": (60, 4096, axes.FLAT), "passes and blocks": (60, 4, 2.0)}
"""Values that are read at a time, items up to which each pair of them has a number, and the share of the largest
eigenvalue up to which products of features are not trusted: of the last way never."""

EVERY = [
    c
    for m in REGISTRY.values()
    if ":" not in m.name
    for c in (Configuration(m.name, v) for v in m.variants)
    if not c.facts.needs and m.name != "rtd"  # takes most of the time, and knows no rows
]
CLOSED = [c for c in EVERY if c.product or c.shuffled]
"""Those with a closed form of chance; of all others ``moments`` are the same shuffles."""

CHANCE, INTERVAL = {"null_mean", "null_std", "pvalue", "calibrated"}, {"low", "high"}
NUMBERS = {"value"} | CHANCE | INTERVAL

FIRST_ORDER = {"aligned_cosine"}
"""Of many rows their intervals are told to first order, of few by groups: tests/quantities/test_many.py."""

CLOSED_BY_BLOCKS = {"jaccard", "mutual_knn"}
"""Their chance is in closed form by blocks, where no shuffles are asked for."""

CASES = [((30, 4, 6), "plain"), ((75, 9, 5), "offset"), ((40, 6, 55), "heavy rows"), ((64, 8, 8), "heavy rows"),
         ((64, 8, 8), "whole numbers"), ((41, 3, 12), "equal rows")]  # fmt: skip


def allowed(row: Comparison, number: str) -> float:
    """What two ways may differ by: 1e-10, or rounding divided by the room that calibration has beyond chance."""
    most = 1e-10 * max(1, abs(getattr(row, number)))
    c = Configuration.from_json(row.measure, row.parameters)
    if number == "calibrated" and c.facts.identity is not None:
        most += 1e-12 / abs(c.facts.identity - row.null_mean)
    return most


def sides(n: int, d: int, e: int, kind: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([n, d, e])
    x, y = (rng.normal(size=(n, w)) @ (np.eye(w) + 0.4) for w in (d, e))
    y[:, : min(d, e)] += x[:, : min(d, e)]
    if kind == "offset":
        x, y = x + 300, (y - 50).astype(np.float32)
    if kind == "heavy rows":
        x, y = x * rng.pareto(1.5, size=(n, 1)), y * rng.pareto(1.5, size=(n, 1)) + 1
    if kind == "whole numbers":
        x, y = np.round(2 * x) + 0.5, np.round(2 * y) + 0.5
    if kind == "equal rows":
        x, y = x + 1, y + 1
        x[1::7], y[2::9] = x[1], y[2]
    return {"x": x, "y": y}


long = pytest.mark.long("every measure, three ways, with chance and interval")


@pytest.mark.parametrize(
    ("shape", "kind", "chance"),
    [
        pytest.param(*case, chance, marks=() if (place, chance) == (0, "shuffles") else long)
        for place, case in enumerate(CASES)
        for chance in ("moments", "shuffles")
    ],
    ids=str,
)
def test_a_row_is_the_same_both_ways(monkeypatch, shape, kind, chance) -> None:
    pair = sides(*shape, kind)
    tables = []
    for values, items, flat in WAYS.values():
        monkeypatch.setattr(axes, "FLAT", flat)
        monkeypatch.setattr(pieces, "PASS", values)
        monkeypatch.setattr(prepared, "PAIRED", items)
        monkeypatch.setattr(permutation, "IN_ROUNDS", 0)
        monkeypatch.setattr(rounds, "LITTLE", ROUND)
        asked = EVERY if chance == "shuffles" else CLOSED
        tables.append(list(compare(pair, asked, chance=chance, permutations=4, groups=5)))
    wrong = []
    for plain, *others in zip(*tables, strict=True):
        for way, row in zip(list(WAYS)[1:], others, strict=True):
            left = set(NUMBERS) - (INTERVAL if plain.measure in FIRST_ORDER else set())
            if row.null != plain.null:
                assert plain.measure in CLOSED_BY_BLOCKS
                left -= CHANCE
            for number in sorted(left):
                a, b = getattr(plain, number), getattr(row, number)
                if (a is None) != (b is None) or (a is not None and abs(a - b) > allowed(plain, number)):
                    about = f"{plain.measure}({plain.parameters}) {plain.a} {plain.b}, {way}, {number}"
                    wrong.append(f"{about}: {a} {b} {row.reason}")
    assert not wrong, "\n".join(wrong)
