"""Names as people write them: ``jaccard(k=5)``, and the nearest name to a mistyped one."""

import ast
import difflib
import inspect
import json
import math
import numbers
import re
import reprlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, get_args

from likewise.errors import InputError

LONGEST = 1_000
"""Characters of a call: what a person may write, and the parser can take."""


def is_name(value: object) -> bool:
    """Whether a value of a record can name it, or its group: a text that is not blank, or a number that is finite.

    Examples
    --------
    >>> [is_name(value) for value in ("a", 7, 0.5, " ", None, float("nan"), ["a"])]
    [True, True, True, False, False, False, False]
    """
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral):
        return math.isfinite(value)
    return not (value is None or isinstance(value, list | tuple | dict | set | bytes)) and bool(str(value).strip())


def parse_call(text: str) -> tuple[str, dict[str, Any]]:
    """Read ``name`` or ``name(key=value, ...)`` with literal values into a name and its parameters.

    Examples
    --------
    >>> parse_call("jaccard(k=5, center=False)")
    ('jaccard', {'k': 5, 'center': False})
    >>> parse_call("smollm2-135m-instruct")
    ('smollm2-135m-instruct', {})
    """
    name, bracket, _ = text.partition("(")
    if not bracket:
        return text.strip(), {}
    if len(text) > LONGEST:
        raise InputError(f"cannot read {text[:40]!r}...: it has {len(text):,} characters; expected at most {LONGEST:,}")
    try:
        # Only the brackets are parsed, so a name may hold any character; literals only, nothing is run.
        call = ast.parse("f" + text.strip()[len(name.strip()) :], mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise ValueError("one pair of brackets must end it")
        if call.args or any(k.arg is None for k in call.keywords):
            raise ValueError("only key=value may stand between the brackets")
        if len({k.arg for k in call.keywords}) < len(call.keywords):
            raise ValueError("a key stands more than once")
        return name.strip(), {str(k.arg): _literal(k.value) for k in call.keywords}
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise InputError(f"cannot read {reprlib.repr(text)} ({error}); write {name.strip()}(key=value, ...)") from error


def _literal(node: ast.expr) -> Any:
    """Value of a literal; ``true``, ``false`` and bare words as YAML has them."""
    if isinstance(node, ast.Name):
        return {"true": True, "false": False, "none": None}.get(node.id, node.id)
    try:
        value = ast.literal_eval(node)
    except ValueError:  # which says how Python holds it
        raise ValueError(f"{reprlib.repr(ast.unparse(node))} is no value") from None
    # Infinite, or a whole number that nothing here computes with.
    if (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, int) and abs(value) >= 2**63):
        raise ValueError(f"{str(value)[:20]} is too large")
    return value


def format_call(name: str, parameters: Mapping[str, Any]) -> str:
    """Write a name and its parameters as ``parse_call`` reads them.

    Examples
    --------
    >>> format_call("rsa", {"inner": "cosine"})
    'rsa(inner="cosine")'
    """
    if not parameters:
        return name
    return f"{name}({', '.join(f'{inert(k)}={_write(v)}' for k, v in parameters.items())})"


def _write(value: Any) -> str:
    """Write a literal, strings in double quotes."""
    return str(value) if value is None or isinstance(value, bool) else inert(json.dumps(value, ensure_ascii=False))


ACTING = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # what a terminal obeys
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what turns the order of letters
    "\u200b\u2028\u2029\u2060-\u2064\ufeff\U000e0000-\U000e007f"  # what cannot be seen
    "\ud800-\udfff]"  # what is no letter at all
)
"""Characters that do something where a text is shown."""


def inert(text: str, keep: str = "\n") -> str:
    r"""Return a text whose characters are only shown: what a terminal would obey, or an eye not see, is written out.

    Examples
    --------
    >>> print(inert("red \x1b[31m, \u202eturned"))
    red \x1b[31m, \u202eturned
    """
    return ACTING.sub(lambda found: found[0] if found[0] in keep else ascii(found[0])[1:-1], text)


def slug(text: str) -> str:
    """Return a text as part of a file name: letters, digits and hyphens.

    Examples
    --------
    >>> slug("Orthogonal + scaling"), slug("<..>")
    ('orthogonal-scaling', 'unnamed')
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-") or "unnamed"


def json_text(value: Any) -> str:
    r"""Return JSON for programs, in which what a terminal would obey is escaped, and read back as it was.

    Examples
    --------
    >>> print(json_text(["red \x1b[31m"]))
    [
      "red \u001b[31m"
    ]
    """
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return ACTING.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    """A character as JSON escapes it; the ends of lines are those of the layout."""
    if found[0] == "\n":
        return found[0]
    return json.dumps(found[0])[1:-1] if ord(found[0]) > 0xFFFF else f"\\u{ord(found[0]):04x}"


def cell_text(value: str | bool | int | float | None) -> str:
    """Return a cell of a table as people read it: numbers to four digits, what is missing as a dash.

    Examples
    --------
    >>> [cell_text(value) for value in (0.123456, -0.0, 12345, True, None, "gpt2")]
    ['0.1235', '0', '12,345', 'yes', '–', 'gpt2']
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value + 0.0:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def with_ends(
    value: float, low: float, high: float, apart: Collection[float] = (), most: int = 4
) -> tuple[str, str, str]:
    """Return a number and the ends of its interval, with as many decimals as tell the ends apart.

    And as tell them from the numbers that they are judged by, ``apart``; at most so many.

    Examples
    --------
    >>> with_ends(29.2, 28.0, 30.4), with_ends(1.2, 1.04, 1.3, apart=[1.0])
    (('29', '28', '30'), ('1.20', '1.04', '1.30'))
    >>> with_ends(1.5, 1 + 1e-10, 2.04, apart=[1.0, 2.0])
    ('1.50', '1.00', '2.04')
    """
    least = min(max(math.ceil(-math.log10((high - low) / 2)), 0), most) if high > low else 2

    def lost(decimals: int) -> int:
        return sum(end != by and round(end, decimals) == by for end in (low, high) for by in apart)

    decimals = min(range(least, most + 1), key=lost)  # the fewest that tell as much as more would
    told, *ends = (f"{number:,.{decimals}f}" for number in (value, low, high))
    return told, ends[0], ends[1]


def counted(count: int, noun: str) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> counted(1, "pair"), counted(1200, "pair")
    ('1 pair', '1,200 pairs')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def some_of(names: Sequence[str], most: int = 3) -> str:
    """Return the first few names.

    Examples
    --------
    >>> some_of(["a", "b"]), some_of(list("abcde"))
    ('a, b', 'a, b, c and 2 more')
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def p_text(p: float | None) -> float | str | None:
    """A p-value as people read it: one too small for its digits to mean anything is below a bound.

    Examples
    --------
    >>> p_text(0.01), p_text(0.0)
    (0.01, '< 1e-16')
    """
    return "< 1e-16" if p is not None and p < 1e-16 else p


def checked_call(
    kind: str,
    text: str,
    functions: Mapping[str, Callable[..., Any]],
    allowed: Mapping[str, tuple[Callable[[float], bool], str]],
    *,
    after: int,
) -> str:
    """Check a call of one of some functions with numbers, and write it with all its parameters; none that is None.

    Parameters
    ----------
    kind : str
        What messages call such a function.
    text : str
        ``name`` or ``name(key=value)``.
    functions : mapping
        By name; their parameters after the first ``after`` ones are given in the call.
    allowed : mapping
        For each parameter whether a value can be used, and what is needed in words.
    """
    name, given = parse_call(text)
    if name not in functions:
        raise InputError(f"unknown {kind} {name!r}; {did_you_mean(name, functions)}")
    parameters = {p.name: p for p in list(inspect.signature(functions[name]).parameters.values())[after:]}
    for key, value in given.items():
        if key not in parameters:
            raise InputError(f"{name} has no parameter {key!r}; {did_you_mean(key, parameters)}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{name}({key}={value!r}): expected a number")
        usable, needed = allowed[key]
        if not usable(value):
            raise InputError(f"{name}({key}={value!r}): expected {needed}")
        kind = parameters[key].annotation
        given[key] = (get_args(kind) or (kind,))[0](value)  # noise(sd=1) and noise(sd=1.0) are one
    missing = [key for key, p in parameters.items() if p.default is p.empty and key not in given]
    if missing:
        raise InputError(f"{name} needs {missing[0]}, for example {name}({missing[0]}=...)")
    whole = {key: given.get(key, p.default) for key, p in parameters.items()}
    return format_call(name, {key: value for key, value in whole.items() if value is not None})


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no NaN. What is hashed into keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def did_you_mean(given: str, known: Iterable[str], *, last: bool = True) -> str:
    """Half a sentence that helps after an unknown name: the nearest known ones, or all of them, or that there is none.

    It ends with a stop where it is not the ``last``.

    Examples
    --------
    >>> did_you_mean("procrutes", ["procrustes", "cka"])
    'did you mean "procrustes"?'
    >>> did_you_mean("smollm", ["smollm2-135m-instruct", "gpt2"])
    'did you mean "smollm2-135m-instruct"?'
    >>> did_you_mean("x", ["procrustes", "cka"])
    'known: cka, procrustes'
    >>> did_you_mean("k", [])
    'there is none'
    """
    if not last:
        said = did_you_mean(given, known)
        return said if said.endswith("?") else f"{said}."
    known = sorted(known)
    if not known:
        return "there is none"
    near = difflib.get_close_matches(given, known, n=2)
    if not near and len(given) >= 3:
        near = [name for name in known if name.lower().startswith(given.lower())][:2]
    return f"did you mean {' or '.join(json.dumps(n) for n in near)}?" if near else f"known: {', '.join(known)}"


AT = " @ "
"""Stands between the names of a model and of its layer."""

GIVEN = " | "
"""Stands between the names of a model and of the format that it is given."""


def check_model_name(name: str) -> str:
    """Return a name that a model is given, or refuse one in which names of layers or formats would be found."""
    if AT in name or GIVEN in name:
        raise InputError(f"a model is called {name!r}; expected a name without {AT!r} and {GIVEN!r}")
    return name


def name_of(model: str, layer: str, form: str = "") -> str:
    """Return what tables call a layer of a model that is given a format."""
    given = f"{model}{GIVEN}{form}" if form else model
    return given if layer == "last" else f"{given}{AT}{layer}"


def model_of(name: str) -> str:
    """Return the model of a representation by its name, with the format that it is given.

    Examples
    --------
    >>> model_of(name_of("gpt2", "3")), model_of(name_of("gpt2", "last")), model_of(name_of("gpt2", "3", "chat"))
    ('gpt2', 'gpt2', 'gpt2 | chat')
    """
    return name.rpartition(AT)[0] or name


def parts_of(name: str) -> tuple[str, str, str]:
    """Return model, format and layer of a representation by its name.

    Examples
    --------
    >>> parts_of("gpt2 | chat @ 3"), parts_of("gpt2")
    (('gpt2', 'chat', '3'), ('gpt2', '', 'last'))
    """
    given = model_of(name)
    model, stands, form = given.rpartition(GIVEN)
    layer = name[len(given) + len(AT) :] or "last"
    return (model, form, layer) if stands and model else (given, "", layer)


NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
"""A name that is a number as a whole."""


def depth_of(layer: str) -> tuple[int, Decimal, list[str | tuple[int, str]], str]:
    """Return what layers are sorted by: the embedding, numbers, names by the numbers in them, and ``last`` at the end.

    Examples
    --------
    >>> sorted(["last", "norm", "layer12", "layer3", "embedding", "10", "9", "0.5", "0.25", "-1", "-2"], key=depth_of)
    ['embedding', '-2', '-1', '0.25', '0.5', '9', '10', 'layer3', 'layer12', 'norm', 'last']
    """
    if NUMBER.fullmatch(layer):
        return 1, Decimal(layer), [], layer
    # Text and number in turns. Of two numbers the one with more digits is the larger.
    parts = enumerate(re.split("([0-9]+)", layer))
    key = [(len(part.lstrip("0")), part.lstrip("0")) if k % 2 else part for k, part in parts]
    return {"embedding": 0, "last": 3}.get(layer, 2), Decimal(0), key, layer


def called_of(name: str) -> tuple[str, ...]:
    """Return all names that a representation answers to: its own, with its layer, its model's with and without format.

    Examples
    --------
    >>> called_of("gpt2 | chat @ 3"), called_of("gpt2")
    (('gpt2 | chat @ 3', 'gpt2 | chat', 'gpt2'), ('gpt2', 'gpt2 @ last'))
    """
    given, (model, _, layer) = model_of(name), parts_of(name)
    return tuple(dict.fromkeys((name, f"{given}{AT}{layer}", given, model)))


def shown_head(head: str) -> str:
    """Return the head of a column as it is shown.

    Examples
    --------
    >>> shown_head("times_floor")
    'times floor'
    """
    return head.replace("_", " ")
