"""``likewise compare``."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pyarrow.parquet
import typer

from likewise.cli import options
from likewise.cli.console import p_text, print_json, print_table, progress, say
from likewise.errors import InputError
from likewise.plan import load_trusted
from likewise.representation import Representation
from likewise.statistics import Results, together_of, too_few_shuffles
from likewise.statistics import compare as compare_all
from likewise.store import write_atomically, write_csv


def compare(
    file: Annotated[list[Path], typer.Argument(help="Two or more .npy, .npz, .safetensors or .parquet files.")],
    measure: Annotated[list[str] | None, typer.Option(help="A preset or measure. [default: paper]")] = None,
    base: options.Base = None,
    permutations: options.Permutations = 100,
    null: options.Null = "moments",
    groups: options.Groups = 20,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    id_column: Annotated[str, typer.Option(help="Column of ids in Parquet files.")] = "id",
    join: options.Join = "exact",
    output: Annotated[Path | None, typer.Option(help="Also write the table: .parquet or .csv.")] = None,
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Compare representations out of files: one row per input; rows with ids are brought into one order."""
    load_trusted(trust or ())
    if len(file) < 2:
        raise InputError(f"{len(file)} file; needed are two or more to compare")
    if output is not None and output.suffix not in (".parquet", ".csv"):
        raise InputError(f"--output {output}: needed is a name that ends in .parquet or .csv")
    named = options.read_files(file, id_column, join)
    with progress() as watch:
        results = compare_all(
            named,
            measure or "paper",
            pairs=options.pairs_of(base),
            null=null,  # type: ignore[arg-type]  # refused where it is no kind
            permutations=permutations,
            groups=groups,
            rng=seed,
            device=options.check_device(device, models=False),
            watch=lambda done, total: watch("comparing", done, total),
        )
    if output is not None:
        _write(results, output)
    if json:
        print_json([asdict(c) for c in results])
    else:
        _tell(results, named, bool(groups))
    if all(c.status == "undefined" for c in results):
        raise typer.Exit(1)


def _tell(results: Results, named: list[Representation], intervals: bool) -> None:
    columns = ("a", "b", "measure", "value", "from", "to", "chance", "z", "p", "calibrated", "note")
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
    print_table("", columns, rows)
    if few := too_few_shuffles(results.table):
        say(few)
    if together := together_of(named):
        say(f"groups of inputs: {together.count} that belong together; whole groups are shuffled and left out")
    if intervals:
        say("from, to: a 95 % interval for the score to be expected of as many new inputs")
    say("calibrated: 0 is chance (shuffled rows), 1 is identical, whichever the direction of the measure")


def _write(results: Results, output: Path) -> None:
    write = pyarrow.parquet.write_table if output.suffix == ".parquet" else write_csv
    write_atomically(output, lambda path: write(results.table, path))
