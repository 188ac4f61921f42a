"""What is odd about a representation, told beside every score that it takes part in."""

from typing import Any

import numpy as np
from jaxtyping import Float


def audit(matrix: Float[np.ndarray, "n d"]) -> dict[str, Any]:
    """Count what makes scores hard to trust.

    Parameters
    ----------
    matrix : array, shape (n, d)
        Finite rows.

    Returns
    -------
    dict
        ``zero_rows``; ``repeated_rows``, those equal to an earlier one; ``constant_features``;
        ``largest_feature`` and ``largest_feature_share``, the feature with most of the squared norm, and how much.

    Examples
    --------
    >>> audit(np.asarray([[3.0, 4.0], [3.0, 4.0], [0.0, 0.0]]))["repeated_rows"]
    1
    """
    # Adding 0.0 makes -0.0 and 0.0 the same bytes.
    rows = np.ascontiguousarray(matrix) + 0.0
    squares = np.einsum("nd,nd->d", rows, rows, dtype=np.float64)
    largest = int(squares.argmax())
    return {
        "zero_rows": int(np.count_nonzero(~rows.any(axis=1))),
        "repeated_rows": len(rows) - len({row.tobytes() for row in rows}),
        "constant_features": int(np.count_nonzero((rows == rows[:1]).all(axis=0))),
        "largest_feature": largest,
        "largest_feature_share": float(squares[largest] / squares.sum()) if squares.any() else 0.0,
    }
