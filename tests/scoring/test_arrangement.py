"""Trees and maps: distances from scores of any kind, the best plane, and the order of the leaves."""

import itertools

import numpy as np
import pytest
import scipy

from likewise.errors import InputError
from likewise.measures import Configuration
from likewise.scoring import (
    Dissimilarities,
    Results,
    both_orders,
    compare,
    dissimilarities,
    dissimilarities_of,
    places,
    tree,
)

CKA, PROCRUSTES, NOISE = map(Configuration.parse, ("cka", "procrustes", "signal_to_noise"))


def between(points: np.ndarray) -> Dissimilarities:
    far = np.linalg.norm(points[:, None] - points, axis=-1)
    return Dissimilarities(tuple(map(str, range(len(far)))), far, "distance")


def square_of(rng: np.random.Generator, m: int = 5) -> np.ndarray:
    return rng.uniform(0.1, 0.9, size=(m, m))


def test_the_map_of_points_is_their_plane_and_its_stress_that_of_kruskal(rng: np.random.Generator) -> None:
    assert places(between(rng.normal(size=(9, 2)))).stress < 1e-6
    solid = between(rng.normal(size=(9, 6)))
    found = places(solid)
    apart, wanted = scipy.spatial.distance.pdist(found.points), scipy.spatial.distance.squareform(solid.square)
    assert found.stress == pytest.approx(np.sqrt(((apart - wanted) ** 2).sum() / (apart**2).sum()), rel=1e-12)
    assert 0.05 < found.stress < 0.4
    # The same points a hair away have no less stress: it is a minimum.
    for _ in range(20):
        moved = scipy.spatial.distance.pdist(found.points + 1e-3 * rng.normal(size=found.points.shape))
        assert ((moved - wanted) ** 2).sum() >= ((apart - wanted) ** 2).sum() - 1e-9
    with pytest.raises(InputError, match="all are at distance zero"):
        places(between(np.zeros((3, 2))))


def test_things_in_one_place_are_in_one_place_of_the_map(rng: np.random.Generator) -> None:
    points = rng.normal(size=(6, 2))
    points[1] = points[0]
    found = places(between(points))
    assert found.stress < 1e-6 and np.linalg.norm(found.points[0] - found.points[1]) < 1e-6


def test_scores_of_both_orders_count_half_each_and_a_pair_without_any_makes_no_distances() -> None:
    scores = np.asarray([[np.nan, 0.8, 0.1], [0.6, np.nan, 0.2], [np.nan, np.nan, np.nan]])
    found = dissimilarities_of("abc", scores, CKA, calibrated=False)
    assert found is not None and found.names == ("a", "b", "c")
    np.testing.assert_allclose(found.square, [[0, 0.3, 0.9], [0.3, 0, 0.8], [0.9, 0.8, 0]])
    np.testing.assert_allclose(both_orders(scores), [[0, 0.7, 0.1], [0.7, 0, 0.2], [0.1, 0.2, 0]])
    scores[0, 2] = np.nan
    assert both_orders(scores) is None and dissimilarities_of("abc", scores, CKA, calibrated=False) is None


@pytest.mark.parametrize(
    ("configuration", "calibrated", "far", "said"),
    [
        (CKA, False, lambda s: 1 - s, "1 − similarity"),
        (PROCRUSTES, False, lambda s: s, "distance"),
        (PROCRUSTES, True, lambda s: 1 - s, "1 − calibrated score"),
        (NOISE, True, lambda s: 1 - s, "1 − calibrated score"),
    ],
    ids=["similarity", "distance", "calibrated distance", "calibrated without a bound"],
)
def test_what_is_far_is_less_alike_on_every_scale(
    configuration: Configuration, calibrated: bool, far: object, said: str, rng: np.random.Generator
) -> None:
    scores = square_of(rng)
    found = dissimilarities_of("abcde", scores, configuration, calibrated)
    assert found is not None and found.said == said and callable(far)
    mean = (far(scores) + far(scores.T)) / 2
    np.testing.assert_allclose(found.square, mean * ~np.eye(5, dtype=bool), rtol=1e-12)


def test_what_makes_no_distance_makes_none(rng: np.random.Generator) -> None:
    scores = square_of(rng)
    assert dissimilarities_of("abcde", scores, NOISE, calibrated=False) is None  # identity depends on the data
    assert dissimilarities_of("ab", scores[:2, :2], CKA, calibrated=True) is None
    scores[3, 1], scores[1, 3] = 1 + 1e-12, 1.0
    found = dissimilarities_of("abcde", scores, CKA, calibrated=True)
    assert found is not None and 0 <= found.square[3, 1] < 1e-9
    scores[3, 1] = 1.2  # the mean of both orders would be below 1
    scores[1, 3] = 0.2
    assert dissimilarities_of("abcde", scores, CKA, calibrated=True) is None


@pytest.mark.parametrize("measure", ["cka", "procrustes", "linear_predictivity"])
@pytest.mark.parametrize("calibrated", [True, False])
def test_a_square_and_a_list_of_scores_give_the_same(measure: str, calibrated: bool, rng: np.random.Generator) -> None:
    base = rng.normal(size=(30, 4))
    given = {name: base + noise * rng.normal(size=base.shape) for noise, name in enumerate("abcd", 1)}
    scores = compare(given, measure, groups=0).scores(calibrated=calibrated)
    square = np.full((4, 4), np.nan)
    for s in scores:
        square["abcd".index(s.a), "abcd".index(s.b)] = s.value
    wanted = dissimilarities(scores, calibrated)
    found = dissimilarities_of("abcd", square, scores[0].configuration, calibrated)
    assert found is not None and found.said == wanted.said
    assert np.array_equal(found.square, wanted.square)


def test_a_list_that_makes_no_distance_is_refused_with_the_reason(rng: np.random.Generator) -> None:
    given = {name: rng.normal(size=(20, 3)) for name in "abc"}
    results = compare(given, "cka", groups=0)
    with pytest.raises(InputError, match="expected three or more representations, got 2"):
        dissimilarities(Results.of([*results][:1]).scores(), calibrated=True)
    with pytest.raises(InputError, match="b and c were not compared"):
        dissimilarities(Results.of([*results][:2]).scores(), calibrated=True)
    with pytest.raises(InputError, match="a raw similarity makes no distance"):
        dissimilarities(
            compare(given, "signal_to_noise", permutations=0, groups=0).scores(calibrated=False), calibrated=False
        )


def test_leaves_that_join_early_stand_side_by_side_and_the_first_named_is_nearer_to_the_start(
    rng: np.random.Generator,
) -> None:
    assert tree(between(np.asarray([[0.0], [10.0], [1.0], [11.0]]))).order == (0, 2, 1, 3)
    for _ in range(10):
        given = between(rng.normal(size=(7, 2)))
        found = tree(given)
        assert sorted(found.order) == [*range(7)] and found.order[0] < found.order[-1]
        # Members of each cluster stand beside each other, so that branches never cross.
        members = [{i} for i in range(7)]
        for one, other in found.merges[:, :2].astype(int):
            members.append(members[one] | members[other])
            at = sorted(found.order.index(i) for i in members[-1])
            assert at == [*range(at[0], at[0] + len(at))]
        # No order of the four of a square is shorter than the one that was found for them.
        few = between(rng.normal(size=(4, 2)))
        steps = [sum(few.square[a, b] for a, b in itertools.pairwise(o)) for o in itertools.permutations(range(4))]
        assert sum(few.square[a, b] for a, b in itertools.pairwise(tree(few).order)) < np.mean(steps)
