"""``likewise extract``."""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from likewise.cli import options
from likewise.cli.console import complain, print_json, print_table, progress
from likewise.fields import DTYPE, LAYER, TRANSFORMERS, TRUNCATION

if TYPE_CHECKING:
    from likewise.plan import Experiment
    from likewise.store import Store


def extract(
    model: Annotated[list[str], typer.Argument(help="Names of packaged models, hub ids, folders or GGUF files.")],
    dataset: Annotated[
        str | None, typer.Option(help="A known name, a local file or a hub id [default: mixed-prompts].")
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            help="last, embedding, 12, -1, 0.5, 4..12, all, logits, choices, or the path of a module [default: last]."
        ),
    ] = None,
    pooling: Annotated[
        str | None,
        typer.Option(
            help="How tokens become a row, such as mean or last_k(k=4) [default: the model's own, or last_token]."
        ),
    ] = None,
    dtype: Annotated[str, typer.Option(help="Precision of the model.")] = DTYPE,
    truncation: Annotated[
        str, typer.Option(help="Prompts that are too long: error, or cut left or right.")
    ] = TRUNCATION,
    variant: Annotated[str | None, typer.Option(help="A change of the model, for example noise(sd=0.1).")] = None,
    base: Annotated[str | None, typer.Option(help="Base model of an adapter.")] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of hub models.")] = None,
    backend: options.Backend = TRANSFORMERS,
    template: Annotated[str | None, typer.Option(help="A jinja2 template that turns a record into a prompt.")] = None,
    spans: Annotated[str | None, typer.Option(help="A regular expression: each match is a row.")] = None,
    split: Annotated[str | None, typer.Option(help="Split of a hub data set.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Use only the first N prompts.")] = None,
    store: options.StoreFolder = None,
    device: options.Device = "cpu",
    batch_tokens: options.BatchTokens = None,
    json: options.Json = False,
) -> None:
    """Run models and keep one row per prompt and layer."""
    from likewise.plan import Experiment, plan
    from likewise.prompts import DEFAULT_PROMPTS
    from likewise.run import run as perform
    from likewise.store import Store

    of_each = {"variant": variant, "base": base, "revision": revision, "backend": backend}
    asked = Experiment.asked(
        {
            "name": "extract",
            "models": [{"model": m, **of_each} for m in model],
            "datasets": [
                {
                    "source": dataset or DEFAULT_PROMPTS,
                    "template": template,
                    "split": split,
                    "limit": limit,
                    "spans": None if spans is None else {"regex": spans},
                }
            ],
            "representation": {
                "layers": layer or [LAYER],
                "pooling": pooling,
                "dtype": dtype,
                "truncation": truncation,
            },
            "measures": [],
        }
    )
    folder = store or Path("runs") / "extract"
    asked = _renamed(asked, Store(folder))
    with progress() as watch:
        done = perform(
            asked,
            folder,
            device=options.check_device(device),  # type: ignore[arg-type]  # checked to be one of the two
            batch_tokens=batch_tokens,
            watch=watch,
        )
    kept = Store(folder)
    wanted = [w for d in plan(asked, kept).datasets for w in d.wanted if kept.has_representation(w.key)]
    found = [
        {"name": w.name, "dataset": w.dataset.name, "key": w.key, "file": kept.representation_file(w.key)}
        for w in wanted
    ]
    if json:
        failed = [{"task": o.task.label, "error": o.error} for o in done.failed]
        print_json({"store": str(kept), "representations": found, "failed": failed})
    else:
        print_table("", ("representation", "data set", "key", "file"), [tuple(f.values()) for f in found])
        for outcome in done.failed:
            complain(f"failed: {outcome.task.label}\n  {outcome.error}")
    if done.failed:
        raise typer.Exit(1)


def _renamed(asked: "Experiment", store: "Store") -> "Experiment":
    """What is asked for under a name that nothing else has in the store: a later call leaves the rows of this one."""
    from likewise.plan import Experiment

    def said(of: "Experiment") -> object:
        return of.model_dump(mode="json", exclude={"name"})

    there = {name: Experiment.stored(about["experiment"]) for name, about in store.experiments().items()}
    for number in itertools.count(1):
        name = asked.name if number == 1 else f"{asked.name}-{number}"
        if name not in there or said(there[name]) == said(asked):
            break
    return asked.model_copy(update={"name": name})
