"""How the states of some of a prompt's tokens become one row. A pooling is one function; its rows may be normalized.

Each takes the states of a batch, (b, t, d), and a mask of the tokens of each row, (b, s, t): s rows a prompt, one where
rows are prompts, several where they are spans. It returns the rows, (b, s, d), of which those without any token mean
nothing.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from likewise.errors import InputError
from likewise.naming import checked_call, format_call, parse_call

Tensor: TypeAlias = Any
"""A torch.Tensor; torch itself is imported only where models run."""


def last_token(states: Tensor, mask: Tensor) -> Tensor:
    """Return the state of the last token: in a decoder it has seen all before it."""
    # The position of the last 1, found from the right end, so that left padding needs no other rule.
    return _pick(states, mask.shape[2] - 1 - mask.flip(2).argmax(2))


def first_token(states: Tensor, mask: Tensor) -> Tensor:
    """Return the state of the first token, where an encoder gathers the prompt."""
    return _pick(states, mask.argmax(2))


def mean(states: Tensor, mask: Tensor, *, skip: int | None = None) -> Tensor:
    """Return the mean of the states of all tokens, in float32; with ``skip``, without so many first ones.

    The first token of many decoders is massive and the same in every prompt, so that it hides what others say. Of a
    prompt that has no more tokens, all count.
    """
    after = mask.bool() & (mask.cumsum(2) > (skip or 0))
    return _weighted(states, after.where(after.any(2, keepdim=True), mask.bool()).float())


def mean_sqrt_length(states: Tensor, mask: Tensor) -> Tensor:
    """Return the sum of the states of all tokens over the root of their number, in float32."""
    return mean(states, mask) * mask.sum(2, keepdim=True).sqrt()


def position_weighted_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Return the mean with weights 1, 2, 3, ... from the first token on: later ones saw more (arXiv 2202.08904)."""
    return _weighted(states, mask.cumsum(2).float() * mask)


def max(states: Tensor, mask: Tensor) -> Tensor:  # named as experiments name it
    """Return the largest value of each feature."""
    import torch

    rows = [states.masked_fill(~mask[:, row, :, None].bool(), float("-inf")).amax(1) for row in range(mask.shape[1])]
    return torch.stack(rows, dim=1)


def last_k(states: Tensor, mask: Tensor, *, k: int) -> Tensor:
    """Return the mean of the last k tokens; of all, where there are fewer."""
    from_the_end = mask.flip(2).cumsum(2).flip(2)
    return _weighted(states, ((from_the_end <= k) & mask.bool()).float())


def generated(states: Tensor, mask: Tensor, *, k: int) -> Tensor:
    """Return the mean over the tokens that the model itself adds, k at most: the mask is of these."""
    return mean(states, mask)


def _pick(states: Tensor, place: Tensor) -> Tensor:
    return states.gather(1, place[:, :, None].expand(-1, -1, states.shape[2]))


def _weighted(states: Tensor, weights: Tensor) -> Tensor:
    # Padding may hold anything, also what is not a number, which a weight of 0 does not take away.
    states = states.float().masked_fill(~weights.any(1)[:, :, None], 0.0)
    return weights @ states / weights.sum(2, keepdim=True)


POOLINGS: dict[str, Callable[..., Tensor]] = {
    f.__name__: f
    for f in (last_token, first_token, mean, mean_sqrt_length, position_weighted_mean, max, last_k, generated)
}
"""By the name that an experiment gives them."""

RANGES: dict[str, tuple[Callable[[float], bool], str]] = dict.fromkeys(
    ("k", "skip"), (lambda v: v in range(1, 2**31), "1 or more")
)
"""What each parameter of a pooling may be."""


NORMALIZED = "normalized"
"""The parameter that every pooling has: whether its rows are divided by their lengths."""


def canonical_pooling(pooling: str) -> str:
    """Check a pooling such as ``last_k(k=4)`` and write it with all its parameters.

    Each takes ``normalized=true`` beside its own: rows are then divided by their lengths.

    Examples
    --------
    >>> canonical_pooling("last_k( k = 4 )"), canonical_pooling("mean(normalized=true)")
    ('last_k(k=4)', 'mean(normalized=True)')
    """
    name, given = parse_call(pooling)
    normalized = given.pop(NORMALIZED, False)
    if not isinstance(normalized, bool):
        raise InputError(f"{name}({NORMALIZED}={normalized!r}): expected true or false")
    checked = checked_call("pooling", format_call(name, given), POOLINGS, RANGES, after=2)
    return format_call(name, {**parse_call(checked)[1], NORMALIZED: True}) if normalized else checked


def pool(pooling: str, states: Tensor, mask: Tensor) -> Tensor:
    """Return the rows of a batch, (b, s, d), by the pooling of that name."""
    name, parameters = parse_call(pooling)
    normalized = parameters.pop(NORMALIZED, False)
    rows = POOLINGS[name](states, mask, **parameters)
    if not normalized:
        return rows
    rows = rows.float()
    # A row of zeros has no direction: what is not a number is refused with its prompt where rows are checked.
    return rows / rows.norm(dim=2, keepdim=True)


def tokens_to_generate(pooling: str) -> int:
    """Return how many tokens the model is to add before its states are pooled; 0 for most poolings.

    Examples
    --------
    >>> tokens_to_generate("generated(k=8)"), tokens_to_generate("mean")
    (8, 0)
    """
    name, parameters = parse_call(pooling)
    return int(parameters["k"]) if name == generated.__name__ else 0
