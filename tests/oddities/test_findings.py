"""The audit against plain definitions: every pair of rows, every singular value, and the matrix as a whole."""

import doctest
import json
import math
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from likewise.measures.descriptive import anisotropy, effective_rank, participation_ratio
from likewise.oddities import audit, audit_tokens
from likewise.prompts import Tokens

NEAR = 1e-3


class Among(frozenset[int]):
    """Equals any of its members: of features that are equally large, rounding chooses one."""

    __hash__ = frozenset.__hash__

    def __eq__(self, other: object) -> bool:
        return other in self


def equal(x: np.ndarray, y: np.ndarray) -> bool:
    return all(a == b for a, b in zip(x, y, strict=True))


def by_definition(x: np.ndarray) -> dict[str, object]:
    """Everything anew, without a thought for speed or memory."""
    x = np.asarray(x, dtype=np.float64)
    n, d = x.shape
    squares = (x**2).sum(axis=0)
    total = squares.sum()
    half = [k for k in range(1, d + 1) if math.fsum(np.sort(squares)[-k:]) >= (0.5 - 1e-12) * total]
    s = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    s = s[s > 1e-6 * s[0]] if len(np.unique(x + 0.0, axis=0)) > 1 else s[:0]
    p = s / s.sum() if len(s) else s
    lengths = np.linalg.norm(x, axis=1)
    repeats = [any(equal(x[i], x[j]) for j in range(i)) for i in range(n)]
    near = [
        not repeats[i] and any(np.linalg.norm(x[i] - x[j]) <= NEAR * lengths[i] for j in range(i)) for i in range(n)
    ]
    cosines = [x[i] @ x[j] / (lengths[i] * lengths[j]) for i in range(n) for j in range(n) if i != j and lengths.all()]
    return {
        "n_items": n,
        "n_features": d,
        "non_finite": 0,
        "zero_rows": int((lengths == 0).sum()),
        "repeated_rows": sum(repeats),
        "near_repeated_rows": sum(near),
        "constant_features": sum(len(set(x[:, j].tolist())) == 1 for j in range(d)),
        "largest_feature": Among(np.flatnonzero(squares >= (1 - 1e-12) * squares.max())) if total else None,
        "largest_feature_share": pytest.approx(squares.max() / total) if total else None,
        "dominating_features": half[0] if total else None,
        "effective_rank": pytest.approx(np.exp(-(p * np.log(p)).sum()), rel=1e-4) if len(s) else None,
        "participation_ratio": pytest.approx((s**2).sum() ** 2 / (s**4).sum(), rel=1e-6) if len(s) else None,
        "anisotropy": pytest.approx(np.mean(cosines), abs=1e-12) if cosines else None,
        "following_alike": 0.0,  # of so few: tests/chance/test_order.py
    }


@st.composite
def odd_matrices(draw: st.DrawFn) -> np.ndarray:
    """Few small numbers, so that rows repeat and features are constant; some rows a little beside another."""
    n, d = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    whole = st.sampled_from([-2.0, -1.0, -0.0, 0.0, 1.0, 3.0])
    x = draw(arrays(np.float64, (n, d), elements=whole))
    for i in range(1, n):
        # Not at the tolerance itself, where rounding decides; a row moves to an earlier one times one and a little.
        x[i] = draw(st.sampled_from([x[i], x[i], *(x[i - 1] * (1 + e) for e in (0.0, 4e-4, -4e-4, 3e-3))]))
    return x[draw(st.permutations(range(n)))]


@settings(deadline=None)
@given(odd_matrices(), st.integers(1, 10))
def test_audit_is_what_its_definitions_say(x: np.ndarray, block: int) -> None:
    assert audit(x, block=block) == by_definition(x)


@pytest.mark.parametrize(("n", "d"), [(60, 7), (7, 60), (30, 30)])
def test_spectrum_and_cosines_are_those_of_the_measures(n: int, d: int, rng: np.random.Generator) -> None:
    x = rng.normal(size=(n, d)) * np.geomspace(1, 1e-3, d) + 1e3
    found = audit(x, block=4)
    assert found["effective_rank"] == pytest.approx(effective_rank(x), rel=1e-9)
    assert found["participation_ratio"] == pytest.approx(participation_ratio(x), rel=1e-9)
    assert found["anisotropy"] == pytest.approx(anisotropy(x), rel=1e-12)


@pytest.mark.parametrize("d", [1, 40])  # in one dimension no near row has room to spare within the sweep
@pytest.mark.parametrize("spread", [1.0, 1e-2, 1e-3, 1e-4])
def test_no_near_row_is_missed_among_rows_that_share_an_offset(spread: float, d: int, rng: np.random.Generator) -> None:
    """Rows about one point, from far apart to all alike, as hidden states lie; some are moved by the tolerance."""
    x = 3 + spread * rng.normal(size=(150, d))
    for i in range(100, 150):
        move = rng.normal(size=d)
        move *= NEAR * np.linalg.norm(x[i - 100]) / np.linalg.norm(move)
        x[i] = x[i - 100] + rng.choice([0.5, 0.99, 1.01, 2]) * move
    x = x[rng.permutation(150)]
    assert audit(x, block=16)["near_repeated_rows"] == by_definition(x)["near_repeated_rows"]


def test_a_near_row_is_found_from_either_side() -> None:
    far = np.arange(10, 60, dtype=float)
    for pair in ([1.0, 1.00099], [1.00099, 1.0], [1.0, 0.99901], [0.99901, 1.0]):
        for rows in ([*pair, *far], [pair[0], *far, pair[1]]):
            assert audit(np.asarray(rows)[:, None], block=4)["near_repeated_rows"] == 1


@pytest.mark.parametrize(("n", "d"), [(40, 11), (11, 40)])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_memory_mapped_rows_in_blocks_equal_the_whole(
    n: int, d: int, dtype: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    x = (5 + rng.normal(size=(n, d))).astype(dtype)
    x[5], x[7], x[:, 3] = x[2], x[2] * np.asarray(1.0005, dtype), 1
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    whole = audit(x, block=n)
    for block in (1, 3, n - 1, 2 * n):
        assert audit(mapped, block=block) == {
            k: pytest.approx(v, rel=1e-10) if isinstance(v, float) else v for k, v in whole.items()
        }


@pytest.mark.parametrize(("n", "d", "block"), [(6000, 200, 32), (200, 6000, 4)])
def test_memory_stays_bounded(n: int, d: int, block: int, tmp_path: Path, rng: np.random.Generator) -> None:
    """Far less is held than the matrix in double precision, in either direction."""
    np.save(tmp_path / "x.npy", rng.normal(size=(n, d)).astype(np.float32))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    tracemalloc.start()
    audit(mapped, block=block)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * n * d / 4


def test_values_that_do_not_exist_are_none() -> None:
    one = audit(np.asarray([[1.0, 2.0]]))
    assert [one[k] for k in ("effective_rank", "participation_ratio", "anisotropy")] == [None] * 3
    assert (one["largest_feature"], one["dominating_features"]) == (1, 1)
    zeros = audit(np.zeros((2, 2)))
    assert (zeros["zero_rows"], zeros["repeated_rows"], zeros["near_repeated_rows"]) == (2, 1, 0)
    assert [zeros[k] for k in ("largest_feature", "largest_feature_share", "dominating_features")] == [None] * 3
    # Equal rows whose mean is not one of them, by rounding: nothing is left, and not a little noise.
    alike = audit(np.full((7, 3), 0.1))
    assert (alike["constant_features"], alike["effective_rank"], alike["anisotropy"]) == (3, None, pytest.approx(1))


def test_of_values_that_are_not_finite_only_counts_are_given() -> None:
    x = np.asarray([[np.nan, 1.0], [np.nan, 1.0], [0.0, 1.0], [-0.0, 1.0], [np.inf, 1.0]])
    found = audit(x, block=2)
    counts = {"n_items": 5, "n_features": 2, "non_finite": 3, "zero_rows": 0, "repeated_rows": 1}
    assert {k: v for k, v in found.items() if v is not None} == {**counts, "constant_features": 1}
    assert found.keys() == audit(np.eye(2)).keys()


def test_whole_numbers_and_json() -> None:
    x = np.asarray([[100, 1, 7], [100, 1, 7], [0, 0, 7], [50, 2, 7]])
    found = audit(x)
    assert found == audit(x.astype(np.float32)) == json.loads(json.dumps(found.written()))
    assert found["largest_feature_share"] == pytest.approx(22500 / (22500 + 6 + 196))


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=30), st.data())
def test_tokens_are_counted(lengths: list[int], data: st.DataObject) -> None:
    begins = data.draw(st.none() | st.lists(st.booleans(), min_size=len(lengths), max_size=len(lengths)))
    ids = [f"p{i}" for i in range(data.draw(st.integers(0, len(lengths))))]
    names = tuple(f"p{i}" for i in range(len(lengths)))
    tokens = Tokens(
        ids=names,
        prompts=tuple((1,) * length for length in lengths),
        names=names,
        truncated=tuple(ids),
        begins=None if begins is None else tuple(begins),
    )
    found = audit_tokens(tokens).written()
    assert found == {
        "prompts": len(lengths),
        "tokens_total": int(np.sum(lengths)),
        "tokens_min": int(np.min(lengths)),
        "tokens_median": float(np.median(lengths)),
        "tokens_max": int(np.max(lengths)),
        "truncated_prompts": len(ids),
        "truncated_ids": ids[:10],
        "begin_with_bos": None if begins is None else begins.count(True),
    }
    assert json.loads(json.dumps(found)) == found
    of_spans = audit_tokens(
        replace(tokens, rows=((),) * len(lengths), unaligned=("a[0:1]", "b[1:2]"), straddled=3)
    ).written()
    assert of_spans == {
        **found, "unaligned_spans": 2, "unaligned_ids": ["a[0:1]", "b[1:2]"], "straddled_spans": 3
    }  # fmt: skip


@pytest.mark.parametrize("module", ["likewise.oddities.findings", "likewise.oddities.duplicates"])
def test_examples_print_what_they_say(module: str) -> None:
    outcome = doctest.testmod(sys.modules[module])
    assert outcome.attempted >= 2
    assert outcome.failed == 0
