"""Whatever decides on a stored number decides on the key under which it is stored."""

from dataclasses import fields, replace
from typing import Any

import pytest

from likewise.plan import Tile, tasks
from likewise.scoring import Trust

TILE = Tile("d", ("a",), ("b",), ("cka",), Trust(permutations=7))
OTHER: dict[type, Any] = {int: 5, str: "shuffles", float: 0.5}
CHANGED = {
    "first": ("c",),
    "second": ("c",),
    "measures": ("cka(debiased=True)",),
    "left_out": ("row 3",),
    "together": "0123",
    **{
        f"trust.{f.name}": replace(TILE.trust, **{f.name: OTHER[type(getattr(TILE.trust, f.name))]})
        for f in fields(Trust)
    },
}


@pytest.mark.parametrize("field", CHANGED)
def test_another_task_has_another_key(field: str) -> None:
    assert replace(TILE, **{field.partition(".")[0]: CHANGED[field]}).key != TILE.key


def test_another_version_of_the_results_has_another_key_and_answers_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    key, request = TILE.key, TILE.request
    monkeypatch.setattr(tasks, "RESULT_VERSION", tasks.RESULT_VERSION + 1)
    again = replace(TILE)
    assert again.key != key
    assert again.request != request
