"""Pages: how large the report of many models is, how long it takes to write, and how soon a browser shows it.

The table of results is written into a store as it stands, with drawn scores: ten configurations of each pair, on three
data sets. Timed are the writing of the report, and the page: until it is drawn, until another measure is drawn, and
until the evidence of a pair is open. Prints a row for each number of models.
"""

import argparse
import math
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import ndtr

from likewise.measures import configurations
from likewise.plan import Experiment
from likewise.plan.tasks import request_of
from likewise.report.experiment import report_experiment
from likewise.representation import Representation
from likewise.scoring import SCHEMA, Results
from likewise.store import Store

ITEMS, WIDTH = 60, 8
DATASETS = ("questions", "code", "stories")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--no-sandbox", "--disable-gpu")
INSTALL = "no chromium is installed: apt-get install chromium"


def browser_path() -> str | None:
    """Where the browser is that the machine has."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def scores(keys: list[str], dataset: str, rng: np.random.Generator) -> pa.Table:
    """The rows of all pairs: families of models, whose members are more alike; numbers with all their digits."""
    m, chosen = len(keys), configurations("paper")
    first, second = np.triu_indices(m, 1)
    family = rng.integers(0, max(2, m // 8), m)
    alike = np.where(family[first] == family[second], 0.7, 0.15)
    pairs, parts = len(first), []
    named = pa.array(keys)

    def coded(values: Any, indices: Any) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), values)

    def constant(value: Any, kind: pa.DataType) -> Any:
        if pa.types.is_dictionary(kind):
            return coded(pa.array([value]), np.zeros(pairs, np.int32))
        return pa.nulls(pairs, kind) if value is None else pa.array(np.full(pairs, value)).cast(kind)

    for c in chosen:
        calibrated = alike + 0.1 * rng.normal(size=pairs)
        identity, chance = float(c.facts.identity), 0.3 + 0.02 * rng.normal(size=pairs)
        if c.facts.direction == "distance":
            chance = chance + 1
        value, deviation = chance + (identity - chance) * calibrated, 0.02 * rng.uniform(0.5, 1.5, pairs)
        z = (value - chance) / deviation * (1 if c.facts.direction == "similarity" else -1)
        width = 0.05 * rng.uniform(0.5, 1.5, pairs)
        columns = {
            "a": coded(named, first), "b": coded(named, second), "a_key": coded(named, first),
            "b_key": coded(named, second), "value": value, "null_mean": chance, "null_std": deviation, "z": z,
            "pvalue": np.clip(ndtr(-z), 1e-300, 1), "calibrated": calibrated, "low": value - width,
            "high": value + width, "seconds": rng.uniform(1e-4, 1e-3, pairs),
        }  # fmt: skip
        same = {
            "dataset": dataset, "measure": c.measure, "parameters": c.parameters_json, "direction": c.facts.direction,
            "null": "moments", "pvalue_holm": None, "pvalue_bh": None, "correction": "", "n_permutations": 0,
            "n_items": ITEMS, "status": "ok", "reason": "", "seed": 0,
            "measure_version": c.about.version,
        }  # fmt: skip
        arrays = [
            pa.array(columns[f.name]) if f.name in columns else constant(same[f.name], f.type) for f in SCHEMA
        ]  # fmt: skip
        parts.append(pa.table(arrays, schema=SCHEMA))
    return pa.concat_tables(parts).unify_dictionaries()


def fill(folder: Path, models: int, name: str = "many") -> Store:
    """Write a store as a run leaves it: small representations, tiles of scores that nobody computed, the experiment."""
    store, rng = Store(folder), np.random.default_rng(models)
    given = [f"organisation/model-{k:03d}" for k in range(models)]
    experiment = Experiment.of(
        {"name": name, "models": given, "datasets": [{"source": d} for d in DATASETS], "measures": ["paper"]}
    )
    listed = []
    ids = tuple(f"prompt-{i}" for i in range(ITEMS))
    for d, dataset in enumerate(DATASETS):
        keys = [f"{d:x}{k:023x}" for k in range(models)]
        for key, model in zip(keys, given, strict=True):
            matrix = rng.normal(size=(ITEMS, WIDTH)).astype(np.float32)
            source = {"model": model, "dataset": dataset, "texts": [f"text of {i}" for i in ids]}
            store.save_representation(Representation(matrix, ids, model, key, source), {})
            listed.append({"name": model, "dataset": dataset, "key": key})
        table = scores(keys, dataset, rng)
        request = request_of(experiment.statistics.trust)
        store.save_results(f"{d:x}{'f' * 23}", Results(table), request, replicates=())
    store.save_experiment(name, {"experiment": experiment.model_dump(mode="json"), "representations": listed})
    return store


@contextmanager
def window() -> Iterator[Any]:
    """A page of a browser that has no network; none where there is no browser."""
    from playwright.sync_api import sync_playwright

    path = browser_path()
    if path is None:
        print(INSTALL)
        yield None
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS])
        try:
            yield browser.new_context(offline=True, viewport={"width": 1400, "height": 900}).new_page()
        finally:
            browser.close()


def timed(page: Any, path: Path) -> dict[str, float]:
    """Seconds until a page is drawn, until another measure is, and until the evidence of a pair is open."""
    start, seconds = perf_counter(), {}

    def lap(name: str) -> None:
        nonlocal start
        seconds[name] = perf_counter() - start
        start = perf_counter()

    page.goto(path.resolve().as_uri())
    page.wait_for_selector("body[data-ready=yes]", state="attached", timeout=60_000)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")  # it has been painted
    lap("drawn")
    page.select_option("#measure", index=3)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    lap("measure")
    page.locator("#pairs tbody button.link").first.click()
    page.wait_for_selector("dialog#evidence[open]")
    lap("evidence")
    return seconds


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, nargs="+", default=[10, 50, 200])
    given = parser.parse_args()
    print("| models | rows | written (s) | page (MB) | drawn (s) | other measure (s) | evidence (s) |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, window() as page:
        for models in given.models:
            store = fill(Path(folder) / str(models), models)
            start = perf_counter()
            path = report_experiment(store, "many", store.folder)
            written = perf_counter() - start
            seconds = timed(page, path) if page else dict.fromkeys(("drawn", "measure", "evidence"), math.nan)
            rows = len(DATASETS) * 10 * models * (models - 1) // 2
            print(
                f"| {models} | {rows:,} | {written:.1f} | {path.stat().st_size / 1e6:.2f} | {seconds['drawn']:.2f} | "
                f"{seconds['measure']:.2f} | {seconds['evidence']:.2f} |"
            )


if __name__ == "__main__":
    main()
