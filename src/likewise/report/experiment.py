"""The report of an experiment, from what its store holds."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from likewise.errors import InputError
from likewise.libraries import library_versions
from likewise.naming import inert
from likewise.plan import Experiment, of_unknown_code, scores_of_pair, shown_of
from likewise.report.evidence import evidence_of
from likewise.report.html import write_report
from likewise.report.saved import Saved, answers_in
from likewise.representation import Representation
from likewise.scoring import KINDS, Results
from likewise.store import Store
from likewise.studies import Covariates

RANKED = 1_000
"""Pairs up to which the page ranks who is nearest to whom."""


def report_experiment(
    store: Store,
    name: str,
    folder: Path,
    results: Results | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Path:
    """Write the report of an experiment: one page, and its tables as CSV and Parquet.

    Parameters
    ----------
    store : Store
        Where the experiment was run.
    name : str
        The experiment's.
    folder : Path
        Where ``report.html`` and ``tables/`` are written.
    results : Results, optional
        Those of the experiment, as a run has returned them; by default they are read from the store.
    tell : callable
        Is told that the experiment is not finished, where it is not.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    InputError
        If nothing of it has been compared yet.
    """
    about = store.experiments()[name]
    experiment = Experiment.stored(about["experiment"])
    pairs = sum(int(experiment.pairs.wanted(names).sum()) for names in _names(about))
    older = 0
    if results is None:
        # What ranks are tested by takes memory for each prompt of each score.
        results, older = shown_of(store, about, KINDS if pairs <= RANKED else ("shuffle",))
    if not len(results):
        raise InputError(f"the store in {store} holds no scores of {name!r} yet; likewise run makes them")
    present = set(store.representations())
    missing = [r for r in about["representations"] if r["key"] not in present]
    expected = pairs * scores_of_pair(results.asked)
    warnings = [f"{r['name']} is missing on {r['dataset']}: its extraction has not succeeded" for r in missing]
    warnings += [
        f"{call} is a measure of somebody's own, whose code is not loaded: shown is what its stored scores say. To "
        "load that code, name its file: likewise report --trust FILE.py"
        for call in of_unknown_code(experiment.measures)
    ]
    if older:
        warnings.append(
            f"{older:,} of {len(results):,} scores were made by an older version of likewise, whose chance levels, "
            "intervals or definitions differ: run the experiment again to make them anew"
        )
    unfinished = ""
    if len(results) < expected:
        left = f"{expected - len(results):,} of {expected:,} scores are missing"
        unfinished = f"Not finished: {left}"
        tell(f"not finished: {left}; run the experiment again for the rest")
    saved = list(answers_in(store.files.pages))
    warnings += [told for told in saved if isinstance(told, str)]
    return write_report(
        results,
        folder,
        title=name,
        experiment=experiment.to_yaml(),
        representations=[
            {**_described(store, r["key"]), "name": r["name"], "dataset": r["dataset"]}
            for r in about["representations"]
            if r["key"] in present
        ],
        pairs=experiment.pairs,
        warnings=warnings,
        unfinished=unfinished,
        made_with=library_versions(),
        evidence=lambda wanted: evidence_of(wanted, _loader(store, about["representations"]), _texts(store)),
        store=store.files.name,
        asked=[Covariates({inert(m.name, keep=""): m.covariates for m in experiment.models if m.covariates})],
        saved=[answer for answer in saved if isinstance(answer, Saved)],
    )


def _loader(store: Store, known: Sequence[Mapping[str, Any]]) -> Callable[[str, str], Representation]:
    """What loads a representation by its data set and its name, as the page calls both; the last few are kept."""
    keys = {(inert(r["dataset"], keep=""), inert(r["name"], keep="")): r["key"] for r in known}

    @functools.lru_cache(maxsize=16)
    def load(dataset: str, name: str) -> Representation:
        return store.load_representation(keys[dataset, name], name)

    return load


def _texts(store: Store) -> Callable[[Representation, Representation], tuple[Mapping[str, str | None], str]]:
    """What finds the texts of two representations, without opening anything but the store."""

    def texts(*both: Representation) -> tuple[Mapping[str, str | None], str]:
        for r in both:
            if r.source.texts:
                return dict(zip(r.ids, r.source.texts, strict=True)), ""
            if found := store.prompts(r.source, r.ids):
                return found, ""
        return {}, "The store keeps no texts of these prompts."

    return texts


def _described(store: Store, key: str) -> dict[str, Any]:
    return {k: v for k, v in store.describe_representation(key).items() if k != "ids"}


def _names(about: dict[str, Any]) -> list[list[str]]:
    """Names of the representations of each data set."""
    found: dict[str, list[str]] = {}
    for r in about["representations"]:
        found.setdefault(r["dataset"], []).append(r["name"])
    return list(found.values())
