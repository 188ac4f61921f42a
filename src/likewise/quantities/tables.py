"""What follows from a table of distances or of inner products: the rows, up to what the table does not say."""

from dataclasses import dataclass

from jaxtyping import Float

from likewise.arrays import Array, array_namespace
from likewise.errors import UndefinedError
from likewise.quantities.pieces import spans
from likewise.quantities.prepared import OrderFree, PerItem, Prepared

MARGIN = 8
"""Times the expected rounding of an eigenvalue that counts as rounding."""


def doubly_centered(a: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """H A H for a symmetric A, H = I - 11'/n."""
    xp = array_namespace(a)
    means = xp.mean(a, axis=0, keepdims=True)
    return a - means - means.T + xp.mean(a)


def products_of(of: Prepared, center: bool) -> Float[Array, "n n"]:
    """Inner products of a table: its own, centred or not, or -H D^2 H / 2 of Euclidean distances D, H = I - 11'/n."""
    if of.kind == "similarities":
        return doubly_centered(of.given) if center else of.given
    return doubly_centered(of.given**2) / -2


@dataclass(frozen=True)
class Lost(OrderFree):
    """How large an eigenvalue of the inner products of a table may be that is rounding alone.

    The numbers of the table are rounded, in the precision that they came in, and so are its eigenvalues. Of some of the
    items it is that of all. Directions shorter than its root are not told from none.
    """

    local = True

    def compute(self, of: Prepared) -> Float[Array, ""]:
        """Return 8 (sqrt(n) u max |t_ij| + eps |K|_F), t the squared distances or the inner products."""
        xp = array_namespace(of.given)
        largest = xp.max(xp.abs(of.given)) ** (2 if of.kind == "distances" else 1)
        length = xp.linalg.matrix_norm(products_of(of, center=of.kind == "distances"))
        return MARGIN * (of.n**0.5 * of.precision * largest + xp.finfo(xp.float64).eps * length)


@dataclass(frozen=True)
class Embedding(PerItem):
    """Rows with the distances, or inner products, of a table: classical scaling.

    With K = -H D^2 H / 2 for distances, and for inner products the table itself, H K H where ``center``:
    K = V diag(l) V', and the rows are V diag(sqrt(l)) for the eigenvalues l that are more than rounding. They are the
    rows that the table is of, up to a rotation, and for distances an offset: directions shorter than about the square
    root of the rounding are lost. O(n^3), once. Torgerson (1952), doi:10.1007/BF02288916.
    """

    center: bool
    local = True

    def compute(self, of: Prepared) -> Float[Array, "n r"]:
        """Return the rows; undefined where no rows have such a table."""
        if of.kind == "distances" and of.metric != "euclidean":
            which = "distances of another kind" if of.metric == "other" else f"{of.metric} distances"
            raise UndefinedError(f"{of.name} is a table of {which}; expected Euclidean ones, or rows")
        xp = array_namespace(of.given)
        values, vectors = xp.linalg.eigh(products_of(of, self.center))
        lost = of[Lost()]
        if values[0] < -lost:
            what = "Euclidean distances" if of.kind == "distances" else "inner products"
            raise UndefinedError(
                f"{of.name} is a table of {of.kind} that no rows have: an eigenvalue is negative, "
                f"{float(values[0] / xp.max(xp.abs(values))):.2g} of the largest; expected {what}, or rows"
            )
        values, vectors = xp.flip(values), xp.flip(vectors, axis=1)
        rank = int(xp.sum(xp.astype(values > lost, xp.int64)))
        if rank == 0:
            return xp.zeros_like(vectors[:, :1])
        return vectors[:, :rank] * xp.sqrt(values[:rank])

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n^2."""
        return 8 * n * n


def vectors(of: Prepared, center: bool) -> Float[Array, "{of.n} r"]:
    """The rows up to a rotation of their features; where ``center``, up to an offset too.

    All that a measure needs which ignores these. Of rows they are the rows themselves.
    """
    if not of.is_table:
        return of.matrix
    if of.kind == "distances" and not center:
        raise UndefinedError(
            f"{of.name} is a table of distances, which do not say where the origin is; expected rows, or a measure "
            "that ignores the origin, such as one with center=True"
        )
    return of[Embedding(center)]


def are_equal(of: Prepared, center: bool) -> bool:
    """Whether all rows are equal (``center``), or zero. Asked of what was given: what is computed holds rounding."""
    if of.is_many:
        first = of.rows(0, 1) if center else 0.0
        xp = array_namespace(of.rows(0, 1))
        return all(bool(xp.all(of.rows(start, stop) == first)) for start, stop in spans(of.n, of.d))
    xp = array_namespace(of.given)
    if of.kind == "distances":
        if not center:
            vectors(of, center)  # nothing is said of the origin
        return not xp.any(of.given)
    if of.kind == "similarities":
        return bool(xp.all(of.given == (of.given[0, 0] if center else 0.0)))
    return bool(xp.all(of.matrix == (of.matrix[:1, :] if center else 0.0)))
