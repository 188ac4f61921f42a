"""Questions about models, a file or a folder each: from numbers to an answer that a report and a terminal show."""

from likewise.studies.agreement import Datasets, Measures
from likewise.studies.answer import Answer, Table, Tables
from likewise.studies.audit import Audit
from likewise.studies.base import Study
from likewise.studies.best_layers import BestOfLayers
from likewise.studies.conditions import Condition, Outcome, parse_condition
from likewise.studies.covariates import Covariates
from likewise.studies.drawings import Dots, Drawing, Drawings, Figures, Forest, Line, Lines, Panel, Triangle
from likewise.studies.items import Items
from likewise.studies.junit import junit_xml
from likewise.studies.ladder import RUNGS, Ladder, Rung, Score
from likewise.studies.lineage import Lineage, Place
from likewise.studies.names import Names
from likewise.studies.overfitting import Overfitting
from likewise.studies.registry import answers, scores_of, study_names, study_of
from likewise.studies.sample_size import SampleSize
from likewise.studies.search import Search
from likewise.studies.swap import Swap
from likewise.studies.track import Point, Track

__all__ = [
    "RUNGS",
    "Answer",
    "Audit",
    "BestOfLayers",
    "Condition",
    "Covariates",
    "Datasets",
    "Dots",
    "Drawing",
    "Drawings",
    "Figures",
    "Forest",
    "Items",
    "Ladder",
    "Line",
    "Lineage",
    "Lines",
    "Measures",
    "Names",
    "Outcome",
    "Overfitting",
    "Panel",
    "Place",
    "Point",
    "Rung",
    "SampleSize",
    "Score",
    "Search",
    "Study",
    "Swap",
    "Table",
    "Tables",
    "Track",
    "Triangle",
    "answers",
    "junit_xml",
    "parse_condition",
    "scores_of",
    "study_names",
    "study_of",
]
