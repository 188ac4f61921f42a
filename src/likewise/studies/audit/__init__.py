"""Which copies of a model moved: the study, the errors of a layer, what is told of a copy, and how it is said."""

from likewise.studies.audit.study import Audit

__all__ = ["Audit"]
