"""What is wrong with an experiment, in words: by its place, with the nearest known key."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from likewise.documents import Document
from likewise.naming import did_you_mean

SAID = 5
"""Problems of one experiment that are told at once."""

UNKNOWN_KEY = {"extra_forbidden", "unexpected_keyword_argument"}
NO_MAPPING = {"model_type", "dataclass_type"}
"""What the two kinds of parts call a key that they do not know, and a value that is no mapping."""


ARGUMENTS: Mapping[tuple[str, ...], str] = {
    ("representation", "layers"): "layer",
    ("representation", "pooling"): "pooling",
    ("representation", "dtype"): "dtype",
    ("measures",): "measure",
    ("statistics", "seed"): "seed",
}
"""What the parts of an experiment are called where arguments, and no file, said them."""


def explain(
    error: ValidationError,
    document: Document | None,
    parts: Mapping[str, type],
    whole: type,
    asked: Mapping[str, Any] | None = None,
) -> str:
    """Say what is wrong, a line for each problem.

    Parameters
    ----------
    error : ValidationError
        All problems.
    document : Document or None
        Where the experiment was read from, so that lines say line and column.
    parts : mapping of str to type
        The classes of the parts by the keys that lead to them, for the keys that are known in each.
    whole : type
        The class of the whole.
    asked : mapping, optional
        The experiment, where a command has written it: then messages name its arguments, and no places.
    """
    problems = error.errors(include_url=False, include_input=False)
    # A list counts as empty where an entry of it is wrong.
    places = [problem["loc"] for problem in problems]
    problems = [
        p
        for p in problems
        if p["type"] != "too_short" or not any(q != p["loc"] and q[: len(p["loc"])] == p["loc"] for q in places)
    ]
    lines = [_problem(problem, document, parts, whole, asked) for problem in problems[:SAID]]
    more = len(problems) - len(lines)
    return "\n".join([*lines, *([f"and {more} more"] if more else [])])


def _problem(
    problem: Any,
    document: Document | None,
    parts: Mapping[str, type],
    whole: type,
    asked: Mapping[str, Any] | None,
) -> str:
    of_key = problem["type"] in UNKNOWN_KEY
    where = f"{document.place(problem['loc'], of_key=of_key)}: " if document is not None else ""
    steps = [_short(step) for step in (problem["loc"] if asked is None else _argument(problem["loc"], asked))]
    if not of_key:
        said = "expected a mapping" if problem["type"] in NO_MAPPING else problem["msg"]
        said = "this key is missing" if problem["type"] == "missing" else said.removeprefix("Value error, ")
        said = said.replace("Input should be ", "expected ")
        if asked is not None and not steps:
            return said
        return f"{where}{'.'.join(steps) or 'experiment'}: {said}"
    *parents, key = problem["loc"]
    if [*parents, key] == ["statistics", "null"]:
        return f"{where}null reads as nothing in YAML; write chance: (moments, shuffles or none)"
    at = [parts[step] for step in parents if step in parts]
    return (
        f"{where}unknown key {_short(key)!r} in {'.'.join(steps[:-1]) or 'the experiment'}; "
        f"{did_you_mean(_short(key), fields_of(at[-1] if at else whole))}"
    )


def _argument(place: tuple[Any, ...], asked: Mapping[str, Any]) -> tuple[Any, ...]:
    """A place in an experiment, by the argument that said it."""
    for known, argument in ARGUMENTS.items():
        if place[: len(known)] == known:
            return (argument,)
    if place[:1] == ("datasets",):
        return ("data", *(step for step in place[2:] if step != "source"))
    if place[:1] == ("models",) and len(place) > 1:
        model = asked["models"][place[1]]
        if place[2:3] == ("floor",):
            return ("floor",)
        if isinstance(model, Mapping) and isinstance(model.get("model"), str):
            variant = model.get("variant")
            written = model["model"] + (f":{variant}" if isinstance(variant, str) else "")
            return (written, *(step for step in place[2:3] if step not in ("model", "variant")))
    return place


def fields_of(part: Any) -> Iterable[str]:
    """The known keys of a part."""
    return [f.name for f in dataclasses.fields(part)] if dataclasses.is_dataclass(part) else part.model_fields


def _short(step: Any) -> str:
    text = str(step)
    return text if len(text) <= 80 else f"{text[:79]}…"
