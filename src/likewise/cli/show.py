"""``likewise show``."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from likewise.cli import options
from likewise.cli.console import print_json, print_table
from likewise.errors import InputError

if TYPE_CHECKING:
    from likewise.store import Store


def show(
    key: Annotated[str, typer.Argument(help="A key in the store, or how it begins; or the name of an experiment.")],
    store: options.StoreFolder = None,
    json: options.Json = False,
) -> None:
    """Show a representation, a tile of scores, or an experiment."""
    about = _find(options.find_store(store), key)
    if json:
        print_json(about)
    else:
        print_table("", ("what", "value"), _flat({k: v for k, v in about.items() if k != "ids"}))


def _find(store: "Store", key: str) -> dict[str, Any]:
    experiments = store.experiments()
    if key in experiments:
        return experiments[key]
    found = [k for k in store.representations() if k.startswith(key)]
    tiles = [k for k in store.result_keys() if k.startswith(key)]
    if len(found) + len(tiles) != 1:
        many = f"{len(found) + len(tiles)} keys begin with" if found or tiles else "there is no experiment and no key"
        raise InputError(f"{many} {key!r} in {store}")
    if tiles:
        ((request, table),) = store.tables(tiles[0])
        return {"key": tiles[0], "request": request, "scores": table.to_pylist()}
    about = store.describe_representation(found[0])
    return {**about, "source": about["source"].written(), "audit": about["audit"].written()}


def _flat(value: Any, place: str = "") -> list[tuple[str, str]]:
    """Nested values, each leaf with its place."""
    if isinstance(value, dict) and value:
        return [row for k, v in value.items() for row in _flat(v, f"{place}.{k}" if place else str(k))]
    if isinstance(value, list) and any(isinstance(v, dict) for v in value):
        return [row for i, v in enumerate(value) for row in _flat(v, f"{place}[{i}]")]
    return [(place, "–" if value is None else str(value))]
