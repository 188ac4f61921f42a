"""The long table: one row per pair of representations and configuration."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args, get_type_hints

import pyarrow as pa

from likewise.errors import MissingDependencyError


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How alike two representations are in one configuration, what chance gives, and where both came from.

    Parameters
    ----------
    dataset : str
        The inputs that both represent.
    a, b : str
        The names of the two representations, in the order in which the measure took them. Where exchanging them changes
        the value, a pair has a row for either order.
    measure, parameters : str
        The measure, and all its parameters as JSON.
    value : float or None
        The score; None where it is undefined.
    direction : {"similarity", "distance"}
        Whether a higher value means more alike.
    null_mean, null_std : float or None
        Mean and standard deviation (n - 1) of the scores after the rows of one were shuffled: those of b, or those of a
        where the order of the pair counts. None where no order of rows changes the value.
    z : float or None
        Standard deviations by which the pair is more alike than chance; None where the shuffled scores do not vary.
    pvalue : float or None
        (1 + number of shuffles at least as alike) / (1 + number of shuffles).
    calibrated : float or None
        (value - null_mean) / (value at identity - null_mean): 0 is chance, 1 is identical, in either direction.
        Where the value at identity depends on the data, it is the mean of the scores of a and itself and of b and
        itself. Not clamped; None where chance is as alike as identity, or more.
    n_permutations, n_items : int
        Number of shuffles, 0 where none could change the value, and of inputs.
    status : {"ok", "undefined"}
        Whether there is a value.
    reason : str
        Why there is none, or why a column that derives from the value is empty.
    seconds : float or None
        Time for this row, its shuffles included; what several configurations share is counted in the first.
    a_key, b_key : str
        Content keys of the representations in the store.
    seed : int or None
        Of the shuffles; None where a generator was given.
    measure_version : int
        Version of the measure's definition.
    """

    dataset: str
    a: str
    b: str
    measure: str
    parameters: str
    value: float | None
    direction: Literal["similarity", "distance"]
    null_mean: float | None
    null_std: float | None
    z: float | None
    pvalue: float | None
    calibrated: float | None
    n_permutations: int
    n_items: int
    status: Literal["ok", "undefined"]
    reason: str
    seconds: float | None
    a_key: str
    b_key: str
    seed: int | None
    measure_version: int

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ArithmeticError(
                    f"{field.name} of {self.measure} for {self.a} and {self.b} is {value}; a row holds a finite value "
                    "or none, with a reason"
                )


def _arrow_type(hint: Any) -> pa.DataType:
    names: dict[Any, pa.DataType] = {str: pa.string(), float: pa.float64(), int: pa.int64()}
    return names[next((t for t in (hint, *get_args(hint)) if t in names), str)]


SCHEMA = pa.schema(
    [pa.field(name, _arrow_type(hint)) for name, hint in get_type_hints(Comparison).items()],
    metadata={"likewise.schema": "1"},
)
"""Columns and types of the long table, derived from `Comparison`; the version rises when they change."""


class Results:
    """Comparisons as a table.

    Parameters
    ----------
    table : pyarrow.Table
        With the columns of `SCHEMA`.
    """

    def __init__(self, table: pa.Table) -> None:
        self.table = table.cast(SCHEMA)

    @classmethod
    def of(cls, comparisons: Iterable[Comparison]) -> "Results":
        """Collect comparisons."""
        return cls(pa.Table.from_pylist([asdict(c) for c in comparisons], schema=SCHEMA))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[Comparison]:
        return (Comparison(**row) for row in self.table.to_pylist())

    def __repr__(self) -> str:
        return f"Results of {len(self)} comparisons"

    def to_pandas(self) -> Any:
        """Return a pandas.DataFrame with the columns of `Comparison`."""
        try:
            import pandas  # noqa: F401  # optional: pyarrow needs it for this alone
        except ImportError as error:
            raise MissingDependencyError("pandas", "report") from error
        return self.table.to_pandas()
