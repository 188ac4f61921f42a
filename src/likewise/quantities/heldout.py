"""Fits on some of the items, judged on the others."""

from collections.abc import Iterator
from dataclasses import dataclass

from jaxtyping import Float, Int

from likewise.arrays import Array, array_namespace, gather, inverse
from likewise.quantities.factors import Coordinates, Factor, Norm, Scale, recentred
from likewise.quantities.gram import Gram
from likewise.quantities.prepared import JointQuantity, PerPair, Prepared, Quantity
from likewise.quantities.rank import numerical_rank, reach
from likewise.quantities.spectrum import Projection
from likewise.quantities.tables import doubly_centered, vectors


def splits(of: Prepared, folds: int, like: Array) -> Iterator[tuple[Int[Array, " m"], Int[Array, " k"]]]:
    """Training and test items of each fold; fold f tests the items f, f + folds, f + 2 folds, ...

    Where items are left out, the others stay in their folds: if they moved up, nearly all would be predicted from
    others, and a score would change by far more than by what is left out.
    """
    xp = array_namespace(like)
    index = xp.arange(of.n, device=like.device) if of.places is None else xp.asarray(of.places, device=like.device)
    for fold in range(folds):
        test = index % folds == fold
        if xp.any(test):
            yield xp.nonzero(~test)[0], xp.nonzero(test)[0]


def in_order(parts: list[Array], places: list[Array]) -> Float[Array, "n *rest"]:
    """Stack what the folds gave, each item's at its place."""
    xp = array_namespace(*parts)
    return xp.take(xp.concat(parts, axis=0), inverse(xp.concat(places)), axis=0)


def uncentred(of: Prepared, center: bool) -> tuple[Float[Array, "n r"], float]:
    """Thin rows, up to their offset where it is to be taken away; and the length that their rounding goes by.

    Not centred as a whole: what a fold leaves out must not leave its rounding with the rows that stay.
    """
    if of.is_table:
        return vectors(of, center), float(of[Scale()])
    coordinates = of[Coordinates()]
    xp = array_namespace(coordinates)
    return (
        coordinates[:-1, :] if center else of[Factor(center=False)],
        float(xp.linalg.vector_norm(coordinates[-1:, :])),
    )


@dataclass(frozen=True)
class HeldOutRows(Quantity):
    """Each row less the mean of the rows that its fold trains on, or as it is without ``center``, in thin coordinates.

    Items are told apart by their place, so that a shuffle is not a gather of this.
    """

    folds: int
    center: bool

    def compute(self, of: Prepared) -> Float[Array, "n r"]:
        """Return the rows."""
        of[Norm(self.center)]  # undefined where nothing is left
        factor, _ = uncentred(of, self.center)
        if not self.center:
            return factor
        xp = array_namespace(factor)
        folds = list(splits(of, self.folds, factor))
        rows = [gather(factor, test, 0) - xp.mean(gather(factor, train, 0), axis=0) for train, test in folds]
        return in_order(rows, [test for _, test in folds])

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n min(n + 1, d)."""
        return 8 * n * min(n + 1, d)


@dataclass(frozen=True)
class HeldOutRotations(JointQuantity):
    """For each fold, U and V' of the rotation Q = U V' that best aligns the rows of the other folds.

    Only in the directions that the training rows of both sides have in common; the rest of Q stays open.
    """

    folds: int
    center: bool

    def compute(self, x: Prepared, y: Prepared) -> list[tuple[Float[Array, "r k"], Float[Array, "k q"]]]:
        """Return U and V' of each fold."""
        sides = [uncentred(of, self.center) for of in (x, y)]
        found = []
        for train, _ in splits(x, self.folds, sides[0][0]):
            a, b = (gather(rows, train, 0) for rows, _ in sides)
            scales = [reach(rows) + offset for rows, (_, offset) in zip((a, b), sides, strict=True)]
            if self.center:
                a, b = recentred(a), recentred(b)
            found.append(rotation(a, b, max(x.size, y.size), reach(a) * scales[1] + reach(b) * scales[0]))
        return found


def rotation(
    a: Float[Array, "m r"], b: Float[Array, "m q"], size: int, scale: float
) -> tuple[Float[Array, "r k"], Float[Array, "k q"]]:
    """U and V' of the best rotation U V' of a onto b, in the directions that they have in common."""
    u, s, vh = array_namespace(a, b).linalg.svd(a.T @ b, full_matrices=False)
    common = numerical_rank(s, size, scale)
    return u[:, :common], vh[:common, :]


def held_out_pairs(
    x: Prepared, y: Prepared, folds: int, center: bool
) -> Iterator[tuple[Float[Array, "m r"], Float[Array, "m q"], Float[Array, "r k"], Float[Array, "k q"]]]:
    """For each fold its rows of x and of y, and U and V' of the rotation that the other folds give."""
    a, b = x[HeldOutRows(folds, center)], y[HeldOutRows(folds, center)]
    rotations = x.joint(y, HeldOutRotations(folds, center))
    for (_, test), (u, vh) in zip(splits(x, folds, a), rotations, strict=True):
        yield gather(a, test, 0), gather(b, test, 0), u, vh


@dataclass(frozen=True)
class ResidualProducts(PerPair):
    """R'R, where R x is what ridge regression on the rows leaves of any variable x of the same items.

    In sample for ``folds`` 0, otherwise predicted from the other folds; the intercept is fitted, the ridge is a share
    of the total variance of the rows that are fitted.
    """

    folds: int
    ridge: float

    def follows(self, whole: Prepared) -> bool:
        """Folds tell items apart by their place."""
        return self.folds == 0

    def compute(self, of: Prepared) -> Float[Array, "n n"]:
        """Return the matrix of the quadratic form."""
        residual = Residual(self.folds, self.ridge).compute(of)  # which few need beside it, so it is not kept
        return residual.T @ residual


@dataclass(frozen=True)
class Residual(PerPair):
    """R of `ResidualProducts`: large where directions of the training rows are short, as of near copies of a prompt.

    Then x'R'R x is a difference of numbers as large as R'R, and |R x|^2 keeps twice the digits.
    """

    folds: int
    ridge: float

    def follows(self, whole: Prepared) -> bool:
        """Folds tell items apart by their place."""
        return self.folds == 0

    def compute(self, of: Prepared) -> Float[Array, "n n"]:
        """Return R."""
        xp = array_namespace(of.given)
        whole = xp.eye(of.n, dtype=xp.float64, device=of.given.device)
        if self.folds == 0:
            return doubly_centered(whole) - of[Projection(center=True, ridge=self.ridge)]
        of[Norm(center=True)]
        return whole - _predictor(of, self.folds, self.ridge)


def _predictor(of: Prepared, folds: int, ridge: float) -> Float[Array, "n n"]:
    factor, offset = uncentred(of, center=True)
    xp = array_namespace(factor)
    found = list(splits(of, folds, factor))
    predictions = []
    for train, test in found:
        rows = gather(factor, train, 0)
        mean = xp.mean(rows, axis=0)
        u, s, vh = xp.linalg.svd(recentred(rows), full_matrices=False)
        rank = numerical_rank(s, of.size, reach(rows) + offset)
        u, s, vh = u[:, :rank], s[:rank], vh[:rank, :]
        shrunk = s / (s**2 + ridge * xp.sum(s**2))
        weights = ((gather(factor, test, 0) - mean) @ vh.T * shrunk) @ u.T
        # Of the centred training rows; what is missing to one is the weight of their mean, the intercept.
        weights = weights + (1 - xp.sum(weights, axis=1, keepdims=True)) / train.shape[0]
        untouched = xp.zeros((test.shape[0], test.shape[0]), dtype=xp.float64, device=factor.device)
        items = inverse(xp.concat([train, test]))
        predictions.append(xp.take(xp.concat([weights, untouched], axis=1), items, axis=1))
    return in_order(predictions, [test for _, test in found])


DIGITS = 1e-10
"""What rounding may change of the share of the variance that is left."""


def unexplained(x: Prepared, y: Prepared, folds: int, ridge: float) -> Array:
    """The variance of X that regression on Y leaves, held out if ``folds`` is not 0, as a share of |c(X)|^2."""
    size, products = x[Norm(center=True)], y[ResidualProducts(folds, ridge)]
    xp = array_namespace(products)
    # tr G = 1, so that no more than this is lost.
    if xp.finfo(xp.float64).eps * xp.sum(xp.linalg.diagonal(products)) <= DIGITS:
        return xp.sum(products * (x[Gram(center=True)] / size**2))
    return xp.sum((y[Residual(folds, ridge)] @ (x[Factor(center=True)] / size)) ** 2)
