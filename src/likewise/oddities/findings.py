"""What is odd about a representation, told beside every score that it takes part in."""

from collections.abc import Iterator
from statistics import median

import numpy as np
from jaxtyping import Float, Num

from likewise.about import Audit
from likewise.chance import alike_in_order
from likewise.oddities.alike import alike
from likewise.oddities.duplicates import blocks, near_repeated, repeated
from likewise.prompts.texts import Prompts
from likewise.prompts.tokens import Tokens
from likewise.quantities import entropy_rank, numerical_rank, participation

BLOCK = 512
"""Rows held at a time in double precision: 64 MiB of 16,384 features."""

OF_FINITE_ROWS = Audit(
    near_repeated_rows=None,
    largest_feature=None,
    largest_feature_share=None,
    dominating_features=None,
    effective_rank=None,
    participation_ratio=None,
    anisotropy=None,
    following_alike=None,
)
"""What a matrix with a value that is not finite does not have."""

IDS_KEPT = 10
"""So many ids of truncated prompts are kept; the others are counted."""


def audit(matrix: Num[np.ndarray, "n d"], *, block: int = BLOCK) -> Audit:
    r"""Describe a matrix by what makes scores hard to trust.

    .. math:: \text{anisotropy} = \frac{|\sum_i x_i / |x_i||^2 - n}{n (n - 1)}

    is the mean cosine between two different rows; effective rank and participation ratio are those of
    `likewise.measures.descriptive`, of the centred rows.

    Parameters
    ----------
    matrix : array, shape (n, d)
        At least one row and column, of values that float32 holds; may be memory-mapped.
    block : int
        Rows held at a time.

    Returns
    -------
    Audit
        ``n_items``, ``n_features``; ``non_finite``, how many values are; ``zero_rows``; ``repeated_rows``, those equal
        to an earlier one; ``near_repeated_rows``, those that are not, and lie within a thousandth of their length of
        one; ``constant_features``, the same in every row; ``largest_feature`` and ``largest_feature_share``, the
        feature with most of the squared norm, and how much; ``dominating_features``, how few have half of it;
        ``effective_rank``, ``participation_ratio``, ``anisotropy``. What has no value is None: the mean cosine of rows
        without length, the rank of rows that are all equal, and all but the counts of a matrix that is not finite.

    Notes
    -----
    Cost: O(n d min(n, d)) for the spectrum; O(block d + min(n, d)^2) values are held. All is derived in double
    precision. The spectrum comes from inner products, in which singular values below sqrt(max(n, d) eps), about a
    millionth, of the largest are lost; they count as zero.

    References
    ----------
    Roy and Vetterli (2007), doi:10.5281/zenodo.40328; Gao et al. (2017), doi:10.1101/214262; Ethayarajh (2019),
    doi:10.18653/v1/D19-1006.

    Examples
    --------
    >>> found = audit(np.asarray([[3.0, 4.0], [3.0, 4.0], [0.0, 5.0]]))
    >>> found.repeated_rows, found.largest_feature, round(found.anisotropy, 12)
    (1, 1, 0.866666666667)
    """
    repeats = repeated(matrix, block=block)
    constant = np.logical_and.reduce([(rows == matrix[:1]).all(axis=0) for rows in blocks(matrix, block)])
    found = Audit(
        n_items=matrix.shape[0],
        n_features=matrix.shape[1],
        non_finite=sum(int(np.count_nonzero(~np.isfinite(rows))) for rows in blocks(matrix, block)),
        zero_rows=sum(int(np.count_nonzero(~rows.any(axis=1))) for rows in blocks(matrix, block)),
        repeated_rows=int(np.count_nonzero(repeats)),
        constant_features=int(np.count_nonzero(constant)),
    )
    if found.non_finite:
        return found | OF_FINITE_ROWS
    s = _singular_values(matrix, block)
    of_all = Audit(
        near_repeated_rows=int(np.count_nonzero(near_repeated(matrix, repeats, block=block))),
        effective_rank=entropy_rank(s) if len(s) else None,
        participation_ratio=participation(s) if len(s) else None,
        anisotropy=None if found.zero_rows or len(matrix) == 1 else _anisotropy(matrix, block),
        following_alike=alike_in_order(len(matrix), lambda items: np.asarray(matrix[items])),
    )
    return found | of_all | _largest(sum(np.einsum("nd,nd->d", rows, rows) for rows in _doubles(matrix, block)))


def audit_tokens(tokens: Tokens) -> Audit:
    """Describe what a model was given: how long its prompts are, and which of them it did not get whole.

    Parameters
    ----------
    tokens : Tokens
        Of one prompt at least.

    Returns
    -------
    Audit
        ``tokens_total``, ``tokens_min``, ``tokens_median``, ``tokens_max``; ``truncated_prompts``, how many, and
        ``truncated_ids``, the first ten of them; ``begin_with_bos``, how many begin with the tokenizer's beginning
        token, None where it has none. Where rows are spans, ``unaligned_spans`` and ``unaligned_ids``, those without
        a token, and ``straddled_spans``, those with a token that reaches into other words.

    Examples
    --------
    >>> both = {"ids": ("a", "b"), "names": ("a", "b"), "prompts": ((1, 5, 6), (1, 7))}
    >>> found = audit_tokens(Tokens(**both, truncated=("a",), begins=(True, True)))
    >>> found.tokens_median, found.truncated_prompts, found.begin_with_bos
    (2.5, 1, 2)
    """
    lengths = tokens.lengths
    of_spans = Audit(
        unaligned_spans=len(tokens.unaligned),
        unaligned_ids=tokens.unaligned[:IDS_KEPT],
        straddled_spans=tokens.straddled,
    )
    of_prompts = Audit(
        prompts=len(lengths),
        tokens_total=sum(lengths),
        tokens_min=min(lengths),
        tokens_median=float(median(lengths)),
        tokens_max=max(lengths),
        truncated_prompts=len(tokens.truncated),
        truncated_ids=tokens.truncated[:IDS_KEPT],
        begin_with_bos=None if tokens.begins is None else sum(tokens.begins),
    )
    return of_prompts if tokens.rows is None else of_prompts | of_spans


def audit_prompts(prompts: Prompts) -> Audit:
    """Describe what prompts have in common.

    Returns
    -------
    Audit
        ``prompt_groups``, into how many groups they belong together, 0 where nothing was said; ``alike_prompts``, how
        many have half of their wording in common with others.

    Examples
    --------
    >>> audit_prompts(Prompts("two", ("a", "b"), ("How far is it to Rome?", "How far is it to Bonn?"), ""))
    Audit({'prompt_groups': 0, 'alike_prompts': 2})
    """
    return Audit(prompt_groups=len(set(prompts.groups)), alike_prompts=alike(prompts.texts))


def _doubles(matrix: Num[np.ndarray, "n d"], block: int) -> Iterator[Float[np.ndarray, "m d"]]:
    """Rows in double precision."""
    return (rows.astype(np.float64) for rows in blocks(matrix, block))


def _largest(squares: Float[np.ndarray, " d"]) -> Audit:
    """The feature with most of the squared norm, its share, and how few features have half of it."""
    total = squares.sum()
    if not total:
        return Audit(largest_feature=None, largest_feature_share=None, dominating_features=None)
    largest = int(squares.argmax())
    together = np.cumsum(np.sort(squares)[::-1])
    return Audit(
        largest_feature=largest,
        largest_feature_share=float(squares[largest] / total),
        # Of features that are equally large, rounding alone would ask for one more.
        dominating_features=1 + int(np.searchsorted(together, (0.5 - 1e-12) * together[-1])),
    )


def _singular_values(matrix: Num[np.ndarray, "n d"], block: int) -> Float[np.ndarray, " rank"]:
    """Those of the centred rows that are more than rounding, descending; none where all rows are equal."""
    n, d = matrix.shape
    # Differences from the first row first: what is constant is then exactly zero, however far from the origin.
    products = np.zeros((min(n, d), min(n, d)))
    if n < d:
        for columns in _doubles(matrix.T, max(1, block * d // n)):
            columns -= columns[:, :1]
            columns -= columns.mean(axis=1, keepdims=True)
            products += columns.T @ columns
    else:
        first = matrix[0].astype(np.float64)
        mean = sum((rows - first).sum(axis=0) for rows in _doubles(matrix, block)) / n
        for rows in _doubles(matrix, block):
            rows -= first
            rows -= mean
            products += rows.T @ rows
    squares = np.linalg.eigvalsh(products)[::-1]
    return np.asarray(np.sqrt(squares[: numerical_rank(squares, max(n, d))]))


def _anisotropy(matrix: Num[np.ndarray, "n d"], block: int) -> float:
    """The mean cosine between two different rows, from the sum of all unit rows."""
    n = len(matrix)
    together = sum((rows / np.linalg.norm(rows, axis=1, keepdims=True)).sum(axis=0) for rows in _doubles(matrix, block))
    return float((together @ together - n) / (n * (n - 1)))
