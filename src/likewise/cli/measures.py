"""``likewise measures``."""

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likewise.cli import options
from likewise.cli.console import print_json, print_table
from likewise.errors import InputError
from likewise.naming import did_you_mean

if TYPE_CHECKING:
    from likewise.measures import Configuration, Measure

InvariantTo = Annotated[
    str,
    typer.Option(
        help="Only measures that ignore all of these (separate with commas): feature permutation, orthogonal, scaling, "
        "translation, linear",
    ),
]


def measures(invariant_to: InvariantTo = "", trust: options.Trust = None, json: options.Json = False) -> None:
    """List the measures with their facts, and the presets."""
    from likewise.measures import REGISTRY, Configuration, presets
    from likewise.plan import load_trusted

    load_trusted(trust or ())
    wanted = _wanted(invariant_to)
    if wanted:
        shown = [c for m in REGISTRY.values() for c in _configurations(m) if wanted <= c.facts.invariances]
    else:
        shown = [Configuration(name, {}) for name in REGISTRY]
    if json:
        print_json({"measures": [_about(c) for c in shown], "presets": presets()})
        return
    print_table(
        "",
        ("measure", "what it is", "direction", "range", "ignores", "also"),
        [
            (a["call"], a["title"], a["direction"], _range(*a["bounds"]), _shortest(a["invariances"]), _besides(a))
            for a in map(_about, shown)
        ],
        spare=("also", "range", "direction"),
    )
    if not wanted:
        print_table("", ("preset", "configurations"), [(name, ", ".join(calls)) for name, calls in presets().items()])


def _wanted(text: str) -> frozenset[str]:
    from likewise.measures import INVARIANCES, OTHER_NAMES

    parts = (part.strip() for part in text.split(","))
    names = frozenset(OTHER_NAMES.get(part, part) for part in parts if part)
    for name in sorted(names - INVARIANCES.keys()):
        raise InputError(f"unknown invariance {name!r}; {did_you_mean(name, INVARIANCES)}")
    return names


def _configurations(m: "Measure") -> "list[Configuration]":
    from likewise.measures import Configuration

    return [Configuration(m.name, variant) for variant in m.variants]


def _about(c: "Configuration") -> dict[str, Any]:
    from likewise.measures import REGISTRY

    m, facts = REGISTRY[c.measure], c.facts
    return {
        "name": m.name,
        "call": c.label,
        "parameters": dict(c.parameters),
        "variants": [v.label for v in _configurations(m)],
        "family": m.family,
        "title": m.title,
        "direction": facts.direction,
        "bounds": [b if math.isfinite(b) else None for b in facts.bounds],
        "identity": facts.identity,
        "symmetric": facts.symmetric,
        "metric": facts.metric,
        "paired": facts.paired,
        "invariances": sorted(facts.invariances),
        "invariances_of_second": sorted(facts.invariances_of_second),
        "regime": facts.regime,
        "undefined_if_wide": facts.undefined_if_wide,
        "undefined_if_equal": facts.undefined_if_equal,
        "same_features": facts.same_features,
        "cost": facts.cost,
        "minimum_items": facts.minimum_items,
        "references": list(m.references),
        "version": m.version,
    }


def _besides(about: dict[str, Any]) -> str:
    """What a reader of its scores must know; the regimes are in --json and in the documentation."""
    of_second = ", ".join(about["invariances_of_second"])
    facts = {
        "a metric": about["metric"],
        "asymmetric": not about["symmetric"],
        f"ignores of the second side: {of_second}": of_second,
        "rows need not be paired": not about["paired"],
        "undefined where n <= d": about["undefined_if_wide"],
        "undefined for equal sides": about["undefined_if_equal"],
        "needs the same features": about["same_features"],
    }
    return "; ".join(text for text, holds in facts.items() if holds)


def _shortest(invariances: list[str]) -> str:
    """What follows from another invariance is left out."""
    implied = {"feature permutation"} if {"orthogonal", "linear"} & set(invariances) else set()
    implied |= {"orthogonal", "scaling"} if "linear" in invariances else set()
    return ", ".join(name for name in invariances if name not in implied)


def _range(low: float | None, high: float | None) -> str:
    return f"{'-∞' if low is None else format(low, '.4g')} to {'∞' if high is None else format(high, '.4g')}"
