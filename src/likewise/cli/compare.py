"""``likewise compare``."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from likewise.cli import options
from likewise.cli.console import print_json, print_table, progress, say
from likewise.errors import InputError, UndefinedError
from likewise.fields import CHANCE, GROUPS, PERMUTATIONS, SEED
from likewise.naming import counted, p_text

if TYPE_CHECKING:
    from likewise.representation import Representation
    from likewise.scoring import Results


def compare(
    representation: options.Representations,
    dataset: options.Dataset = None,
    store: options.StoreFolder = None,
    rows: options.Rows = "states",
    metric: options.Metric = None,
    measure: Annotated[
        list[str] | None, typer.Option(help="A preset or measure; once for each. [default: paper]")
    ] = None,
    base: options.Base = None,
    permutations: options.Permutations = PERMUTATIONS,
    chance: options.Chance = CHANCE,
    groups: options.Groups = GROUPS,
    seed: options.Seed = SEED,
    device: options.Device = "cpu",
    id_column: Annotated[str, typer.Option(help="Column of ids in Parquet files.")] = "id",
    join: options.Join = "exact",
    output: Annotated[Path | None, typer.Option(help="Also write the table to this file: .parquet or .csv.")] = None,
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Compare representations from files or a store. A row stands for one input; rows with ids are matched by id."""
    from likewise.chance import IN_FILES, IN_RUNS, RowsInRuns
    from likewise.measures import configurations
    from likewise.plan import load_trusted
    from likewise.scoring import all_undefined
    from likewise.scoring import compare as compare_all
    from likewise.scoring.compare import told_of_runs

    load_trusted(trust or ())
    if output is not None and output.suffix not in (".parquet", ".csv"):
        raise InputError(f"--output {output}: expected a name that ends in .parquet or .csv")
    if output is not None and output.is_dir():
        raise InputError(f"--output {output} is a folder; expected the name of a file")
    check_no_measures(representation, measure)
    chosen, on = configurations(measure or "paper"), options.check_device(device, models=False)
    named = options.read_representations(representation, store, dataset, join, id_column, rows=rows, metric=metric)
    asked = options.pairs_of(base)
    pairs = len(named) - 1 if base else len(named) * (len(named) - 1) // 2
    with progress() as watch, warnings.catch_warnings():
        warnings.simplefilter("ignore", RowsInRuns)  # it is said below
        results = compare_all(
            named,
            chosen,
            pairs=asked,
            chance=chance,
            permutations=permutations,
            groups=groups,
            rng=seed,
            dataset=dataset or "",
            device=on,
            watch=lambda _, done, total: watch(f"comparing {counted(pairs, 'pair')}, step", done, total),
        )
    if all_undefined(results):
        check_numbers(named)
    in_runs = told_of_runs(named, chance)
    if in_runs:
        say(IN_RUNS + IN_FILES)
    if json:
        print_json([asdict(c) for c in results])
    else:
        _tell(results, named, bool(groups), in_runs)
    if output is not None:  # last: where it cannot be written, the scores were shown
        _write(results, output)
    if all_undefined(results):
        raise typer.Exit(1)


def check_numbers(named: "Sequence[Representation]") -> None:
    """Refuse numbers so large or small that no measure takes them."""
    from likewise.measures import check_squares, prepare

    for representation in named:
        try:
            check_squares(prepare(representation))
        except UndefinedError as error:
            raise InputError(str(error)) from error


def check_no_measures(representations: Sequence[str], measures: Sequence[str] | None) -> None:
    """Refuse names of measures among the files: after ``--measure`` stands one of them."""
    from likewise.measures import REGISTRY, presets

    for text in representations if measures else ():
        if not os.path.lexists(text) and text.partition("(")[0] in {*REGISTRY, *presets()}:
            raise InputError(f"{text} is a measure, and no file; write --measure before each: --measure {text}")


def _tell(results: "Results", named: "list[Representation]", intervals: bool, in_runs: bool) -> None:
    from likewise.chance import SAME_INPUTS, NoReference, kind_of, only_same_inputs, together_of, too_few_shuffles
    from likewise.scoring import all_undefined

    columns = ("a", "b", "measure", "value", "low", "high", "chance", "z", "p", "calibrated", "note")
    rows = [
        (
            c.a,
            c.b,
            results.configurations[c.measure, c.parameters].label,
            c.value,
            c.low,
            c.high,
            c.null_mean,
            c.z,
            p_text(c.pvalue),
            c.calibrated,
            c.reason,
        )
        for c in results
    ]
    spare = ("z", "chance", "note", "p", "low", "high", "calibrated")
    print_table("", columns, rows, spare=spare, whole="--json or --output")
    if reason := all_undefined(results):
        say(reason)
    if few := too_few_shuffles(results.table):
        say(few)
    drawn = [c.n_permutations for c in results if c.n_permutations and c.pvalue == 1 / (1 + c.n_permutations)]
    if drawn:
        shuffles = counted(max(drawn), "shuffle")
        say(f"p: {1 / (1 + max(drawn)):.3g} is the smallest that {shuffles} can give; --permutations sets their number")
    if (count := sum(c.pvalue is not None for c in results)) > 1:
        say(f"p: of each score alone; --output and --json have it corrected for all {count:,} scores (pvalue_holm)")
    if together := together_of(named):
        groups = counted(together.count, "group")
        say(f"{groups} of inputs that belong together: whole groups are shuffled and left out")
    if intervals and any(c.low is not None for c in results):
        say("low, high: 95 % interval for a new sample of the same size")
    if not few and not in_runs and only_same_inputs(results.table):
        say(SAME_INPUTS)
    labels = results.configurations
    if distances := dict.fromkeys(labels[c.measure, c.parameters].label for c in results if c.direction == "distance"):
        say(f"lower is more alike: {', '.join(distances)}")
    beside = " or ".join(dict.fromkeys(kind_of(c.null).beside for c in results if c.null != NoReference.name))
    if beside:
        say(f"calibrated: 0 is chance ({beside}), 1 is identical, for similarities and distances")


def _write(results: "Results", output: Path) -> None:
    import pyarrow.parquet

    from likewise.store import write_atomically, write_csv

    write = pyarrow.parquet.write_table if output.suffix == ".parquet" else write_csv
    write_atomically(output, lambda path: write(results.table, path))
