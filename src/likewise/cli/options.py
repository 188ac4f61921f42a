"""Options that several commands share, said once."""

from pathlib import Path
from typing import Annotated

import typer

from likewise.errors import InputError
from likewise.store import Store

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
StoreFolder = Annotated[Path | None, typer.Option("--store", help="Folder of the store [default: runs/NAME].")]
Device = Annotated[str, typer.Option(help="Where models run: cpu or cuda.")]
BatchTokens = Annotated[
    int | None, typer.Option(min=1, help="Tokens of a batch, padding included [default: by device].")
]
Permutations = Annotated[int, typer.Option(min=0, help="Shuffles where chance levels need them.")]
Null = Annotated[
    str, typer.Option(help="Chance levels: moments (closed form where there is one, else shuffles), shuffles, or none.")
]
Groups = Annotated[int, typer.Option(min=0, help="Groups of inputs left out in turn for the intervals; 0 for none.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the shuffles and groups.")]


def find_store(folder: Path | None) -> Store:
    """Return the store that is meant: the one named, or the only one under runs/."""
    if folder is None:
        found = sorted(p.parent for p in Path("runs").glob("*/store.json"))
        if len(found) != 1:
            names = ", ".join(map(str, found)) or "none there"
            raise InputError(f"which store? name it with --store (under runs/: {names})")
        folder = found[0]
    if not (folder / "store.json").exists():
        raise InputError(f"there is no store in {folder}; likewise run makes one")
    return Store(folder)


def check_device(device: str) -> str:
    """Refuse a device that is neither."""
    if device not in ("cpu", "cuda"):
        raise InputError(f"--device {device}; needed is cpu or cuda")
    return device
