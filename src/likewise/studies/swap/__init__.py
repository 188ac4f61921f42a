"""Whether an embedder can be swapped: the study, the vectors that it is asked about, and how it is said."""

from likewise.studies.swap.study import Swap

__all__ = ["Swap"]
