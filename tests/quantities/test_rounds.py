"""Shuffles in rounds are random orders like any others, and their products those of the shuffled rows."""

import numpy as np
import pytest

from cases import each
from likewise.quantities import (
    ROUND,
    ComponentProducts,
    CrossProduct,
    Orders,
    Prepared,
    Round,
    SummedProduct,
    UnitProduct,
    pieces,
    rounds,
)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch) -> None:
    monkeypatch.setattr(rounds, "LITTLE", ROUND)


def alike(n: int, sizes: tuple[int, ...]) -> list[np.ndarray]:
    """Groups of these sizes among n items, in no order: as many items of each size as fit."""
    items, found = np.random.default_rng(n).permutation(n), []
    for place, size in enumerate(sizes):
        of = np.array_split(items, len(sizes))[place]
        found.append(of[: len(of) - len(of) % size].reshape(-1, size))
        found.append(of[len(of) - len(of) % size :].reshape(-1, 1))
    return found


def beside(one: Orders, other: Orders, number: int) -> np.ndarray:
    """The items of the other side beside those of the first as they stand."""
    return other[number][np.argsort(one[number])]


@pytest.mark.parametrize("n", [1, 63, 64, 65, 100, 255, 1000, 4095])
@pytest.mark.parametrize("sizes", [(1,), (2, 5), (1, 3, 40)])
def test_every_order_has_each_item_once_and_moves_groups_as_a_whole(n, sizes) -> None:
    groups = alike(n, sizes)
    orders = Orders.draw(groups, np.random.default_rng(n))
    for number in range(ROUND):
        order = orders[number]
        assert np.array_equal(np.sort(order), np.arange(n))
        for same in groups:
            moved = order[same]
            assert set(map(tuple, moved.tolist())) == set(map(tuple, same.tolist()))


@pytest.mark.parametrize("product", [CrossProduct(True), CrossProduct(False), UnitProduct(True), UnitProduct(False),
                                     ComponentProducts(True), ComponentProducts(False)])  # fmt: skip
@pytest.mark.parametrize(("n", "sizes"), [(40, (1,)), (300, (1,)), (1400, (2, 5))])
@pytest.mark.parametrize("held", each([2**27, 8 * 5 * 3 * 4, 1]))
def test_products_of_a_round_are_those_of_the_shuffled_rows(monkeypatch, product, n, sizes, held) -> None:
    monkeypatch.setattr(pieces, "PASS", 60)
    monkeypatch.setattr(rounds, "HELD", held)
    rng = np.random.default_rng([n, held])
    rows = [(rng.normal(size=(n, d)) + 2).astype(np.float32) for d in (5, 3)]
    x, y = map(Prepared, rows)
    one, other = (Orders.draw(alike(n, sizes), rng) for _ in "xy")
    of_round = Round(x, one, other)
    for number in (0, 1, 31, 32, 63):
        order = beside(one, other, number)
        back = np.argsort(order)
        plain = x.joint(y.permuted(order), product)
        assert x.joint(y.permuted(order, shuffle=(of_round, number)), product) == pytest.approx(plain, abs=1e-12 * n)
        moved = x.permuted(back, shuffle=(of_round, number))
        assert moved.joint(y, product) == pytest.approx(plain, abs=1e-12 * n)
        assert y.joint(moved, product) == pytest.approx(plain.T, abs=1e-12 * n)


def test_rounds_find_several_products_at_once(monkeypatch) -> None:
    """Most items are in parts that are moved, and those are read once for all shuffles."""
    monkeypatch.setattr(pieces, "PASS", 1000)
    read = []

    class Counted(SummedProduct):
        def rows(self, of, items):
            read.append(len(items))
            return of.rows(items)

        def compute(self, x, y):
            return self.known(x, y)

    n, rng, product = 5000, np.random.default_rng(1), Counted()
    x, y = (Prepared(rng.normal(size=(n, 4))) for _ in "xy")
    one, other = (Orders.draw([np.arange(n)[:, None]], rng) for _ in "xy")
    of_round = Round(x, one, other)
    for number in range(ROUND):
        x.joint(y.permuted(beside(one, other, number), shuffle=(of_round, number)), product)
    rest = n - 4096 - 512 - 256 - 128
    assert sum(read) <= 2 * (n - rest) + 2 * ROUND * rest + 3 * ROUND


def test_sides_that_move_together_stay_together() -> None:
    x = Prepared(np.random.default_rng(0).normal(size=(20_000, 3)))
    orders = Orders.draw([np.arange(20_000)[:, None]], np.random.default_rng(0))
    of_round = Round(x, orders, orders)
    y = Prepared(np.random.default_rng(1).normal(size=(20_000, 2)))
    for number in (0, 7):
        moved = y.permuted(np.arange(20_000), shuffle=(of_round, number))
        assert x.joint(moved, CrossProduct(True)) == pytest.approx(x.joint(y, CrossProduct(True)), abs=1e-8)


def shuffled_sums(n: int, many: int, seed: int) -> np.ndarray:
    """A sum of products of two sides after each shuffle of many rounds, in units of its deviation over all orders."""
    rng = np.random.default_rng(seed)
    x, y = (rng.standard_t(5, size=n) for _ in "xy")
    x, y = x - x.mean(), y - y.mean()
    deviation = np.sqrt(np.sum(x**2) * np.sum(y**2) / (n - 1))
    each = [np.arange(n)[:, None]]
    found = []
    for _ in range(many):
        one, other = Orders.draw(each, rng), Orders.draw(each, rng)
        found.append([x[one[k]] @ y[other[k]] / deviation for k in range(ROUND)])
    return np.asarray(found)


@pytest.mark.parametrize("n", [100])
def test_each_shuffle_of_a_round_is_a_random_order(n) -> None:
    """Mean 0 and deviation 1, as over all orders; and two shuffles of a round are not correlated, nor their squares."""
    many = 700
    sums = shuffled_sums(n, many, seed=n)
    assert np.abs(sums.mean(axis=0)).max() < 4.5 / many**0.5
    assert np.abs((sums**2).mean(axis=0) - 1).max() < 4.5 * (sums**2).std() / many**0.5
    of_two = np.corrcoef(sums.T)[np.triu_indices(ROUND, 1)]
    assert np.abs(of_two).max() < 4.5 / many**0.5
    of_squares = np.corrcoef((sums**2).T)[np.triu_indices(ROUND, 1)]
    assert np.abs(of_squares).max() < 6 / many**0.5 + 4 / n


@pytest.mark.parametrize("places", [(0,), (5, 6)])
def test_items_stand_anywhere_in_any_shuffle_of_a_round(places) -> None:
    """Where some items stand beside the other side is as likely as any other place, also for two at a time."""
    n, many, numbers = 70, 1500, (0, 1, 6, 63)
    rng = np.random.default_rng(len(places))
    each = [np.arange(n)[:, None]]
    seen = np.zeros((len(numbers), *(n,) * len(places)))
    for _ in range(many):
        one, other = Orders.draw(each, rng), Orders.draw(each, rng)
        for place, number in enumerate(numbers):
            order = beside(one, other, number)
            seen[(place, *(order[item] for item in places))] += 1
    expected = np.full((n,) * len(places), many / n)
    if len(places) == 2:
        expected = np.full((n, n), many / (n * (n - 1)))
        np.fill_diagonal(expected, 0)
    assert (seen[:, expected == 0] == 0).all()
    possible = expected > 0
    chi = ((seen[:, possible] - expected[possible]) ** 2 / expected[possible]).sum(axis=1)
    free = possible.sum() - 1
    assert np.abs(chi - free).max() < 4.5 * np.sqrt((2 + 1 / expected[possible].min()) * free)
