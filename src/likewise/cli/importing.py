"""``likewise import``."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likewise.cli import options
from likewise.cli.console import print_json, print_table, progress, say
from likewise.errors import InputError

if TYPE_CHECKING:
    from likewise.store import Store

HEAD = "# All that was imported into this store. Written anew by each likewise import: change a copy of it.\n"


def import_(
    path: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]PATH",
            help="For each model: a .npy, .npz, .safetensors or .parquet file, or a folder of Arrow files.",
        ),
    ],
    dataset: Annotated[str, typer.Option(help="Name of the data set that the rows come from.")],
    store: Annotated[Path, typer.Option(help="Folder or URL of the store.")],
    id_column: Annotated[
        str | None, typer.Option(help="Column of ids in Parquet and Arrow files. [default: id]")
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="Column with the rows in Arrow files. [default: the only one]")
    ] = None,
    rows: options.Rows = "states",
    metric: options.Metric = None,
    layer: Annotated[str, typer.Option(help="last, embedding, or a block's number.")] = "last",
    pooling: Annotated[str | None, typer.Option(help="How tokens became a row, if you know it.")] = None,
    join: options.Join = "exact",
    json: options.Json = False,
) -> None:
    """Import representations from elsewhere into a store."""
    from likewise.run import import_representation, order_of
    from likewise.store import Store

    kind, metric = options.kind_of_rows(rows, metric)
    named = [_named(text) for text in path]
    names = [name for name, _ in named]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"two of the paths are called {twice[0]!r}; give one another name, as NAME=PATH")
    if str(store).startswith("memory:"):
        raise InputError("a store in memory ends with this command; expected a folder or a bucket")
    place = Store(store)
    ids, told = order_of([source for _, source in named], place, dataset, join=join, id_column=id_column, column=column)
    for line in told:
        say(line)
    brought = []
    with progress() as watch:
        for number, (name, source) in enumerate(named):
            watch("importing", number, len(named))
            brought.append(
                import_representation(
                    source, place, name=name, dataset=dataset, layer=layer, pooling=pooling, id_column=id_column,
                    column=column, ids=ids, kind=kind, metric=metric,
                )
            )  # fmt: skip
        watch("importing", len(named), len(named))
    experiment = _write_experiment(place)
    found = [
        {"name": r.name, "dataset": dataset, "key": r.key, "items": r.n_items, "width": r.n_features} for r in brought
    ]
    if json:
        print_json({"store": str(place), "representations": found, "experiment": experiment and str(experiment)})
        return
    print_table("", ("representation", "data set", "key", "items", "width"), [tuple(f.values()) for f in found])
    options.say_without_ids(brought)
    options.say_like_tables(brought)
    if experiment is None:
        say(f"only one representation in {place}: import another one on the same data set to compare them")
    else:
        command = ["likewise", "run", str(experiment), "--store", str(place)]
        say(f"to compare everything that was imported: {shlex.join(command)}")


def _named(text: str) -> tuple[str, Path]:
    name, path = options.named_path(text)
    return name or (path.resolve().name if path.is_dir() else path.stem), path


def _write_experiment(store: "Store") -> Path | None:
    """Write the experiment of all that was imported, where there are two or more to compare."""
    from likewise.documents import write_yaml
    from likewise.plan import imported_experiment
    from likewise.store import write_text

    experiment: dict[str, Any] = imported_experiment(store)
    if not experiment["datasets"]:
        return None
    text = write_yaml(experiment, default_flow_style=None, width=120)
    return write_text(store.files.pages / "imported.yaml", HEAD + text)
