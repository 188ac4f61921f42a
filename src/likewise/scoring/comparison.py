"""One row of the long table, and its columns as files hold them."""

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_type_hints

import pyarrow as pa

from likewise.measures.facts import Direction


@dataclass(frozen=True)
class Between:
    """Which two are compared, and by what; as in `Comparison`."""

    a: str
    b: str
    measure: str
    parameters: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One score of two representations, with its chance level, its interval and where both came from.

    Parameters
    ----------
    dataset : str
        Name of the inputs.
    a, b : str
        Names of the two representations, in the order in which the measure took them. Where this order changes the
        value, the pair has two rows, one for each order.
    measure, parameters : str
        The measure, and all its parameters as JSON.
    value : float or None
        The score; None where it is undefined.
    direction : {"similarity", "distance"}
        Whether a higher value means more alike.
    null : str
        Where the chance level comes from: ``moments`` (the closed form over all shuffles), ``shuffles`` (random ones),
        ``features`` (the features of one side, shuffled), ``none``, or the name of another `Reference`.
    null_mean, null_std : float or None
        The chance level: mean and standard deviation of the scores after the rows were shuffled. Each representation
        has permutations of its own. With random shuffles, the deviation is divided by n - 1. None if shuffling cannot
        change the value.
    z : float or None
        How many standard deviations the score lies above chance; positive means more alike, also for distances. None if
        the shuffled scores do not vary.
    pvalue : float or None
        (1 + number of shuffles at least as alike) / (1 + number of shuffles). If ``null`` is ``moments``, it is the
        share of all n! shuffles, by the Pearson type III distribution with their mean, deviation and skewness, and at
        least 1 / n!. If the closed form cannot be trusted and there are no shuffles, it is the upper bound 1 / (1 +
        z^2), and ``reason`` says so.
    pvalue_holm, pvalue_bh : float or None
        The p-value corrected for all scores of the table. ``pvalue_holm`` controls the chance of any false finding, by
        the method in ``correction``. ``pvalue_bh`` controls the expected share of false findings (Benjamini and
        Hochberg).
    correction : {"step-down", "holm", ""}
        Method of ``pvalue_holm``: Westfall and Young's step-down where the shuffled scores were kept, else Holm. Empty
        if there is no p-value, and in the stored rows of a single tile.
    calibrated : float or None
        (value - null_mean) / (value at identity - null_mean): 0 is chance, 1 is identical, for similarities and
        distances. If the value at identity depends on the data, it is the mean of the scores of a with itself and of b
        with itself. It can lie outside 0 to 1. None if shuffled rows are as alike as identical ones, or more.
    low, high : float or None
        95 % interval for a new sample of the same size, by the jackknife. For most measures, each input is left out in
        turn, exactly. For others, and where that would lose digits or has ties, random groups of inputs are left out.
        For inputs that belong together, whole groups are left out. Longer where directions that the score keeps may
        change places in another sample, as ``reason`` then says.
    n_permutations, n_items : int
        Number of shuffles, or of other scores that the chance level comes from (0 if there are none), and number of
        inputs.
    status : {"ok", "undefined"}
        Whether there is a value.
    reason : str
        Why there is no value, why another column is empty, or what to know about the p-value.
    seconds : float or None
        Time for this row, with its shuffles. Work that several configurations share is counted in the first of them.
    a_key, b_key : str
        Content keys of the representations in the store.
    seed : int or None
        Seed of the shuffles; None if a generator was given.
    measure_version : int
        Version of the measure's definition.
    """

    dataset: str
    a: str
    b: str
    measure: str
    parameters: str
    value: float | None
    direction: Direction
    null: str
    null_mean: float | None
    null_std: float | None
    z: float | None
    pvalue: float | None
    pvalue_holm: float | None = None
    pvalue_bh: float | None = None
    correction: Literal["step-down", "holm", ""] = ""
    calibrated: float | None
    low: float | None
    high: float | None
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

    @property
    def calibrated_interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the calibrated score, if there is one: chance and identity are taken as known.

        Examples
        --------
        >>> import likewise, numpy as np
        >>> x = np.random.default_rng(0).normal(size=(30, 4))
        >>> row = likewise.compare({"x": x, "y": x + x[::-1]}, "procrustes")[0]
        >>> low, high = row.calibrated_interval
        >>> 0 < low < row.calibrated < high < 1
        True
        """
        if self.calibrated is None or self.low is None or self.high is None:
            return None
        assert self.value is not None
        assert self.null_mean is not None
        if self.value == self.null_mean:  # then what a step of the score is worth cannot be told from this row
            return None
        per = self.calibrated / (self.value - self.null_mean)
        first, second = sorted(((self.low - self.null_mean) * per, (self.high - self.null_mean) * per))
        return first, second


def _arrow_type(hint: Any) -> pa.DataType:
    # Texts are few and repeated: two million pairs would take gigabytes otherwise.
    names: dict[Any, pa.DataType] = {
        str: pa.dictionary(pa.int32(), pa.string()), float: pa.float64(), int: pa.int64(),
    }  # fmt: skip
    return names[next((t for t in (hint, *get_args(hint)) if t in names), str)]


SCHEMA = pa.schema(
    [pa.field(name, _arrow_type(hint)) for name, hint in get_type_hints(Comparison).items()],
    metadata={"likewise.schema": "3"},
)
"""Columns and types of the long table, derived from `Comparison`; the version rises when they change."""


OF_THE_TABLE = ("pvalue_holm", "pvalue_bh", "correction")
"""Columns that belong to a whole table, and mean nothing in a part of it."""


KINDS = ("shuffle", "without_group", "group_size", "without_input", "without_stretch")
"""Scores that are kept of a row besides its value, as lists; `Results.replicates` says what they are."""
