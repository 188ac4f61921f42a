"""Names that likewise knows: packaged models and data sets, sizes of hub models, and what was imported."""

from likewise.catalogue.imported import IMPORTED

__all__ = ["IMPORTED"]
