"""Variants of models to the last weight."""

import pytest
import torch

from likewise.extract.variants import apply_variant


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.25, 0.5, 0.99])
def test_prune_zeroes_as_many_weights_as_the_fraction_says(fraction: float) -> None:
    model = torch.nn.Linear(8, 10, bias=False)
    with torch.no_grad():
        model.weight.copy_((torch.randperm(80).reshape(10, 8) + 1.0) * (-1.0) ** torch.arange(8))
    before = model.weight.detach().clone()
    apply_variant(model, f"prune(fraction={fraction})")
    expected = torch.where(before.abs() <= int(80 * fraction), 0.0, before)
    assert torch.equal(model.weight, expected)
