"""What rows can be: hidden states, log-probabilities, tables of distances or similarities; checked where they enter."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

from jaxtyping import Bool, Num

from likewise.arrays import Array, array_namespace
from likewise.errors import InputError
from likewise.naming import did_you_mean

Kind: TypeAlias = Literal["states", "log_probabilities", "distances", "similarities"]
Metric: TypeAlias = Literal["", "euclidean", "cosine", "correlation", "mahalanobis", "other"]

KINDS: dict[str, str] = {
    "states": "a row of features for each item",
    "log_probabilities": "a row of log-probabilities for each item, which sum to one",
    "distances": "a square table, the distance of each item to each",
    "similarities": "a square table, the inner product of each item with each",
}
"""The kinds of rows, in words."""

TABLES = ("distances", "similarities")
"""Kinds with a row and a column for each item."""

METRICS = ("euclidean", "cosine", "correlation", "mahalanobis", "other")
"""What distances a table can hold; ``other`` stands for those of any measure that needs distances."""

SUM = 1e-4
"""How far from one the probabilities of a row may sum, where the precision of the numbers is no coarser."""

ROUNDINGS = 16
"""Roundings by which what is equal by definition may differ, in the precision that the numbers come in."""


def metric_of(kind: str, metric: str, name: str) -> str:
    """Return the metric of a kind of rows: for distances Euclidean, if nothing else is said; for others none.

    Raises
    ------
    InputError
        If there is no such kind or metric, or a metric is given for what are no distances.
    """
    if kind not in KINDS:
        raise InputError(f"{name}: kind={kind!r} is unknown; {did_you_mean(str(kind), KINDS)}")
    if kind != "distances":
        if metric:
            raise InputError(f"{name}: metric={metric!r} of {kind}; only distances have a metric")
        return ""
    if metric and metric not in METRICS:
        raise InputError(f"{name}: metric={metric!r} is unknown; {did_you_mean(str(metric), METRICS)}")
    return metric or "euclidean"


def precision(x: Array) -> float:
    """The relative rounding of the numbers as they come; whole numbers are exact in double precision."""
    xp = array_namespace(x)
    return float(xp.finfo(x.dtype if xp.isdtype(x.dtype, "real floating") else xp.float64).eps)


def check_kind(x: Num[Array, "n d"], kind: str, name: str = "matrix", ids: Sequence[str] = ()) -> None:
    """Refuse a finite matrix that is not of its kind; the message names the first place that is wrong.

    Distances are square, symmetric up to rounding, not negative, and zero on the diagonal; similarities are square and
    symmetric; log-probabilities are at most 0, and their exponentials sum to one in every row.
    """
    if kind == "states":
        return
    xp = array_namespace(x)

    def refuse(wrong: Bool[Array, "n m"], said: Callable[[int, int], str]) -> None:
        if not xp.any(wrong):
            return
        place = int(xp.argmax(xp.astype(xp.reshape(wrong, (-1,)), xp.int64)))
        row, column = divmod(place, wrong.shape[1])
        raise InputError(
            f"{name} is given as {kind.replace('_', '-')}, but {said(row, column)} (rows and columns count from 0)"
        )

    def item(row: int) -> str:
        return f"{row} ({ids[row]!r})" if row < len(ids) else str(row)

    if kind == "log_probabilities":
        values = xp.astype(x, xp.float64)
        refuse(
            values > SUM, lambda i, j: f"row {item(i)} has {float(values[i, j]):.6g} in column {j}; expected 0 or less"
        )
        sums = xp.sum(xp.exp(values), axis=1)
        allowed = max(SUM, ROUNDINGS * precision(x))
        refuse(
            xp.abs(sums - 1)[:, None] > allowed,
            lambda i, _: f"the probabilities of row {item(i)} sum to {float(sums[i]):.6g}; expected 1",
        )
        return
    if x.shape[0] != x.shape[1]:
        raise InputError(
            f"{name} is given as {kind}, but has {x.shape[0]} rows and {x.shape[1]} columns; expected a square table, "
            "with a row and a column for each item"
        )
    values = xp.astype(x, xp.float64)

    def between(i: int, j: int) -> str:
        return f"items {item(i)} and {item(j)}"

    if kind == "distances":
        refuse(values < 0, lambda i, j: f"that of {between(i, j)} is {float(values[i, j]):.6g}; expected 0 or more")
        index = xp.arange(x.shape[0], device=x.device)
        itself = index[:, None] == index[None, :]
        refuse(
            (values != 0) & itself,
            lambda i, _: f"that of item {item(i)} to itself is {float(values[i, i]):.6g}; expected 0",
        )
    allowed = ROUNDINGS * precision(x) * float(xp.max(xp.abs(values)))
    refuse(
        xp.abs(values - values.T) > allowed,
        lambda i, j: (
            f"that of {between(i, j)} is {float(values[i, j]):.6g} in one order and {float(values[j, i]):.6g} "
            "in the other; expected a symmetric table"
        ),
    )


def looks_like_table(x: Num[Array, "n d"]) -> bool:
    """Whether features look like a table of items by items, for which nobody has said that they are one."""
    if x.shape[0] != x.shape[1] or x.shape[0] < 3:
        return False
    try:
        check_kind(x, "similarities")
    except InputError:
        return False
    return True


def described(kind: str, metric: str = "") -> dict[str, Any]:
    """What a description says of rows that are no hidden states; of these nothing, as before there were others."""
    return {} if kind == "states" else {"kind": kind, **({"metric": metric} if metric else {})}
