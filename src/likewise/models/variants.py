"""Changed copies of a model, so that one model gives a population whose relations are known.

Each changes the model in place. But for `reinitialize`, what changes are the weight matrices that are not embeddings,
in the order of their names; norms and biases stay. Equal seeds give equal weights. With a ``block``, from 1 on, those
of that block alone change, and as they do when all change.
"""

from collections.abc import Callable, Iterator
from typing import Any

from likewise.errors import InputError
from likewise.models.layers import find_blocks
from likewise.naming import checked_call, parse_call


def noise(model: Any, *, sd: float, seed: int = 0, block: int | None = None) -> Any:
    """Add Gaussian noise to every weight matrix, of ``sd`` times that matrix's own standard deviation."""
    import torch

    for number, weights in _chosen(model, block):
        generator = torch.Generator().manual_seed(_mix(seed, number))
        drawn = torch.randn(weights.shape, generator=generator, dtype=torch.float32)
        weights += (sd * weights.float().std() * drawn.to(weights.device)).to(weights.dtype)
    return model


def prune(model: Any, *, fraction: float, block: int | None = None) -> Any:
    """Set the ``fraction`` of the weights of every matrix that are smallest in magnitude to zero."""
    for _, weights in _chosen(model, block):
        if count := int(fraction * weights.numel()):
            threshold = weights.abs().flatten().kthvalue(count).values
            weights[weights.abs() <= threshold] = 0
    return model


def quantize(model: Any, *, bits: int, block: int | None = None) -> Any:
    """Round every row of every weight matrix to ``2**bits - 1`` evenly spaced levels about zero."""
    levels = 2 ** (bits - 1) - 1
    for _, weights in _chosen(model, block):
        step = weights.abs().amax(dim=-1, keepdim=True) / levels
        step[step == 0] = 1  # a row of zeros stays one
        weights.copy_((weights / step).round() * step)
    return model


def reinitialize(model: Any, *, seed: int = 0) -> Any:
    """Give every weight the random value that training would start from, embeddings and norms too."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = type(model)._from_config(model.config, dtype=model.dtype)
    # In place, so that a head which shares the embeddings keeps sharing them.
    model.load_state_dict(fresh.state_dict())
    return model


VARIANTS: dict[str, Callable[..., Any]] = {f.__name__: f for f in (noise, prune, quantize, reinitialize)}
"""By the name that an experiment gives them."""

RANGES: dict[str, tuple[Callable[[float], bool], str]] = {
    "sd": (lambda v: v >= 0, "0 or more"),
    "fraction": (lambda v: 0 <= v < 1, "at least 0 and below 1"),
    "bits": (lambda v: v in range(2, 17), "a whole number from 2 to 16"),
    "seed": (lambda v: v in range(2**31), "a whole number, 0 or more"),
    "block": (lambda v: v in range(1, 2**31), "a whole number, 1 or more"),
}
"""What each parameter of a variant may be."""


def canonical_variant(text: str | None) -> str | None:
    """Check a variant such as ``noise(sd=0.1)`` and write it with all its parameters.

    Examples
    --------
    >>> canonical_variant("noise(sd=0.1)"), canonical_variant("quantize(block=3, bits=8)")
    ('noise(sd=0.1, seed=0)', 'quantize(bits=8, block=3)')
    """
    return None if text is None else checked_call("variant", text, VARIANTS, RANGES, after=1)


def check_block(block: int | None, blocks: int) -> None:
    """Refuse a block that a model of so many blocks does not have."""
    if block is not None and block > blocks:
        raise InputError(f"a variant of block {block}: the model has {blocks} blocks; expected one of them")


def block_of(variant: str | None) -> int | None:
    """Return the one block that a variant changes; None where it changes all.

    Examples
    --------
    >>> block_of("quantize(bits=8, block=3)"), block_of("noise(sd=0.1)")
    (3, None)
    """
    return None if variant is None else parse_call(variant)[1].get("block")


def apply_variant(model: Any, text: str | None) -> Any:
    """Return the model changed as the variant says; without one, as it is."""
    if text is None:
        return model
    import torch

    name, parameters = parse_call(text)
    with torch.no_grad():
        return VARIANTS[name](model, **parameters)


def weight_matrices(model: Any) -> Iterator[Any]:
    """Yield the weights with two or more axes that are not embeddings, by name."""
    from torch import nn

    embeddings = {id(p) for m in model.modules() if isinstance(m, nn.Embedding) for p in m.parameters()}
    for _, weights in sorted(model.named_parameters()):
        if weights.ndim >= 2 and id(weights) not in embeddings:
            yield weights.data


def _chosen(model: Any, block: int | None) -> Iterator[tuple[int, Any]]:
    """Yield the matrices of a block, or of all, each with its place among all of the model."""
    if block is None:
        yield from enumerate(weight_matrices(model))
        return
    blocks = find_blocks(model)
    check_block(block, len(blocks))
    # By where their numbers lie: weights themselves are made anew each time that they are asked for.
    own = {weights.data_ptr() for weights in weight_matrices(blocks[block - 1])}
    for number, weights in enumerate(weight_matrices(model)):
        if weights.data_ptr() in own:
            yield number, weights


def _mix(seed: int, number: int) -> int:
    """A seed for each matrix, so that equal shapes do not get equal noise."""
    return (seed * 1_000_003 + number) % 2**63
