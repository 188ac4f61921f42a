"""Prepared representations and the quantities derived from them."""

from likewise.prepared.distances import Distances, UnitDoublyCentered, UnitRanks
from likewise.prepared.factors import Coordinates, CrossDecomposition, Factor, Norm, RowNorms
from likewise.prepared.kernels import Gram, UnitGram
from likewise.prepared.neighbours import Neighbourhood
from likewise.prepared.prepared import JointQuantity, Prepared, Quantity

__all__ = [
    "Coordinates",
    "CrossDecomposition",
    "Distances",
    "Factor",
    "Gram",
    "JointQuantity",
    "Neighbourhood",
    "Norm",
    "Prepared",
    "Quantity",
    "RowNorms",
    "UnitDoublyCentered",
    "UnitGram",
    "UnitRanks",
]
