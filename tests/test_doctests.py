"""The examples in the docstrings of the numeric rooms, executed."""

import doctest
import importlib
import pkgutil

import pytest

import likewise

ROOMS = (
    *(
        "arrays",
        "naming",
        "representation",
        "quantities",
        "measures",
        "plugins",
        "chance",
        "scoring",
        "inference",
        "retrieval",
    ),
    *("studies", "questions"),
)


def examples() -> list[doctest.DocTest]:
    modules = [
        importlib.import_module(info.name)
        for info in pkgutil.walk_packages(likewise.__path__, "likewise.", onerror=lambda name: None)
        if info.name.split(".")[1] in ROOMS
    ]
    return [test for module in modules for test in doctest.DocTestFinder().find(module) if test.examples]


@pytest.mark.parametrize("example", examples(), ids=lambda e: e.name)
def test_example_prints_what_it_says(example):
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    assert runner.run(example, out=said.append).failed == 0, "".join(said)
