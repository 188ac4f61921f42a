"""Options that several commands share, said once."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from likewise.cli.console import say
from likewise.errors import InputError
from likewise.naming import AT, did_you_mean, model_of, parts_of

if TYPE_CHECKING:
    from likewise.representation import Representation
    from likewise.scoring import Pairs
    from likewise.store import Store

Trust = Annotated[
    list[str] | None,
    typer.Option(
        help="Allow code that you have read: an experiment (.yaml) with everything that it names, a file of measures "
        "(.py), or an installed module.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
StoreFolder = Annotated[Path | None, typer.Option("--store", help="Folder or URL of the store [default: runs/NAME].")]
Device = Annotated[str, typer.Option(help="cpu or cuda; auto spreads a model over all GPUs.")]
Backend = Annotated[
    str, typer.Option(help="What runs the model: transformers, or the backend of an installed package.")
]
BatchTokens = Annotated[
    int | None, typer.Option(min=1, help="Most tokens in a batch, with padding [default: by device].")
]
Permutations = Annotated[int, typer.Option(min=0, help="Number of shuffles for chance levels without a closed form.")]
Chance = Annotated[
    str,
    typer.Option(
        "--chance",
        "--null",
        help="Chance levels: moments (closed form where there is one, else shuffles), shuffles (of the rows, for every "
        "measure), features (shuffled, of one side, for measures that compare each with itself), none, or the name of "
        "an installed one.",
    ),
]
Groups = Annotated[
    int, typer.Option(min=0, help="Groups of inputs left out, where intervals need groups; 0: no intervals.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the shuffles and groups.")]


Prompts = Annotated[str | None, typer.Option("--data", help="Prompts [default: mixed-prompts, 300 prompts].")]
Template = Annotated[
    str | None,
    typer.Option(
        help="What makes a prompt of a record of --data, such as '{{ question }}'; fields called prompt or text need "
        "none."
    ),
]
Limit = Annotated[int | None, typer.Option(min=5, help="Take so many prompts only.")]
Pooling = Annotated[
    str | None, typer.Option(help="How tokens become a row, such as mean [default: the model's own, or last_token].")
]
Executor = Annotated[
    str, typer.Option(help="What runs the tasks: serial, processes, dask, ray, or an executor of an installed package.")
]
Workers = Annotated[int | None, typer.Option(min=1, help="Tasks at the same time [default: number of cores].")]
Base = Annotated[str | None, typer.Option(help="Compare only this one with all others.")]
Join = Annotated[
    str, typer.Option(help="exact: all files must have the same ids; inner: leave out ids that some files lack.")
]
Representations = Annotated[
    list[str],
    typer.Argument(
        metavar="[NAME=]FILE",
        help=".npy, .npz, .safetensors or .parquet files. With --dataset: names of representations in a store.",
    ),
]
Rows = Annotated[
    str,
    typer.Option(
        help="What the files hold: states or log-probabilities (a row for each input); distances or similarities "
        "(a square table of inputs x inputs, inner products).",
        show_default=True,
    ),
]
Metric = Annotated[
    str | None,
    typer.Option(
        help="Of --rows distances: euclidean, cosine, correlation, mahalanobis, or other. [default: euclidean]"
    ),
]
InExperiment = Annotated[
    str | None, typer.Option("--experiment", help="Experiment with these names, if the store has several.")
]
Dataset = Annotated[str | None, typer.Option(help="Data set of the experiment; for names in a store.")]


def read_representations(
    names: list[str],
    store: Path | None,
    dataset: str | None,
    join: str = "exact",
    id_column: str = "id",
    experiment: str | None = None,
    rows: str = "states",
    metric: str | None = None,
) -> "list[Representation]":
    """Return representations out of files, or by their names on a data set of an experiment in a store."""
    if len(names) < 2:
        raise InputError(f"need at least two files or names to compare, got {len(names)}")
    if dataset is None and store is None and experiment is None:
        return read_files(names, id_column, join, *kind_of_rows(rows, metric))
    if rows != "states" or metric:
        raise InputError("--rows and --metric are for files; a store says itself what its rows are")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{twice[0]!r} is named twice; expected two or more different names of the store")
    place = find_store(store)
    keys = names_on(place, dataset, experiment)
    answering = {own: name for name in keys for own in (name, f"{model_of(name)}{AT}{parts_of(name)[2]}")}
    names = [answering.get(name, name) for name in names]
    for name in names:
        if name not in keys:
            on = f" on {dataset}" if dataset else ""
            raise InputError(f"no representation {name!r}{on}; {did_you_mean(name, keys)}")
    loaded = load_together(place, {name: keys[name] for name in names})
    return [loaded[name] for name in names]


def is_rows(text: str) -> bool:
    """Whether a version that is named is a file of rows; what else is named is a model."""
    from likewise.store.files import SUFFIXES

    path = Path(text)
    return path.suffix in SUFFIXES and not path.is_dir()


def are_rows(given: Sequence[str]) -> bool:
    """Whether these are files of rows, each ``[NAME=]FILE``; else they are models.

    Raises
    ------
    InputError
        If some are files and others are not, or a file is not there.
    """
    paths = [text if os.path.lexists(text) else text.partition("=")[2] or text for text in given]
    files = [is_rows(path) for path in paths]
    for path, is_file in zip(paths, files, strict=True):
        if is_file and not os.path.lexists(path):
            raise InputError(f"there is no file {path}")
    if any(files) and not all(files):
        file, other = paths[files.index(True)], paths[files.index(False)]
        raise InputError(f"{file} is a file of rows, and {other} is none; expected models alone, or rows alone")
    return all(files)


def refuse_of_models(**given: object) -> None:
    """Refuse options that are for models, where rows are given; each by the name of its option."""
    if used := [f"--{name.replace('_', '-')}" for name, value in given.items() if value]:
        raise InputError(f"{used[0]} is for models; the files hold rows")


def prompts_of(data: str | None, limit: int | None, template: str | None) -> dict[str, object]:
    """Return a data set as an experiment has it; the default prompts where none is given."""
    from likewise.prompts import DEFAULT_PROMPTS

    if template is not None and not data:
        raise InputError("--template is for the records of --data")
    asked = {"source": data or DEFAULT_PROMPTS, "limit": limit, "template": template}
    return {name: value for name, value in asked.items() if value is not None}


def read_versions(texts: list[str], folder: Path | None = None) -> "dict[str, Representation]":
    """Return rows of files by their names; of those in subfolders of a folder of checkpoints, by these and layers."""
    from likewise.questions.versions import rows_name
    from likewise.store import read_file

    paths = [Path(text) for text in texts]
    names = [rows_name(path, folder) for path in paths]
    names = [name if names.count(name) == 1 else str(path) for name, path in zip(names, paths, strict=True)]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"{twice} is named twice; expected different files")
    read = [read_file(path).changed(name=name) for name, path in zip(names, paths, strict=True)]
    say_without_ids(read)
    return {r.name: r for r in read}


def load_together(store: "Store", keys: dict[str, str]) -> "dict[str, Representation]":
    """Return representations of a data set, given by their keys, without the spans that one of them lacks."""
    from likewise.plan import rows_left_out

    left_out = rows_left_out(store, keys.values())
    return {name: store.load_representation(key, name).without(left_out) for name, key in keys.items()}


def names_on(place: "Store", dataset: str | None, experiment: str | None = None) -> dict[str, str]:
    """Return the keys of a store's representations on a data set by their names, in one experiment or in all."""
    from likewise.plan import kept_on

    return kept_on(place, dataset, experiment)[1]


def named_path(text: str) -> tuple[str | None, Path]:
    """Read ``[NAME=]PATH``; a path that exists may hold the sign itself."""
    name, given, path = text.partition("=")
    if not given or os.path.lexists(text):
        return None, Path(text)
    if not name or not path:
        raise InputError(f"expected NAME=PATH, got {text!r}")
    return name, Path(path)


def kind_of_rows(rows: str, metric: str | None) -> tuple[str, str]:
    """Return the kind of rows, and the metric, that ``--rows`` and ``--metric`` ask for; refuse what there is not."""
    from likewise.kinds import KINDS, METRICS

    words = {kind.replace("_", "-"): kind for kind in KINDS}
    if rows not in words:
        raise InputError(f"--rows {rows}: unknown; {did_you_mean(rows, words)}")
    if metric is not None and rows != "distances":
        raise InputError(f"--metric {metric}: expected --rows distances beside it; only distances have a metric")
    if metric is not None and metric not in METRICS:
        raise InputError(f"--metric {metric}: unknown; {did_you_mean(metric, METRICS)}")
    return words[rows], metric or ""


def read_files(
    texts: list[str], id_column: str, join: str = "exact", kind: str = "states", metric: str = ""
) -> "list[Representation]":
    """Return the representations, called as asked, else by their files' names, or by their paths where names repeat."""
    from likewise.representation import aligned
    from likewise.store import read_file

    asked = [named_path(text) for text in texts]
    read = [read_file(path, id_column=id_column, kind=kind, metric=metric) for _, path in asked]
    names = [name or r.name for (name, _), r in zip(asked, read, strict=True)]
    if len(set(names)) < len(names):
        # A file that is given twice is compared with itself, by another name.
        bare = [None if name else path for name, path in asked]
        before = [bare[:place].count(path) for place, path in enumerate(bare)]
        names = [
            name or (f"{path} ({count + 1})" if count else str(path))
            for (name, path), count in zip(asked, before, strict=True)
        ]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"two of the files are called {twice[0]!r}; give one another name, as NAME=FILE")
    read = [r.changed(name=name) for r, name in zip(read, names, strict=True)]
    say_without_ids(read)
    say_like_tables(read)
    read, told = aligned(read, join)
    for line in told:
        say(line)
    return read


def say_without_ids(representations: "Sequence[Representation]") -> None:
    """Say whose rows are taken to be in the order of the others."""
    if without := [r.name for r in representations if not r.has_ids]:
        of = ", ".join(without) if len(without) <= 3 else f"{len(without)} files"
        having = [r.name for r in representations if r.has_ids]
        others = f" as those of {having[0]}, which has ids" if having else ""
        say(f"no ids in {of}: rows are taken to be in the same order{others}")


def say_like_tables(representations: "Sequence[Representation]") -> None:
    """Say of what is taken for features that it looks like a table of items by items."""
    from likewise.kinds import looks_like_table

    if odd := [r.name for r in representations if r.kind == "states" and looks_like_table(r.matrix)]:
        say(
            f"{odd[0]} is square and symmetric, and is read as hidden states; say --rows distances or similarities if "
            "it is such a table"
        )


def pairs_of(base: str | None) -> "Pairs":
    """Return which pairs are compared: of one with all others, or all."""
    from likewise.scoring import ALL, Pairs

    return ALL if base is None else Pairs.read({"base": base})


def find_store(folder: Path | None) -> "Store":
    """Return the store that is meant: the one named, or the only one under runs/."""
    from likewise.store import Store

    if folder is None:
        found = sorted(p.parent for p in Path("runs").glob("*/store.json"))
        if len(found) != 1:
            names = ", ".join(map(str, found)) or "none there"
            raise InputError(f"which store? name it with --store (under runs/: {names})")
        folder = found[0]
    store = Store(folder)
    if not store.is_there():
        raise InputError(f"there is no store in {store}; likewise run makes one")
    return store


def check_device(device: str, *, models: bool = True) -> str:
    """Refuse a device that is none, or is for models only."""
    known = ("cpu", "cuda", "auto") if models else ("cpu", "cuda")
    if device not in known:
        raise InputError(f"--device {device}; expected {', '.join(known[:-1])} or {known[-1]}")
    return device
