"""Questions about models, one file each: from numbers to an answer that a report, a terminal and a program show."""

from likewise.studies.agreement import Datasets, Measures
from likewise.studies.answer import Answer, Dots, Drawing, Figures, Line, Lines, Panel, Table, Tables, Triangle
from likewise.studies.best_layers import BestOfLayers
from likewise.studies.conditions import Condition, Outcome, parse_condition
from likewise.studies.items import Items
from likewise.studies.junit import junit_xml
from likewise.studies.lineage import Lineage, Place
from likewise.studies.overfitting import Overfitting
from likewise.studies.registry import answers, scores_of, study_names, study_of
from likewise.studies.sample_size import SampleSize
from likewise.studies.study import Study

__all__ = [
    "Answer",
    "BestOfLayers",
    "Condition",
    "Datasets",
    "Dots",
    "Drawing",
    "Figures",
    "Items",
    "Line",
    "Lineage",
    "Lines",
    "Measures",
    "Outcome",
    "Overfitting",
    "Panel",
    "Place",
    "SampleSize",
    "Study",
    "Table",
    "Tables",
    "Triangle",
    "answers",
    "junit_xml",
    "parse_condition",
    "scores_of",
    "study_names",
    "study_of",
]
