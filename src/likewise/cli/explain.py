"""``likewise explain``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likewise.cli import options
from likewise.cli.console import print_json, print_table, say
from likewise.errors import InputError, LikewiseError

if TYPE_CHECKING:
    from likewise.extract import DatasetSpec
    from likewise.representation import Representation

SHOWN = 80
"""Characters of a prompt, on one line."""


def explain(
    representation: options.Representations,
    dataset: options.Dataset = None,
    store: options.StoreFolder = None,
    join: options.Join = "exact",
    experiment: options.InExperiment = None,
    measure: Annotated[str, typer.Option(help="A measure whose score is a mean over inputs.")] = "jaccard",
    count: Annotated[int, typer.Option(min=1, help="How many prompts of each kind.")] = 5,
    prompts: Annotated[
        Path | None,
        typer.Option(help="The experiment (.yaml) that has the prompts, if they are not in this folder."),
    ] = None,
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Show the most and least alike prompts of two models."""
    import numpy as np

    from likewise.arrays import to_numpy
    from likewise.measures import Configuration, contributions
    from likewise.plan import load_trusted

    load_trusted(trust or ())
    if len(representation) != 2:
        raise InputError(f"expected two representations, got {len(representation)}")
    a, b = options.read_representations(representation, store, dataset, join, experiment=experiment)
    configuration = Configuration.parse(measure)
    added = to_numpy(contributions(configuration, a, b))
    alike = configuration.facts.more_alike * added
    order = np.argsort(-alike, kind="stable")
    ids = a.ids if a.has_ids else b.ids
    texts, why = (
        _of_files(a, b) if dataset is None else _texts(store, dataset, a.source.prompts or b.source.prompts, prompts)
    )
    rows = [
        {"place": place, "id": ids[i], "contribution": float(added[i]), "prompt": texts.get(ids[i])}
        for place, i in enumerate(order.tolist(), 1)
    ]
    if json:
        print_json(
            {"a": a.name, "b": b.name, "measure": configuration.label, "value": float(added.mean()), "items": rows}
        )
        return
    say(f"{a.name} and {b.name}: {configuration.label} = {added.mean():.4g}, the mean over all prompts")
    few = min(count, len(rows) // 2)
    for title, some in (("most alike", rows[:few]), ("least alike", rows[len(rows) - few :][::-1])):
        print_table(
            title, ("id", "similarity", "prompt"), [(r["id"], r["contribution"], _line(r["prompt"])) for r in some]
        )
    if why:
        say(f"prompts are not shown: {why}")


def _line(text: str | None) -> str:
    line = " ".join((text or "").split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def _of_files(*representations: "Representation") -> tuple[dict[str, str | None], str]:
    """The texts of the rows by id, where a file holds them, or why they cannot be had."""
    for r in representations:
        if r.source.texts:
            return dict(zip(r.ids, r.source.texts, strict=True)), ""
    return {}, "the files have no text column"


def _at_hand(spec: "DatasetSpec") -> bool:
    """Whether prompts come with likewise, or lie in the folder one works in."""
    files = [Path(spec.source)] if spec.is_file else []
    files += [spec.shots_file] if spec.shots_file else []
    here = Path.cwd().resolve()
    return not spec.fetched and all(file.resolve().is_relative_to(here) for file in files)


def _texts(store: Path | None, dataset: str, fingerprint: Any, named: Path | None) -> tuple[dict[str, str | None], str]:
    """The texts of the rows by id, prompts or spans of them, or why they cannot be had.

    A store may be somebody else's: what it names alone is opened only where that is the folder one works in.
    """
    from likewise.extract import load_prompts
    from likewise.plan import Experiment, pinned

    kept = options.find_store(store)
    stored = (Experiment.stored(about["experiment"]) for about in kept.experiments().values())
    for experiment in [Experiment.read(named)] if named else stored:
        for entry in experiment.datasets:
            for spec in entry.specs.values() if entry.name == dataset else ():
                if named is None and not _at_hand(spec):
                    return {}, (
                        f"{spec.source} is not in this folder, and a store alone may not open it; name the "
                        "experiment that has it: --prompts FILE.yaml"
                    )
                try:
                    prompts = load_prompts(pinned(spec, kept))
                except LikewiseError as error:
                    return {}, str(error)
                if prompts.fingerprint == fingerprint:
                    return dict(prompts.named_texts()), ""
    return {}, f"no experiment has the data set {dataset} with these prompts"
