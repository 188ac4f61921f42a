"""``likewise gc``."""

from pathlib import Path
from typing import Annotated

import typer

from likewise.cli import options
from likewise.cli.console import bytes_text, print_json, print_table, say, tell
from likewise.errors import InputError


def gc(
    store: Annotated[
        Path | None, typer.Argument(help="Folder or URL of a store [default: the only one in runs/].")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove what is shown.")] = False,
    json: options.Json = False,
) -> None:
    """Show what no experiment of a store refers to; with --yes, remove it. What was imported is kept."""
    from likewise.plan import unreferenced
    from likewise.run import is_alive

    kept = options.find_store(store)
    if yes and is_alive(kept):
        raise InputError(f"a run is at work in {kept}; wait for its end, see likewise status {kept}")
    found = [(thing, sum(map(kept.files.size, thing.paths))) for thing in unreferenced(kept)]
    total = sum(size for _, size in found)
    if yes:
        for thing, _ in found:
            for path in thing.paths:
                kept.files.remove(path)
    if json:
        things = [{"kind": t.kind, "what": t.label, "files": list(map(str, t.paths)), "bytes": n} for t, n in found]
        print_json({"store": str(kept), "removed": yes, "bytes": total, "unreferenced": things})
        return
    if not found:
        tell(f"every thing in {kept} belongs to an experiment")
        return
    rows = [(thing.kind, thing.label, bytes_text(size)) for thing, size in found]
    print_table("", ("kind", "what", "size"), rows)
    tell(f"{'removed' if yes else 'no experiment refers to'} {len(found):,} things, {bytes_text(total)}")
    if not yes:
        say("nothing was removed; likewise gc --yes removes what is shown")
