"""``likewise plan``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from likewise.cli import options
from likewise.cli.console import bytes_text, print_json, print_table, say, tell
from likewise.naming import counted


def plan(
    experiment: Annotated[Path, typer.Argument(help="A YAML file.")],
    store: options.StoreFolder = None,
    trust: options.Trust = None,
    tasks: Annotated[
        bool, typer.Option("--tasks", help="List every task: what it needs, its costs, its state.")
    ] = False,
    device: options.Device = "cpu",
    json: options.Json = False,
) -> None:
    """Show what an experiment needs and what is already done. Runs nothing and uses no network."""
    from likewise.plan import plan as make_plan
    from likewise.plan import read_experiment, risks_of, tasks_of
    from likewise.scoring import ALL
    from likewise.store import Store

    asked = read_experiment(experiment, trust or ())
    place = Store(store or Path("runs") / asked.name)
    with place.at_once():
        planned = make_plan(asked, place)
        listed = tasks_of(planned, place, options.check_device(device)) if tasks else []
    summary = planned.summary()
    if tasks:
        if json:
            print_json({"experiment": asked.name, "store": str(place), "tasks": listed})
        else:
            _tell_tasks(listed)
        return
    if json:
        print_json(summary)
        return
    left, total = summary["extractions_left"], summary["extractions"]
    tell(f"{asked.name}: {counted(total, 'extraction')} ({left:,} left)")
    pairs = sum(d["pairs"] for d in summary["datasets"])
    what = f"{counted(pairs, 'pair')} × {counted(len(summary['configurations']), 'measure')}"
    tell(f"{what}; {_statistics(summary['statistics'])}; rows of {bytes_text(summary['bytes'])}")
    if asked.pairs != ALL:
        tell(f"pairs: {summary['pairs']}")
    if belonging := [d["name"] for d in summary["datasets"] if d["together"]]:
        tell(
            f"{', '.join(belonging)}: inputs belong together, so whole groups are shuffled and left out, and there are "
            "no closed forms"
        )
    if not summary["keeps_shuffled_scores"]:
        tell("there are too many shuffled scores to keep: p-values will be corrected by Holm's method only")
    elif summary["shuffled_scores_bytes"]:
        tell(f"{bytes_text(summary['shuffled_scores_bytes'])} more for shuffled scores, used to correct p-values")
    if summary["keeps_left_out_scores"]:
        tell(
            f"{bytes_text(summary['left_out_scores_bytes'])} at most for scores without some inputs, which tests of "
            "differences need"
        )
    elif summary["left_out_scores_bytes"] != 0:
        tell("there are too many scores without some inputs to keep, or their number is not known yet")
    print_table(
        "",
        ("data set", "items", "representations", "pairs", "scores", "done", "size of rows"),
        [
            (
                d["name"],
                d["items"],
                d["representations"],
                d["pairs"],
                d["scores"],
                d["scores_done"],
                bytes_text(d["bytes"]),
            )
            for d in summary["datasets"]
        ],
        spare=("size of rows", "done", "pairs"),
    )
    print_table("", ("configuration",), [(label,) for label in summary["configurations"]])
    for d in summary["datasets"]:
        for label, why in d["undefined"].items():
            say(f"{d['name']}: {label} will be undefined: {why}")
    if risks := risks_of(asked):
        say("\n".join([*risks, f"read this experiment first; likewise run then needs --trust {experiment}"]))


def _tell_tasks(listed: list[dict[str, Any]]) -> None:
    """Show tasks as a table, with the beginning of their keys."""
    print_table(
        "",
        ("task", "kind", "state", "waits for", "cores", "memory", "GPUs", "size", "key"),
        [
            (
                t["task"], t["kind"], t["state"], len(t["after"]) or None, "all" if t["cores"] is None else t["cores"],
                bytes_text(t["bytes"]), "all" if t["gpus"] is None else t["gpus"], t["size"], t["key"][:12],
            )
            for t in listed
        ],
        spare=("key", "GPUs", "cores", "memory"),
    )  # fmt: skip


def _statistics(asked: dict[str, Any]) -> str:
    """How chance levels and intervals are found."""
    from likewise.chance import reference_of

    chance = reference_of(asked["chance"]).planned(asked["permutations"])
    groups = asked["groups"]
    return f"{chance}; {f'intervals leave out each input in turn, or {groups} groups' if groups else 'no intervals'}"
