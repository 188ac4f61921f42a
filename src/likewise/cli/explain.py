"""``likewise explain``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from likewise.cli import answers, options
from likewise.errors import InputError, LikewiseError
from likewise.fields import ITEMS_COUNT, ITEMS_MEASURE

if TYPE_CHECKING:
    from likewise.prompts import DatasetSpec
    from likewise.representation import Representation
    from likewise.store import Store


def explain(
    representation: options.Representations,
    dataset: options.Dataset = None,
    store: options.StoreFolder = None,
    join: options.Join = "exact",
    experiment: options.InExperiment = None,
    rows: options.Rows = "states",
    metric: options.Metric = None,
    measure: Annotated[str, typer.Option(help="A measure whose score is a mean over inputs.")] = ITEMS_MEASURE,
    count: Annotated[int, typer.Option(min=1, help="How many prompts of each kind.")] = ITEMS_COUNT,
    prompts: Annotated[
        Path | None,
        typer.Option(help="The experiment (.yaml) that has the prompts, if they are not in this folder."),
    ] = None,
    trust: options.Trust = None,
    fail_if: answers.FailIf = None,
    junit: answers.Junit = None,
    output: answers.Output = None,
    json: options.Json = False,
) -> None:
    """Show the most and least alike prompts of two models."""
    from likewise.plan import load_trusted
    from likewise.studies import Items

    load_trusted(trust or ())
    if len(representation) != 2:
        raise InputError(f"expected two representations, got {len(representation)}")
    a, b = options.read_representations(
        representation, store, dataset, join, experiment=experiment, rows=rows, metric=metric
    )
    of_files = dataset is None and store is None and experiment is None
    texts, told = _of_files(a, b) if of_files else _of_store(store, dataset or a.source.dataset or "", a, b, prompts)
    answer = Items(measure, count).answer((a, b), texts, told)
    answers.finish(answer, fail_if=fail_if, junit=junit, output=output, json=json)


def _of_files(*representations: "Representation") -> tuple[dict[str, str | None], str]:
    """The texts of the rows by id, where a file holds them, and where they are from, or why they cannot be had."""
    for r in representations:
        if r.source.texts:
            return dict(zip(r.ids, r.source.texts, strict=True)), f"from the text column of {r.name}"
    return {}, "not shown: the files have no text column"


def _at_hand(spec: "DatasetSpec") -> bool:
    """Whether prompts come with likewise, or lie in the folder one works in."""
    files = [Path(spec.source)] if spec.is_file else []
    files += [spec.shots_file] if spec.shots_file else []
    here = Path.cwd().resolve()
    return not spec.fetched and all(file.resolve().is_relative_to(here) for file in files)


def _of_store(
    store: Path | None, dataset: str, a: "Representation", b: "Representation", named: Path | None
) -> tuple[Mapping[str, str | None], str]:
    """The texts of the rows by id, as the store keeps them; else out of the data set again, and which of both."""
    kept = options.find_store(store)
    for r in () if named else (a, b):
        if texts := kept.prompts(r.source, r.ids):
            return texts, f"from the store, as {r.name} was given them"
    return _loaded_again(kept, dataset, a.source.prompts or b.source.prompts, named)


def _loaded_again(
    kept: "Store", dataset: str, fingerprint: str | None, named: Path | None
) -> tuple[Mapping[str, str | None], str]:
    """The texts of the rows by id, prompts or spans of them, and where they are from, or why they cannot be had.

    A store may be somebody else's: what it names alone is opened only where that is the folder one works in.
    """
    from likewise.plan import Experiment, pinned
    from likewise.prompts import load_prompts

    stored = (Experiment.stored(about["experiment"]) for about in kept.experiments().values())
    for experiment in [Experiment.read(named)] if named else stored:
        for entry in experiment.datasets:
            for spec in entry.specs.values() if entry.name == dataset else ():
                if named is None and not _at_hand(spec):
                    return {}, (
                        f"not shown: this store keeps none, {spec.source} is not in this folder, and a store alone may "
                        "not open it; name the experiment that has it: --prompts FILE.yaml"
                    )
                try:
                    prompts = load_prompts(pinned(spec, kept))
                except LikewiseError as error:
                    return {}, f"not shown: {error}"
                if prompts.fingerprint == fingerprint:
                    return dict(prompts.named_texts()), f"read again from {spec.source}"
    return {}, f"not shown: no experiment has the data set {dataset} with these prompts"
