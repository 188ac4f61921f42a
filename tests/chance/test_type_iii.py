"""The type III tail beside that of scipy.stats."""

import numpy as np
import scipy

from likewise.chance.moments import type_iii_tail


def test_tail_is_that_of_scipy():
    z, skewness = np.meshgrid(np.linspace(-8, 40, 97), [-6.0, -1.0, -0.1, -2e-5, -1e-5, 0.0, 1e-5, 2e-5, 0.1, 1.0, 6.0])
    np.testing.assert_allclose(type_iii_tail(z, skewness), scipy.stats.pearson3.sf(z, skewness), rtol=1e-12)
    assert np.isnan(type_iii_tail(np.full(2, np.nan), np.asarray([0.5, np.nan]))).all()
