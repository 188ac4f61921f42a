"""How the insides of a model move: the study, its scores, each layer over the track, and how it is said."""

from likewise.studies.track.reading import Point
from likewise.studies.track.study import Track

__all__ = ["Point", "Track"]
