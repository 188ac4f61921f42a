"""Prepared representations and the quantities derived from them."""

from likewise.prepared.columns import Columns, Directions, ErrorLengths, UnitColumns
from likewise.prepared.descriptions import Concentricity, MeanRowNorm, Uniformity
from likewise.prepared.distances import Distances, UnitDistances, UnitDoublyCentered
from likewise.prepared.factors import Coordinates, Factor, Largest, Norm, RowNorms, Scale
from likewise.prepared.gram import Gram
from likewise.prepared.graphs import TIMES, HeatTrace, ScaledDistances, SpanningLength, spanning_length
from likewise.prepared.heldout import (
    HeldOutRotations,
    HeldOutRows,
    ResidualProducts,
    held_out_pairs,
    in_order,
    splits,
)
from likewise.prepared.kernels import ROOM, THIN, KernelLength, SharedFeatures, UnitKernel, UnitRows
from likewise.prepared.neighbours import NeighbourRanks, Neighbours, TiedNeighbours
from likewise.prepared.orbits import PAIRS, ROWS, TRIPLES, Graph, OrbitSums
from likewise.prepared.prepared import JointQuantity, OrderFree, PerItem, PerPair, Prepared, Quantity
from likewise.prepared.rank import TIED, is_tied, numerical_rank, tied_run
from likewise.prepared.rotations import AlignedProducts, CrossDecomposition
from likewise.prepared.spectrum import (
    CanonicalDecomposition,
    PrincipalComponents,
    Projection,
    Whitened,
    entropy_rank,
    participation,
    singular_values,
)

__all__ = [
    "PAIRS",
    "ROOM",
    "ROWS",
    "THIN",
    "TIED",
    "TIMES",
    "TRIPLES",
    "AlignedProducts",
    "CanonicalDecomposition",
    "Columns",
    "Concentricity",
    "Coordinates",
    "CrossDecomposition",
    "Directions",
    "Distances",
    "ErrorLengths",
    "Factor",
    "Gram",
    "Graph",
    "HeatTrace",
    "HeldOutRotations",
    "HeldOutRows",
    "JointQuantity",
    "KernelLength",
    "Largest",
    "MeanRowNorm",
    "NeighbourRanks",
    "Neighbours",
    "Norm",
    "OrbitSums",
    "OrderFree",
    "PerItem",
    "PerPair",
    "Prepared",
    "PrincipalComponents",
    "Projection",
    "Quantity",
    "ResidualProducts",
    "RowNorms",
    "Scale",
    "ScaledDistances",
    "SharedFeatures",
    "SpanningLength",
    "TiedNeighbours",
    "Uniformity",
    "UnitColumns",
    "UnitDistances",
    "UnitDoublyCentered",
    "UnitKernel",
    "UnitRows",
    "Whitened",
    "entropy_rank",
    "held_out_pairs",
    "in_order",
    "is_tied",
    "numerical_rank",
    "participation",
    "singular_values",
    "spanning_length",
    "splits",
    "tied_run",
]
