"""Whatever is told by precision is told of each that a model can be run in."""

from typing import get_args

import pytest

from likewise.extraction.probe import TOLERANCES
from likewise.fields import DTYPE
from likewise.models import DTYPES, Precision
from likewise.models.loading import COMPUTED_IN
from likewise.plan.entries import ModelEntry, RepresentationPart
from likewise.plan.needs import BYTES_PER_WEIGHT


def test_they_stand_once() -> None:
    assert get_args(Precision) == DTYPES and DTYPE in DTYPES
    assert {*COMPUTED_IN, *COMPUTED_IN.values()} <= {*DTYPES}


@pytest.mark.parametrize("table", [TOLERANCES, BYTES_PER_WEIGHT], ids=["tolerances", "bytes"])
def test_a_table_is_of_all(table: dict[str, float]) -> None:
    assert {*table} == {*DTYPES}


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_experiment_takes_each(dtype: str) -> None:
    assert RepresentationPart.model_validate({"dtype": dtype}).dtype == dtype
    assert ModelEntry(model="org/m", dtype=dtype).dtype == dtype
