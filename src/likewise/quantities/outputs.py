"""Log-probabilities whose exponentials sum to one as nearly as double precision can tell."""

from dataclasses import dataclass

from jaxtyping import Float

from likewise.arrays import Array, array_namespace
from likewise.quantities.prepared import PerItem, Prepared


@dataclass(frozen=True)
class LogProbabilities(PerItem):
    """Rows of log-probabilities, normalised again: what comes in sums to one up to its own, coarser rounding."""

    local = True

    def compute(self, of: Prepared) -> Float[Array, "n d"]:
        """Return the rows."""
        rows = of.matrix
        xp = array_namespace(rows)
        largest = xp.max(rows, axis=1, keepdims=True)
        return rows - (largest + xp.log(xp.sum(xp.exp(rows - largest), axis=1, keepdims=True)))

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n d."""
        return 8 * n * d
