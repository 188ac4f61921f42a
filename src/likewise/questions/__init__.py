"""Questions put to models or files: what is run for a study, and the study's answer."""

from likewise.questions.lineage import lineage

__all__ = ["lineage"]
