"""Only what is reordered with the items says how: the type tells, and nothing else is asked for it."""

import numpy as np
import pytest

import likewise.measures
from likewise.measures.distance_without_each import DistanceOrder
from likewise.quantities import Equivariant, HeldOutRows, Prepared, Quantity, UnitDistances

assert likewise.measures  # those of measures are found too


def every_class(of: type) -> list[type]:
    return [one for cls in of.__subclasses__() for one in (cls, *every_class(cls))]


CLASSES = [cls for cls in every_class(Quantity) if cls.__module__.startswith("likewise.")]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_what_can_be_reordered_is_told_by_the_type(cls: type) -> None:
    only = ("reindex", "follows", "local")
    assert issubclass(cls, Equivariant) or not any(hasattr(cls, name) for name in only)


def test_both_kinds_are_there() -> None:
    assert {HeldOutRows, DistanceOrder} <= {cls for cls in CLASSES if not issubclass(cls, Equivariant)}
    assert len(CLASSES) > 20


@pytest.mark.parametrize("quantity", [HeldOutRows(3, True), DistanceOrder(UnitDistances("euclidean", "spearman"))])
def test_what_tells_items_apart_by_their_place_is_computed_anew(quantity: Quantity) -> None:
    rows, order = np.random.default_rng(0).normal(size=(12, 4)), np.random.default_rng(1).permutation(12)
    found = Prepared(rows).permuted(order)[quantity]
    alone = Prepared(rows[order])[quantity]
    if isinstance(quantity, HeldOutRows):  # thin coordinates are free up to a rotation
        found, alone = found @ found.T, alone @ alone.T
    np.testing.assert_allclose(found, alone, rtol=0, atol=1e-12)
