"""``likewise swap``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likewise.cli import answers, options
from likewise.cli.console import progress

if TYPE_CHECKING:
    from likewise.representation import Representation


def swap(
    old: Annotated[str, typer.Argument(metavar="[NAME=]OLD", help="File of the old embedder's vectors.")],
    new: Annotated[str, typer.Argument(metavar="[NAME=]NEW", help="File of the new embedder's vectors.")],
    queries: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="OLD NEW", help="Files of queries by both; OLD and NEW are then the corpus."),
    ] = None,
    k: Annotated[
        list[int] | None, typer.Option("--k", min=1, help="Number of neighbours. [default: 1 5 10 100]")
    ] = None,
    metric: Annotated[str, typer.Option(help="cosine, euclidean or dot.")] = "cosine",
    p: Annotated[float, typer.Option("--p", help="Of rank-biased overlap: how far down one looks.")] = 0.9,
    enough: Annotated[float, typer.Option(help="Recall from which the old index can stay.")] = 0.9,
    train: Annotated[int, typer.Option(min=1, help="Most pairs that a map is learnt on.")] = 10_000,
    held_out: Annotated[int, typer.Option(min=1, help="Most queries that it is tested on.")] = 2_000,
    id_column: Annotated[str, typer.Option(help="Column of ids in Parquet files.")] = "id",
    join: options.Join = "exact",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the pairs and held-out queries.")] = 0,
    fail_if: answers.FailIf = None,
    junit: answers.Junit = None,
    output: answers.Output = None,
    json: options.Json = False,
) -> None:
    """Say whether a new embedder can take the place of an old one: do neighbours stay, can the old index stay."""
    from likewise.studies import Swap

    asked: Any = {"ks": tuple(k)} if k else {}
    study = Swap(
        metric=metric,  # type: ignore[arg-type]  # the study refuses what there is not
        p=p,
        enough=enough,
        train=train,
        held_out=held_out,
        join=join,
        seed=seed,
        **asked,
    )
    given: list[Representation] = options.read_files([old, new], id_column, join)
    if queries is not None:
        given += options.read_files([str(path) for path in queries], id_column, join)
    with progress() as watch:
        answer = study.answer(given, watch)
    answers.finish(answer, fail_if=fail_if, junit=junit, output=output, json=json)
