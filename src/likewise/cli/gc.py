"""``likewise gc``."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from likewise.cli import options
from likewise.cli.console import bytes_text, print_json, print_table, say, tell
from likewise.errors import InputError, StoreError


def gc(
    store: Annotated[Path | None, typer.Argument(help="Folder of a store [default: the only one in runs/].")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove what is shown.")] = False,
    json: options.Json = False,
) -> None:
    """Show what no experiment of a store refers to; with --yes, remove it. What was imported is kept."""
    from likewise.plan import unreferenced
    from likewise.run import is_alive

    place = options.find_store(store)
    if yes and is_alive(place):
        raise InputError(f"a run is at work in {place.folder}; wait for its end, see likewise status {place.folder}")
    found = [(thing, thing.nbytes) for thing in unreferenced(place)]
    total = sum(size for _, size in found)
    if yes:
        for thing, _ in found:
            for path in thing.paths:
                _remove(path)
    if json:
        things = [{"kind": t.kind, "what": t.label, "files": list(map(str, t.paths)), "bytes": n} for t, n in found]
        print_json({"store": str(place.folder), "removed": yes, "bytes": total, "unreferenced": things})
        return
    if not found:
        tell(f"every thing in {place.folder} belongs to an experiment")
        return
    rows = [(thing.kind, thing.label, bytes_text(size)) for thing, size in found]
    print_table("", ("kind", "what", "size"), rows)
    tell(f"{'removed' if yes else 'no experiment refers to'} {len(found):,} things, {bytes_text(total)}")
    if not yes:
        say("nothing was removed; likewise gc --yes removes what is shown")


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be removed: {error.strerror or error}") from error
