"""Whether a model descends from another: the study, its scores, what they mean, and how it is said."""

from likewise.studies.lineage.reading import RANDOM
from likewise.studies.lineage.said import PANEL
from likewise.studies.lineage.scores import Place
from likewise.studies.lineage.study import Lineage

__all__ = ["PANEL", "RANDOM", "Lineage", "Place"]
