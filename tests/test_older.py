"""Paths of before lead to the modules of now, and import nothing before they are asked for."""

import importlib
import importlib.util
import json
import subprocess
import sys

import pytest

import likewise
from likewise.older import MODULES, NAMES, ROOMS

OFFERED = {
    "extract": [
        "BATCH_TOKENS",
        "Backend",
        "Batches",
        "CHOICES",
        "Choices",
        "DEFAULT_PROMPTS",
        "DTYPES",
        "DatasetSpec",
        "Described",
        "Finding",
        "Foreign",
        "Format",
        "Given",
        "IMPORTED",
        "LOGITS",
        "LoadedModel",
        "ModelSpec",
        "OUTPUTS",
        "PROBES",
        "Prompts",
        "RecordsSpec",
        "Resolved",
        "Rows",
        "Says",
        "Spans",
        "Tokens",
        "Truncation",
        "USUAL",
        "audit",
        "audit_prompts",
        "audit_tokens",
        "backend_of",
        "canonical_layer",
        "canonical_pooling",
        "canonical_variant",
        "check_foreign",
        "check_model",
        "check_possible",
        "context_length",
        "extract",
        "find_blocks",
        "kind_of",
        "library_versions",
        "load_choices",
        "load_model",
        "load_prompts",
        "needs_blocks",
        "one_device",
        "resolve_dataset",
        "resolve_layers",
        "resolve_model",
        "tokens_of",
        "tokens_to_generate",
        "usable_name",
        "way_of",
    ],
    "statistics": [
        "ALL",
        "Agreement",
        "BestLayers",
        "Chance",
        "Comparison",
        "DEFAULT",
        "Disagreement",
        "FEWEST_ITEMS",
        "KINDS",
        "Level",
        "Moments",
        "NoReference",
        "Null",
        "OF_THE_TABLE",
        "Overfit",
        "Pairs",
        "Point",
        "Reason",
        "Reasons",
        "Reduced",
        "Reference",
        "Results",
        "SAME_INPUTS",
        "SCHEMA",
        "Scored",
        "Shuffle",
        "ShuffledFeatures",
        "ShuffledRows",
        "Shuffles",
        "Together",
        "Trust",
        "agreed",
        "all_undefined",
        "best_layers",
        "between_datasets",
        "between_measures",
        "canonical_reference",
        "check_request",
        "compare",
        "disagreements",
        "draw_permutations",
        "draw_shuffles",
        "has_moments",
        "holm",
        "in_turn",
        "interval",
        "judge",
        "kind_of",
        "learning_curve",
        "leave_out",
        "mantel",
        "most_parts",
        "only_same_inputs",
        "orders",
        "overfitting",
        "reduce",
        "reference_names",
        "reference_of",
        "score_block",
        "score_products",
        "shuffled_moments",
        "stable_from",
        "step_down",
        "together_of",
        "too_few_shuffles",
    ],
    "statistics.chance": [
        "Asked",
        "ClosedForm",
        "DEFAULT",
        "Level",
        "NoReference",
        "Pair",
        "Reference",
        "Scored",
        "ShuffledFeatures",
        "ShuffledRows",
        "Sides",
        "canonical_reference",
        "has_moments",
        "kind_of",
        "reference_names",
        "reference_of",
        "words_of",
    ],
    "prepared": [
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
        "LogProbabilities",
        "MeanRowNorm",
        "NeighbourRanks",
        "Neighbours",
        "Norm",
        "OrbitSums",
        "OrderFree",
        "PAIRS",
        "PerItem",
        "PerPair",
        "Prepared",
        "PrincipalComponents",
        "Projection",
        "Quantity",
        "ROOM",
        "ROWS",
        "ResidualProducts",
        "RowNorms",
        "Scale",
        "ScaledDistances",
        "SharedFeatures",
        "SpanningLength",
        "THIN",
        "TIED",
        "TIMES",
        "TRIPLES",
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
    ],
}
"""What the rooms that are no more offered."""


def fresh(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("old", sorted(MODULES))
def test_an_older_path_is_the_module_of_now(old: str) -> None:
    new = importlib.import_module(f"likewise.{MODULES[old]}")
    spec = new.__spec__
    assert importlib.import_module(f"likewise.{old}") is new is sys.modules[f"likewise.{MODULES[old]}"]
    assert new.__name__ == f"likewise.{MODULES[old]}" and new.__spec__ is spec


@pytest.mark.parametrize("room", sorted(OFFERED))
def test_a_room_of_before_has_its_names(room: str) -> None:
    older = importlib.import_module(f"likewise.{room}")
    homes = [importlib.import_module(f"likewise.{home}") for home in (*ROOMS[room], *NAMES.get(room, {}).values())]
    for name in OFFERED[room]:
        assert any(getattr(home, name, None) is getattr(older, name) for home in homes), name
    assert {*older.__all__} <= {name for home in homes for name in vars(home)}
    with pytest.raises(AttributeError, match=f"module 'likewise.{room}' has no attribute 'no_name'"):
        _ = older.no_name
    assert room.partition(".")[2] or getattr(likewise, room) is older


def test_no_path_is_both_of_before_and_of_now() -> None:
    for new in MODULES.values():
        assert importlib.util.find_spec(f"likewise.{new}") is not None
        assert new not in MODULES


def test_functions_stay_functions_whatever_older_path_was_imported_before() -> None:
    whole = "import likewise, likewise.run, likewise.plan, likewise.measures, likewise.extract"
    code = f"{whole}, " + ", ".join(f"likewise.{old}" for old in sorted(MODULES))
    asked = (
        "likewise.run, likewise.plan, likewise.measures.measure, likewise.measures.footprint, likewise.extract.extract"
    )
    told = fresh(f"{code}\nfrom likewise.run import run\nprint(*[f.__name__ for f in ({asked}, run)])")
    assert told.split() == ["run", "plan", "measure", "footprint", "extract", "run"]


def test_an_older_path_loads_no_more_than_the_module_of_now() -> None:
    told = "import sys, json; print(json.dumps(sorted(n for n in sys.modules if n.startswith('likewise'))))"
    before, now = (
        json.loads(fresh(f"import likewise.{name}; {told}")) for name in ("prepared.rank", "quantities.rank")
    )
    assert {*before} - {*now} == {"likewise.prepared", "likewise.prepared.rank"}


def test_no_file_is_called_as_its_room() -> None:
    import pathlib

    root = pathlib.Path(likewise.__file__ or "").parent
    assert [path for path in root.rglob("*.py") if path.stem == path.parent.name] == []
    # Nor as the same word in the singular.
    assert [path for path in root.rglob("*.py") if path.parent.name in {f"{path.stem}s", f"{path.stem}es"}] == []
