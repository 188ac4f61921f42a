"""The same numbers wherever the arrays are: NumPy, torch, and a GPU where there is one."""

import numpy as np
import pytest
import torch

from likewise import testing
from likewise.arrays import to_torch
from likewise.errors import InputError
from likewise.representation import Representation, on_device
from likewise.scoring import Trust, score_block

CUDA = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"))


@pytest.mark.parametrize("device", ["cpu", CUDA])
def test_numbers_are_those_of_numpy(configuration, device):
    shape = testing.shapes(configuration.facts)[2]
    matrices = testing.draw(*shape)
    trust = Trust("moments", permutations=3, groups=4)
    arrays = score_block([Representation(m) for m in matrices], [(0, 1)], [configuration], trust)
    tensors = score_block([Representation(to_torch(m, device)) for m in matrices], [(0, 1)], [configuration], trust)
    for there, here in zip(tensors, arrays, strict=True):
        assert there.reason == here.reason
        for column in ("value", "null_mean", "pvalue", "low", "high"):
            expected = getattr(here, column)
            # The integral of this interval, which leaves a hundredth of the deviation, is in single precision.
            single = configuration.measure == "aligned_cosine" and column in ("low", "high")
            close = 1e-6 if single else 1e-10
            same = expected if expected is None else pytest.approx(expected, rel=close, abs=close)
            assert getattr(there, column) == same, column


def test_rows_that_are_moved_keep_their_names():
    named = Representation(np.eye(3, dtype=np.float32), ids="abc", name="unit", key="k", source={"model": "m"})
    moved = named.changed(matrix=to_torch(named.matrix, "cpu"))
    assert (moved.ids, moved.has_ids, moved.name, moved.key, dict(moved.source)) == (
        ("a", "b", "c"), True, "unit", "k", {"model": "m"},
    )  # fmt: skip
    assert moved.matrix.dtype == torch.float32
    assert on_device(named, "cpu") is named
    assert not Representation(np.eye(3)).changed(name="other").has_ids


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_gpu_that_is_not_there_is_said():
    with pytest.raises(InputError, match="torch finds no CUDA device here; use --device cpu"):
        on_device(Representation(np.eye(3)), "cuda")
