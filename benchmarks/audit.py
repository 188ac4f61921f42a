"""Audits: how often a re-run is called changed, and the smallest noise, pruning and bits that are found.

Synthetic: a base, a re-run and a copy that err alike, so that every alarm is a false one. With a model: copies of
growing damage; and bfloat16 runs in other batches as copies beside each other, on random halves of the prompts. Prints
Markdown tables.
"""

import argparse
import itertools
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from likewise.progress import unwatched
from likewise.questions import audit, audit_experiment
from likewise.representation import Representation
from likewise.store import Store
from likewise.studies import Audit

COPIES = [
    *(f"noise(sd={sd})" for sd in (0.001, 0.003, 0.01, 0.05)),
    *(f"prune(fraction={share})" for share in (0.01, 0.02, 0.05, 0.3)),
    *(f"quantize(bits={bits})" for bits in (10, 8, 6, 4)),
    "noise(sd=0.05, block=15)",
]
BATCHES = (256, 128, 64)
LAYERS, WIDTH = 12, 32


def synthetic(law: str, n: int, seed: int) -> dict[str, dict[str, Representation]]:
    """Rows of a base, of a re-run and of a copy that errs like it; errors of neighbouring layers hang together."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(LAYERS, n, WIDTH))
    # Some prompts err more than others, in all runs.
    size = {"even": np.ones(n), "heavy": np.exp(rng.normal(size=n))}[law][None, :, None]

    def run() -> dict[str, Representation]:
        away = 0.01 * size * np.cumsum(rng.normal(size=x.shape), axis=0)
        return {str(i): Representation(rows) for i, rows in enumerate(x + away, 1)}

    return {"base": {str(i): Representation(rows) for i, rows in enumerate(x, 1)}, "again": run(), "copy": run()}


def halves(models: Mapping[str, Mapping[str, Representation]], base: str, draws: int) -> Iterator[bool]:
    """Whether each run is called changed beside each other one, on random halves of the prompts."""
    rng = np.random.default_rng(0)
    names = [name for name in models if name != base]
    for copy, again in itertools.permutations(names, 2):
        ids = next(iter(models[base].values())).ids
        for _ in range(draws):
            some = sorted(rng.choice(len(ids), len(ids) // 2, replace=False))
            kept = [ids[i] for i in some]
            given = {n: {k: r.in_order(kept) for k, r in models[n].items()} for n in (base, again, copy)}
            yield bool(Audit(base, (again,)).answer(given).values["moved"])


def of_model(model: str, prompts: int, store: Path, draws: int) -> None:
    """Print what is found of a real model."""
    again = [{"model": model, "name": f"{b} tokens", "dtype": "bfloat16", "batch_tokens": b} for b in BATCHES]
    asked: dict[str, Any] = {"data": {"source": "mixed-prompts", "limit": prompts}}
    copies = [*(f"{model}:{variant}" for variant in COPIES), f"same={model}", *again]
    answer = audit(model, copies, store=store, **asked, watch=unwatched)
    print(
        f"\n{prompts} prompts of {model}: {answer.limits[0]}\n\n"
        "| copy | times the floor | from block | moved | letters |"
    )
    print("|---|---|---|---|---|")
    for row in answer.tables["copies"].records():
        times = "{times_floor:.3g} ({low:.3g} to {high:.3g})".format_map(row)
        print(f"| {row['copy']} | {times} | {row['from_layer'] or '–'} | {row['moved']} | {row['letters']} |")
    kept, name = Store(store), audit_experiment(model, copies, **asked).name
    runs: dict[str, dict[str, Representation]] = {}
    for r in kept.experiments()[name]["representations"]:
        of, _, layer = r["name"].partition(" @ ")
        if of in (model, f"{model} in bfloat16", *(a["name"] for a in again)):
            runs.setdefault(of, {})[layer or "last"] = kept.load_representation(r["key"])
    alarms = list(halves(runs, model, draws))
    print(f"\nbfloat16 in other batches, called changed: {sum(alarms)} of {len(alarms)}, {np.mean(alarms):.1%}")


def main() -> None:
    """Draw, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=400, help="Of each synthetic cell.")
    parser.add_argument("--prompts", type=int, nargs="+", default=[30, 100])
    parser.add_argument("--model", help="Also audit copies of this one.")
    parser.add_argument("--model-prompts", type=int, default=60)
    parser.add_argument("--halves", type=int, default=10)
    parser.add_argument("--store", type=Path)
    given = parser.parse_args()
    print("| errors | prompts | re-runs called changed |\n|---|---|---|")
    for law, n in itertools.product(("even", "heavy"), given.prompts):
        found = [Audit("base", ("again",)).answer(synthetic(law, n, k)).values["moved"] for k in range(given.draws)]
        print(f"| {law} | {n} | {np.mean(found):.1%} of {len(found)} |", flush=True)
    if given.model:
        with tempfile.TemporaryDirectory() as folder:
            of_model(given.model, given.model_prompts, given.store or Path(folder), given.halves)


if __name__ == "__main__":
    main()
