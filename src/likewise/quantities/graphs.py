"""Graphs of the items: the shortest one that connects all, and how heat spreads over that of the nearest."""

from dataclasses import dataclass

import numpy as np
import scipy
from jaxtyping import Float

from likewise.arrays import Array, array_namespace, strict_triangle, to_numpy
from likewise.errors import UndefinedError
from likewise.quantities.distances import TIES, Distances
from likewise.quantities.neighbours import away
from likewise.quantities.prepared import OrderFree, PerPair, Prepared

QUANTILE = 0.9
"""Of the distances, the diagonal included, that counts as one: so the size of the space does not matter."""

TIMES = np.logspace(-1, 1, 256)
"""Times at which the heat is measured."""


@dataclass(frozen=True)
class ScaledDistances(PerPair):
    """Euclidean distances divided by their 0.9 quantile."""

    def compute(self, of: Prepared) -> Float[Array, "n n"]:
        """Return the distances; undefined where the quantile is zero."""
        distances = of[Distances("euclidean")]
        scale = float(np.quantile(to_numpy(distances), QUANTILE))
        if scale == 0:
            raise UndefinedError(f"nine of ten distances between the rows of {of.name} are zero: they have no scale")
        return distances / scale


def spanning_length(distances: Float[Array, "n n"]) -> Float[Array, ""]:
    """The length of the minimum spanning tree: its edges are the heights of single linkage. O(n^2)."""
    tree = scipy.cluster.hierarchy.linkage(to_numpy(strict_triangle(distances)), "single")
    return array_namespace(distances).asarray(tree[:, 2].sum(), device=distances.device)


@dataclass(frozen=True)
class SpanningLength(OrderFree):
    """The length of the minimum spanning tree of the scaled distances."""

    def compute(self, of: Prepared) -> Float[Array, ""]:
        """Return the length."""
        return spanning_length(of[ScaledDistances()])


@dataclass(frozen=True)
class HeatTrace(OrderFree):
    """h(t) = tr exp(-t L) / n, L the normalised Laplacian of the graph of the k nearest, joined from either side."""

    k: int

    def compute(self, of: Prepared) -> Float[Array, " times"]:
        """Return h at the times of `TIMES`."""
        xp = array_namespace(of.given)
        distances = away(of, "euclidean", center=False)
        farthest = xp.sort(distances, axis=1)[:, self.k - 1 : self.k]
        # All that tie with the k-th, so that the order of the rows does not matter.
        chosen = distances <= farthest * (1 + TIES["euclidean"].relative)
        edges = xp.astype(chosen | chosen.T, xp.float64)
        root = xp.sqrt(xp.sum(edges, axis=1))
        laplacian = xp.eye(of.n, dtype=xp.float64, device=edges.device) - edges / (root[:, None] * root[None, :])
        values = xp.linalg.eigvalsh(laplacian)
        times = xp.asarray(TIMES, device=edges.device)
        return xp.mean(xp.exp(-times[:, None] * values[None, :]), axis=1)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 for each time."""
        return 8 * len(TIMES)
