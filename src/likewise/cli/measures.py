"""``likewise measures``."""

import math
from typing import Any

from likewise.cli import options
from likewise.cli.console import print_json, print_table
from likewise.measures import PRESETS, REGISTRY, Measure
from likewise.naming import format_call


def measures(json: options.Json = False) -> None:
    """List the measures with their facts, and the presets."""
    if json:
        print_json({"measures": [_about(m) for m in REGISTRY.values()], "presets": PRESETS})
        return
    print_table(
        "",
        ("measure", "what it is", "direction", "range", "ignores"),
        [
            (a["call"], a["title"], a["direction"], _range(*a["bounds"]), _shortest(a["invariances"]))
            for a in map(_about, REGISTRY.values())
        ],
    )
    print_table("", ("preset", "configurations"), [(name, ", ".join(calls)) for name, calls in PRESETS.items()])


def _about(m: Measure) -> dict[str, Any]:
    facts = m.facts(**m.defaults)
    return {
        "name": m.name,
        "call": format_call(m.name, m.defaults),
        "family": m.family,
        "title": m.title,
        "direction": facts.direction,
        "bounds": [b if math.isfinite(b) else None for b in facts.bounds],
        "identity": facts.identity,
        "symmetric": facts.symmetric,
        "metric": facts.metric,
        "paired": facts.paired,
        "invariances": sorted(facts.invariances),
        "minimum_items": facts.minimum_items,
        "references": list(m.references),
        "version": m.version,
    }


def _shortest(invariances: list[str]) -> str:
    """What follows from another invariance is left out."""
    implied = {"feature permutation"} if {"orthogonal", "linear"} & set(invariances) else set()
    return ", ".join(name for name in invariances if name not in implied)


def _range(low: float | None, high: float | None) -> str:
    return f"{'-∞' if low is None else format(low, '.4g')} to {'∞' if high is None else format(high, '.4g')}"
