"""How the states of a prompt's tokens become one row. A pooling is one function."""

from collections.abc import Callable
from typing import Any, TypeAlias

Tensor: TypeAlias = Any
"""A torch.Tensor; torch itself is imported only where models run."""


def last_token(states: Tensor, mask: Tensor) -> Tensor:
    """Return the state of the last real token: in a decoder it has seen the whole prompt.

    Parameters
    ----------
    states : tensor, shape (b, t, d)
        States of a batch of padded prompts.
    mask : tensor, shape (b, t)
        1 for real tokens, on whichever side the padding is.

    Returns
    -------
    tensor, shape (b, d)
    """
    # The position of the last 1, found from the right end, so that left padding needs no other rule.
    last = mask.shape[1] - 1 - mask.flip(1).argmax(1)
    return states[range(states.shape[0]), last]


def first_token(states: Tensor, mask: Tensor) -> Tensor:
    """Return the state of the first real token, where an encoder gathers the prompt."""
    return states[range(states.shape[0]), mask.argmax(1)]


def mean(states: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of the states of all real tokens, summed in float32."""
    weights = mask[:, :, None].float()
    return (states.float() * weights).sum(1) / weights.sum(1)


POOLINGS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {f.__name__: f for f in (last_token, first_token, mean)}
"""By the name that an experiment gives them."""
