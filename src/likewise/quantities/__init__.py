"""Prepared representations and the quantities derived from them."""

from likewise.quantities.columns import Columns, Directions, ErrorLengths, UnitColumns
from likewise.quantities.descriptions import Concentricity, MeanRowNorm, Uniformity
from likewise.quantities.distances import TIES, Distances, UnitDistances, UnitDoublyCentered
from likewise.quantities.factors import Coordinates, Factor, Largest, Norm, RowNorms, Scale, in_passes
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
from likewise.quantities.kernels import ROOM, THIN, KernelLength, SharedFeatures, SquaredShares, UnitKernel, UnitRows
from likewise.quantities.nearest import by_blocks, pair_distances, places_in
from likewise.quantities.neighbours import NeighbourRanks, Neighbours, TiedNeighbours
from likewise.quantities.outputs import LogProbabilities
from likewise.quantities.passes import ColumnLargest, Lengths, Mean
from likewise.quantities.permutation_sums import PAIRS, ROWS, TRIPLES, Graph, OrbitSums
from likewise.quantities.prepared import PAIRED, JointQuantity, OrderFree, PerItem, PerPair, Prepared, Quantity
from likewise.quantities.rank import TIED, is_tied, numerical_rank, tied_run
from likewise.quantities.rotations import AlignedProducts, CrossDecomposition, CrossProduct, NuclearNorm
from likewise.quantities.spectrum import (
    CanonicalDecomposition,
    ComponentProducts,
    Explained,
    Loadings,
    PrincipalComponents,
    Projection,
    ProjectionDistance,
    SingularValues,
    Whitened,
    entropy_rank,
    participation,
    scaled_products,
    singular_values,
    whitening,
)
from likewise.quantities.thin import spans

__all__ = [
    "PAIRED",
    "PAIRS",
    "ROOM",
    "ROWS",
    "THIN",
    "TIED",
    "TIES",
    "TIMES",
    "TRIPLES",
    "AlignedProducts",
    "CanonicalDecomposition",
    "ColumnLargest",
    "Columns",
    "ComponentProducts",
    "Concentricity",
    "Coordinates",
    "CrossDecomposition",
    "CrossProduct",
    "Directions",
    "Distances",
    "ErrorLengths",
    "Explained",
    "Factor",
    "Gram",
    "Graph",
    "HeatTrace",
    "HeldOutRotations",
    "HeldOutRows",
    "JointQuantity",
    "KernelLength",
    "Largest",
    "Lengths",
    "Loadings",
    "LogProbabilities",
    "Mean",
    "MeanRowNorm",
    "NeighbourRanks",
    "Neighbours",
    "Norm",
    "NuclearNorm",
    "OrbitSums",
    "OrderFree",
    "PerItem",
    "PerPair",
    "Prepared",
    "PrincipalComponents",
    "Projection",
    "ProjectionDistance",
    "Quantity",
    "ResidualProducts",
    "RowNorms",
    "Scale",
    "ScaledDistances",
    "SharedFeatures",
    "SingularValues",
    "SpanningLength",
    "SquaredShares",
    "TiedNeighbours",
    "Uniformity",
    "UnitColumns",
    "UnitDistances",
    "UnitDoublyCentered",
    "UnitKernel",
    "UnitRows",
    "Whitened",
    "by_blocks",
    "entropy_rank",
    "held_out_pairs",
    "in_order",
    "in_passes",
    "is_tied",
    "numerical_rank",
    "pair_distances",
    "participation",
    "places_in",
    "scaled_products",
    "singular_values",
    "spanning_length",
    "spans",
    "splits",
    "tied_run",
    "whitening",
]
