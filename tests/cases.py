"""Many small cases of one test, run as one: a test of its own costs five milliseconds, which thousands of cases add up.

``@pytest.mark.parametrize("size", each(SIZES))`` calls the test with every size. The first that fails is named in a
note. A case that is skipped leaves the others; the test is skipped where all are.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest


class Cases(list[Any]):
    """The values of a parameter that a test goes through by itself."""


def each(values: Iterable[Any]) -> list[Any]:
    """Give values to ``parametrize`` as one case."""
    return [pytest.param(Cases(values), id="each")]


def calls(arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The arguments of every case."""
    several = {name: value for name, value in arguments.items() if isinstance(value, Cases)}
    for chosen in itertools.product(*several.values()):
        yield dict(zip(several, chosen, strict=True))


def named(value: Any) -> str:
    return str(getattr(value, "label", None) or getattr(value, "__name__", None) or repr(value))[:200]


def run(test: Callable[..., object], arguments: dict[str, Any]) -> None:
    """Call a test with the arguments of every case."""
    skipped: list[BaseException] = []
    count = 0
    for chosen in calls(arguments):
        count += 1
        try:
            test(**{**arguments, **chosen})
        except pytest.skip.Exception as told:
            skipped.append(told)
        except BaseException as error:
            error.add_note("with " + ", ".join(f"{name}={named(value)}" for name, value in chosen.items()))
            raise
    assert count, "there is no case"
    if len(skipped) == count:
        raise skipped[0]
