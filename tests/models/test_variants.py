"""Variants of models to the last weight."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from likewise.errors import InputError
from likewise.models import ModelSpec, load_model
from likewise.models.variants import apply_variant, canonical_variant


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.25, 0.5, 0.99])
def test_prune_zeroes_as_many_weights_as_the_fraction_says(fraction: float) -> None:
    model = torch.nn.Linear(8, 10, bias=False)
    with torch.no_grad():
        model.weight.copy_((torch.randperm(80).reshape(10, 8) + 1.0) * (-1.0) ** torch.arange(8))
    before = model.weight.detach().clone()
    apply_variant(model, f"prune(fraction={fraction})")
    expected = torch.where(before.abs() <= int(80 * fraction), 0.0, before)
    assert torch.equal(model.weight, expected)


@pytest.mark.parametrize("change", ["noise(sd=0.5)", "prune(fraction=0.5)", "quantize(bits=3)"])
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_a_variant_of_one_block_is_that_of_the_model_in_this_block(
    tiny: Callable[..., Path], architecture: str, change: str
) -> None:
    def weights(variant: str | None) -> dict[str, torch.Tensor]:
        spec = ModelSpec(model=str(tiny(architecture)), variant=canonical_variant(variant))
        return load_model(spec, device="cpu", dtype="float32").model.state_dict()

    before, whole, one = weights(None), weights(change), weights(f"{change[:-1]}, block=2)")
    changed = {name for name in before if not torch.equal(before[name], one[name])}
    assert changed == {n for n in before if ".1." in n and not torch.equal(before[n], whole[n])} != set()
    assert all(torch.equal(one[name], whole[name]) for name in changed)


def test_a_block_that_there_is_not_is_refused(tiny: Callable[..., Path]) -> None:
    spec = ModelSpec(model=str(tiny("llama")), variant="noise(sd=0.1, seed=0, block=4)")
    with pytest.raises(InputError, match="block 4: the model has 3 blocks"):
        load_model(spec, device="cpu", dtype="float32")
    with pytest.raises(InputError, match="expected a whole number, 1 or more"):
        canonical_variant("noise(sd=0.1, block=0)")
