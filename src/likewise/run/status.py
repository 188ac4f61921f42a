"""How far the experiments of a store are, by what is in it and what runs say of themselves."""

from collections.abc import Mapping
from typing import Any

from likewise.run.record import BEAT, is_dead
from likewise.store import Store

SILENT = 3 * BEAT
"""Seconds after which a run of which nothing was heard is not taken to be alive."""


def status_of(store: Store) -> dict[str, Any]:
    """Return what is done, what runs now, and what failed; reads the store alone, also from another machine.

    Returns
    -------
    dict
        ``experiments``: each with how many of its representations are there; ``representations`` and ``results``: how
        many rows and tiles are there; ``runs``: each with its state (running, done, stopped, died, silent, or the error
        that ended it), tasks done and left by kind, seconds left (None where they cannot be known yet), what runs, and
        what failed with the reason. A run of a whole experiment that ended well is no longer listed; shares that are
        done are.
    """
    present = frozenset(store.representations())
    experiments = [
        {
            "name": name,
            "representations": len(keys := {r["key"] for r in about["representations"]}),
            "representations_done": len(keys & present),
        }
        for name, about in store.experiments().items()
    ]
    runs = [_run(about, age) for about, age in store.runs().values()]
    runs.sort(key=lambda run: (run["experiment"], run["shard"], run["began"]))
    return {
        "store": str(store),
        "experiments": experiments,
        "representations": len(present),
        "results": len(store.result_keys()),
        "runs": runs,
    }


def state_of(about: Mapping[str, Any], age: float) -> str:
    """Return what became of a run, from its record and the seconds since it was written.

    Examples
    --------
    >>> elsewhere = {"over": "", "host": "another machine", "pid": 7}
    >>> state_of(elsewhere, 20.0), state_of(elsewhere, 3600.0), state_of({**elsewhere, "over": "done"}, 3600.0)
    ('running', 'silent', 'done')
    """
    if about["over"]:
        return str(about["over"])
    if is_dead(about):
        return "died"
    return "running" if age < SILENT else "silent"


def is_alive(store: Store) -> bool:
    """Whether some run is at work in a store, as far as can be known."""
    return any(state_of(about, age) == "running" for about, age in store.runs().values())


def _run(about: dict[str, Any], age: float) -> dict[str, Any]:
    state = state_of(about, age)
    running = [{"task": task["task"], "seconds": max(0.0, about["told"] - task["since"])} for task in about["running"]]
    known = {name: about[name] for name in ("experiment", "shard", "host", "pid", "began", "done", "left", "failed")}
    return {
        **known,
        "state": state,
        "heard_seconds_ago": age,
        "seconds_left": _seconds_left(about) if state == "running" else None,
        "running": running if state == "running" else [],
    }


def _seconds_left(about: Mapping[str, Any]) -> float | None:
    """How long what is left takes, at the pace of what is done: tasks of a kind take as long, as many at once."""
    total = 0.0
    for kind, count in about["left"].items():
        done = about["done"].get(kind, 0)
        if not done:
            return None
        total += count * about["seconds"].get(kind, 0.0) / done
    return total / max(1, len(about["running"]))
