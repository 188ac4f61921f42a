"""Questions asked from start to end: an experiment is written and run, and a study answers from its rows."""

from likewise.questions.audit import FLOOR, audit, audit_experiment
from likewise.questions.ladder import ladder, ladder_experiment
from likewise.questions.lineage import lineage
from likewise.questions.search import search
from likewise.questions.swap import swap, swap_experiment
from likewise.questions.track import track, track_experiment

__all__ = [
    "FLOOR",
    "audit",
    "audit_experiment",
    "ladder",
    "ladder_experiment",
    "lineage",
    "search",
    "swap",
    "swap_experiment",
    "track",
    "track_experiment",
]
