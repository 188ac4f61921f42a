"""Golden values, found once by code that shares nothing with this."""

import numpy as np
import pytest

from likewise.errors import UndefinedError
from likewise.measures import Configuration, configurations
from likewise.measures.leading import leading
from likewise.measures.topology import _bars
from likewise.quantities import Prepared, ScaledDistances

SHAPES = ((64, 12, 16), (40, 60, 48))
ROUNDED = 0.51e-9 + 1e-9
UNDEFINED = None

GOLDEN = {
    "procrustes": (0.483052204, 0.380778145),
    "aligned_cosine": (0.816497255, 0.903439871),
    "rsm_difference": (1.651174315, 1.154286033),
    "rsa": (0.814193381, 0.832657668),
    "cka": (0.876598163, 0.898457505),
    "jaccard(center=True)": (0.413425952, 0.437010416),
    "procrustes(center=False)": (0.581877416, 0.503157895),
    "aligned_cosine(center=False, normalize=False)": (0.796886008, 0.836220947),
    'rsm_difference(inner="cosine", center=False, normalize=False)': (17.539382058, 10.292475765),
    "jaccard": (0.420849033, 0.326822524),
    "procrustes(normalize=False)": (18.599846041, 20.402737027),
    "procrustes_angle": (0.487876412, 0.383116906),
    "permutation_procrustes": (43.844276582, 57.217706386),
    "hard_correlation_match": (0.465142498, 0.679992778),
    "soft_correlation_match": (0.598358471, 0.732205351),
    "linear_predictivity": (0.894911466, UNDEFINED),
    "cka(debiased=True)": (0.872323287, 0.891957128),
    "cknna": (0.821790122, 0.909580965),
    "distance_correlation": (0.944123624, 0.958535119),
    'eigenspace_overlap(over="width")': (0.386558449, 0.666666667),
    "svcca": (0.734616500, 0.789402211),
    "svcca(k=1)": (0.906807290, 0.983855647),
    "gulp(lam=0, squared=True)": (15.536108865, 0.0),
    'rsa(inner="correlation")': (0.573811885, 0.449787469),
    "rsm_difference(center=False, normalize=False)": (89.053121067, 65.264171976),
    'rsm_difference(center=False, normalize=False, norm="spectral")': (99.500759504, 65.314086779),
    "mutual_knn": (0.578125, 0.48),
    "rank_similarity": (0.489634836, 0.640755096),
    "second_order_cosine": (0.786117296, 0.888655207),
    "rtd": (2.413572, 0.760502),
    "imd": (13.769642e-6, 20.896038e-6),
    "magnitude_difference": (1.106520489, 2.762879447),
    "uniformity_difference(normalize=False)": (0.789266765, 0.000330727),
    "concentricity_difference": (0.302462259, 0.284268890),
}
"""For n, d, e = 64, 12, 16 and for 40, 60, 48."""

TOLERANCE = {"rtd": 0.51e-6 + 1e-6, "imd": (0.51e-6 + 1e-6) * 1e-6}
"""Where fewer digits are given, or the arithmetic has fewer."""


@pytest.mark.parametrize("shape", range(2), ids=["n > d", "n < d"])
@pytest.mark.parametrize("label", GOLDEN)
def test_value_is_golden(label, shape, golden):
    x, y = golden(*SHAPES[shape])
    if GOLDEN[label][shape] is UNDEFINED:
        with pytest.raises(UndefinedError, match="linearly independent"):
            Configuration.parse(label)(x, y)
    else:
        rounded = TOLERANCE.get(label, ROUNDED)
        assert Configuration.parse(label)(x, y) == pytest.approx(GOLDEN[label][shape], abs=rounded, rel=0)


def test_asymmetric_golden_value_is_that_of_its_direction(golden):
    x, y = golden(*SHAPES[0])
    assert Configuration.parse("linear_predictivity")(y, x) == pytest.approx(0.974771016, abs=ROUNDED, rel=0)


def test_golden_numbers_of_dimensions_are_kept_by_svcca(golden):
    for shape, counts in zip(SHAPES, ((7, 10), (13, 21)), strict=True):
        kept = [leading(Prepared(m), 0.99, 0)[0].shape[-1] for m in golden(*shape)]
        assert tuple(kept) == counts


def test_golden_halves_of_rtd_differ(golden):
    a, b = (Prepared(m)[ScaledDistances()] for m in golden(*SHAPES[0]))
    assert (_bars(a, b), _bars(b, a)) == pytest.approx((0.927685, 3.899459), abs=TOLERANCE["rtd"])


def test_code_of_the_authors_of_cknna_gives_its_number(golden):
    assert Configuration.parse("cknna(transposed=True)")(*golden(*SHAPES[0])) == pytest.approx(0.860, abs=0.0005)


def test_pwcca_weighs_whitened_directions(golden):
    assert Configuration.parse("pwcca")(*golden(*SHAPES[0])) == pytest.approx(0.8310, abs=1e-4)


@pytest.mark.parametrize("shape", range(2), ids=["n > d", "n < d"])
@pytest.mark.parametrize("label", [c.label for c in configurations("paper")])
def test_float32_keeps_five_digits_of_the_golden_value(label, shape, golden):
    x, y = (m.astype(np.float32) for m in golden(*SHAPES[shape]))
    value = Configuration.parse(label)(x, y)
    assert value == pytest.approx(GOLDEN[label][shape], rel=1e-5)
    # Arithmetic on float32 input is done in double precision: the same numbers give the same value.
    assert value == Configuration.parse(label)(x.astype(np.float64), y.astype(np.float64))


def test_every_configuration_of_the_paper_has_a_golden_value():
    assert {c.label for c in configurations("paper")} <= GOLDEN.keys()
