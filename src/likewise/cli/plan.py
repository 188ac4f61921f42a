"""``likewise plan``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from likewise.cli import options
from likewise.cli.console import bytes_text, print_json, print_table, say, tell
from likewise.plan import plan as make_plan
from likewise.plan import read_experiment, risks_of
from likewise.statistics import ALL
from likewise.store import Store


def plan(
    experiment: Annotated[Path, typer.Argument(help="A YAML file.")],
    store: options.StoreFolder = None,
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Show what an experiment needs and what is already done. Runs nothing and uses no network."""
    asked = read_experiment(experiment, trust or ())
    summary = make_plan(asked, Store(store or Path("runs") / asked.name)).summary()
    if json:
        print_json(summary)
        return
    left, total = summary["extractions_left"], summary["extractions"]
    tell(f"{asked.name}: {total} extractions ({left} left)")
    pairs = sum(d["pairs"] for d in summary["datasets"])
    tell(
        f"{pairs:,} pairs × {len(summary['configurations'])} measures; {_statistics(summary['statistics'])}; "
        f"{bytes_text(summary['bytes'])}"
    )
    if asked.pairs != ALL:
        tell(f"pairs: {summary['pairs']}")
    if not summary["keeps_shuffled_scores"]:
        tell("there are too many shuffled scores to keep: p-values will be corrected by Holm's method only")
    elif summary["shuffled_scores_bytes"]:
        tell(f"{bytes_text(summary['shuffled_scores_bytes'])} more for shuffled scores, used to correct p-values")
    print_table(
        "",
        ("data set", "items", "representations", "pairs", "scores", "done", "to store"),
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
        spare=("to store", "done", "pairs"),
    )
    print_table("", ("configuration",), [(label,) for label in summary["configurations"]])
    if risks := risks_of(asked):
        say("\n".join([*risks, f"read this experiment first; likewise run then needs --trust {experiment}"]))


def _statistics(asked: dict[str, Any]) -> str:
    """How chance levels and intervals are found."""
    null = {"none": "no chance levels", "shuffles": f"chance from {asked['permutations']} shuffles"}.get(
        asked["chance"], f"chance from closed forms, else {asked['permutations']} shuffles"
    )
    return f"{null}; intervals from {asked['groups']} groups" if asked["groups"] else f"{null}; no intervals"
