"""Each fact has one shape: no two classes hold the same fields, of the same types, besides those that they inherit."""

import dataclasses
import functools
import importlib
import itertools
import pkgutil
import sys
from typing import Any, get_args, get_type_hints

import pytest

import likewise

SAME = 3
"""Fields of one name and type in two classes from which on they are looked at."""


@functools.cache
def classes() -> dict[type, dict[str, str]]:
    """Every class with fields, with the types of these."""
    found = {}
    for module in pkgutil.walk_packages(likewise.__path__, "likewise."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name, module in sorted(sys.modules.items()):
        for cls in vars(module).values() if name.partition(".")[0] == "likewise" else ():
            if isinstance(cls, type) and cls.__module__ == name:
                hints = get_type_hints(cls) if dataclasses.is_dataclass(cls) or hasattr(cls, "model_fields") else {}
                names = [f.name for f in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else [*hints]
                found[cls] = {name: kind(hints[name]) for name in names if not name.startswith(("_", "model_"))}
    return {cls: fields for cls, fields in found.items() if fields}


def kind(hint: Any) -> str:
    """A type without whether it may be absent, which is no other fact."""
    parts = [part for part in get_args(hint) if part is not type(None)]
    return str(parts[0] if len(parts) == 1 and type(None) in get_args(hint) else hint)


RECORDS = {
    "Source": "where rows come from, flat, as a description on disk holds it; other versions say other facts",
    "Comparison": "a row of the long table, flat, as files hold it in the order of its columns",
    "Evidence": "the prompts of a pair, flat, as the script of a page reads them",
    "Score": "a row of the long table on one scale, raw or calibrated, flat, as figures and tables show it",
}
"""Classes that gather flat what others hold, with the reason."""

ALLOWED = {
    ("BestLayers", "Point"): "a maximum over layers, and a mean over draws: other numbers under the same heading",
    (
        "ModelEntry",
        "RepresentationPart",
    ): "what one model has instead of what all have; None for what all have",
    ("Asked", "ModelEntry"): "what a command asks of all its models, and what an experiment says of one",
    ("Column", "Scored"): "scores while they are found, and the part of them that a chance level is shown",
    ("SampleSize", "StatisticsPart"): "a study's own request, by default of fewer shuffles",
    ("Dots", "Triangle"): "two figures: ends of an axis, and of a scale of colours",
}
"""Pairs that may hold the same fields, with the reason."""

INTERVAL = {"name", "value", "low", "high"}
"""A number with its name and its interval: plain numbers, wherever one is told."""


def shared(a: type, b: type) -> set[str]:
    """Fields of one name and type in both that no class above both has."""
    above = {name for cls in {*a.__mro__} & {*b.__mro__} for name in classes().get(cls, ())}
    found = {name for name, of in classes()[a].items() if classes()[b].get(name) == of} - above
    return set() if found <= INTERVAL else found


def pairs() -> dict[tuple[str, str], set[str]]:
    """Pairs of classes, by their names, that share as many fields."""
    found = {}
    for a, b in itertools.combinations(classes(), 2):
        if len(same := shared(a, b)) >= SAME:
            first, second = sorted((a.__name__, b.__name__))
            found[first, second] = same
    return found


def test_no_two_classes_hold_the_same_facts() -> None:
    lacking = {pair: same for pair, same in pairs().items() if pair not in ALLOWED and not {*pair} & {*RECORDS}}
    assert lacking == {}, "let one hold the other, or inherit what both have"


def test_every_reason_is_of_a_pair_that_is_there() -> None:
    found = pairs()
    assert ALLOWED.keys() <= found.keys()
    assert all(any(name in pair for pair in found) for name in RECORDS)


def test_classes_are_found() -> None:
    names = {cls.__name__ for cls in classes()}
    assert {"ModelSpec", "ModelEntry", "Experiment"} <= names and len(names) > 150


@pytest.mark.parametrize("more", [{}, {"own": int}])
def test_a_class_that_repeats_another_is_seen(more: dict[str, type], monkeypatch: pytest.MonkeyPatch) -> None:
    # As a copy of the fields of a specification would be.
    spec = next(cls for cls in classes() if cls.__name__ == "Format")
    fields = {**classes()[spec], **{name: str(of) for name, of in more.items()}}
    monkeypatch.setitem(classes(), copy := type("Copy", (), {}), fields)
    assert shared(spec, copy) == {*classes()[spec]} and ("Copy", "Format") in pairs()
