"""Prepared representations and the quantities derived from them."""

from likewise.quantities.columns import Columns, Directions, ErrorLengths, UnitColumns
from likewise.quantities.descriptions import Concentricity, MeanRowNorm, Uniformity
from likewise.quantities.distances import Distances, UnitDistances, UnitDoublyCentered
from likewise.quantities.factors import Coordinates, Factor, Largest, Norm, RowNorms, Scale
from likewise.quantities.gram import Gram
from likewise.quantities.graphs import TIMES, HeatTrace, ScaledDistances, SpanningLength, spanning_length
from likewise.quantities.heldout import (
    HeldOutRotations,
    HeldOutRows,
    ResidualProducts,
    held_out_pairs,
    in_order,
    splits,
)
from likewise.quantities.kernels import ROOM, THIN, KernelLength, SharedFeatures, UnitKernel, UnitRows
from likewise.quantities.neighbours import NeighbourRanks, Neighbours, TiedNeighbours
from likewise.quantities.outputs import LogProbabilities
from likewise.quantities.permutation_sums import PAIRS, ROWS, TRIPLES, Graph, OrbitSums
from likewise.quantities.prepared import Equivariant, JointQuantity, OrderFree, PerItem, PerPair, Prepared, Quantity
from likewise.quantities.rank import TIED, is_tied, numerical_rank, tied_run
from likewise.quantities.rotations import AlignedProducts, CrossDecomposition
from likewise.quantities.spectrum import (
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
    "Equivariant",
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
    "LogProbabilities",
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
