"""The golden values of docs/design/accuracy.md."""

import numpy as np
import pytest

from likewise.measures import Configuration, configurations

SHAPES = ((64, 12, 16), (40, 60, 48))
ROUNDED = 0.51e-9 + 1e-9

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
    "distance_correlation": (0.944123624, 0.958535119),
    "mutual_knn": (0.578125, 0.48),
    "rsm_difference(center=False, normalize=False)": (89.053121067, 65.264171976),
}


@pytest.mark.parametrize("shape", range(2), ids=["n > d", "n < d"])
@pytest.mark.parametrize("label", GOLDEN)
def test_value_is_golden(label, shape, golden):
    x, y = golden(*SHAPES[shape])
    assert Configuration.parse(label)(x, y) == pytest.approx(GOLDEN[label][shape], abs=ROUNDED, rel=0)


@pytest.mark.parametrize("shape", range(2), ids=["n > d", "n < d"])
@pytest.mark.parametrize("label", GOLDEN)
def test_float32_keeps_five_digits_of_the_golden_value(label, shape, golden):
    x, y = (m.astype(np.float32) for m in golden(*SHAPES[shape]))
    value = Configuration.parse(label)(x, y)
    assert value == pytest.approx(GOLDEN[label][shape], rel=1e-5)
    # Arithmetic on float32 input is done in double precision: the same numbers give the same value.
    assert value == Configuration.parse(label)(x.astype(np.float64), y.astype(np.float64))


def test_every_configuration_of_the_paper_has_a_golden_value():
    assert {c.label for c in configurations("paper")} <= GOLDEN.keys()
