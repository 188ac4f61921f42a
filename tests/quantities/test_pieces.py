"""Pieces of many rows, side by side: the numbers are those of one after the other, and BLAS is left as it was."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from likewise.quantities import collected, pieces, summed, threads_for


@pytest.fixture
def two_threads(monkeypatch):
    """As on a machine of two cores, whatever the tests are run on."""
    monkeypatch.setattr(pieces, "_threads", lambda: 2)
    monkeypatch.setattr(pieces, "PASS", 40)


def test_sums_and_rows_are_the_same_on_one_thread_and_on_two(two_threads, monkeypatch, rng) -> None:
    x = rng.normal(size=(203, 4))
    seen = set()

    def work(i: int, j: int) -> tuple[np.ndarray, np.ndarray]:
        seen.add(threading.get_ident())
        return x[i:j].T @ x[i:j], x[i:j].sum(axis=0)

    two = summed((203, 4), work)
    assert len(seen) > 1
    rows = collected((203, 4), lambda i, j: (x[i:j, 0] * 2, x[i:j]))
    monkeypatch.setattr(pieces, "_threads", lambda: 1)
    with threadpool_limits(1):
        one = summed((203, 4), work)
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert one[0] == pytest.approx(x.T @ x)
    assert np.array_equal(rows[0], 2 * x[:, 0]) and np.array_equal(rows[1], x)


def test_what_a_piece_raises_is_raised_and_all_threads_are_given_back(two_threads) -> None:
    before = pieces._blas().info()

    def fails(i: int, j: int) -> np.ndarray:
        if i > 50:
            raise ValueError("at 50")
        return np.zeros(1)

    for _ in range(2):
        with pytest.raises(ValueError, match="at 50"):
            summed((203, 4), fails)
    assert pieces._blas().info() == before


def test_pieces_within_pieces_and_of_two_at_a_time(two_threads) -> None:
    x = np.arange(400.0).reshape(200, 2)

    def column(place: int) -> float:
        return float(summed((200, 2), lambda i, j: x[i:j, place].sum()))

    whole = x.sum()
    nested = summed((200, 2), lambda i, j: x[i:j].sum() + 0 * column(0))
    assert nested == whole
    found: list[float] = []
    threads = [threading.Thread(target=lambda place=place: found.append(column(place))) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(found) == whole


def test_pieces_see_the_settings_of_who_asked(two_threads) -> None:
    with np.errstate(divide="ignore"):
        assert np.isinf(collected((203, 4), lambda i, j: 1 / np.zeros(j - i))).all()


def test_small_matrices_get_one_thread_and_the_others_get_theirs_back() -> None:
    def threads() -> list[int]:
        return [of["num_threads"] for of in pieces._blas().info()]

    before = threads()
    with threads_for(pieces.SMALL), threads_for(pieces.SMALL):
        assert set(threads()) == {1}
    assert threads() == before
    with threads_for(pieces.SMALL + 1):
        assert threads() == before
    with pytest.raises(ValueError, match="stopped"), threads_for(3):
        raise ValueError("stopped")
    assert threads() == before


def test_pieces_of_many_thin_rows_are_worked_on_side_by_side_though_blas_has_one_thread(monkeypatch) -> None:
    monkeypatch.setattr(pieces, "PASS", 40)
    monkeypatch.setattr(pieces, "_BEFORE", [2])
    seen = set()

    def work(i: int, j: int) -> np.ndarray:
        seen.add(threading.get_ident())
        return np.ones(1)

    with threads_for(4):
        monkeypatch.setattr(pieces, "_BEFORE", [2])  # as on two cores
        assert summed((203, 4), work)[0] == 21
    assert len(seen) > 1
