"""``likewise figure``."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from likewise.cli import options
from likewise.cli.console import messages, print_json, say
from likewise.errors import InputError
from likewise.naming import did_you_mean

if TYPE_CHECKING:
    from likewise.store import Store

INCHES = {"in": 1.0, "mm": 1 / 25.4, "cm": 1 / 2.54, "pt": 1 / 72}
"""Units of a width."""


def figure(
    kind: Annotated[
        str,
        typer.Argument(
            help="heatmap, forest, by-layer, dendrogram, map, agreement; of the paper paper-heatmaps, paper-datasets."
        ),
    ],
    store: Annotated[Path, typer.Argument(help="Folder or URL of a store.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .pdf, .svg or .png.")],
    experiment: Annotated[str | None, typer.Option(help="Name of the experiment, if the store has several.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Data set, if there are several.")] = None,
    measure: Annotated[str | None, typer.Option(help="Measure or configuration, if there are several.")] = None,
    layer: Annotated[str | None, typer.Option(help="Only pairs at this layer of both models.")] = None,
    models: Annotated[
        list[str] | None, typer.Option("--models", "--model", help="Only pairs of these. Repeat it for each name.")
    ] = None,
    calibrated: Annotated[
        bool | None, typer.Option("--calibrated/--raw", help="Calibrated scores, or raw ones. [default: calibrated]")
    ] = None,
    order: Annotated[
        str | None, typer.Option(help="Of a heatmap: given, or clusters (like beside like). [default: given]")
    ] = None,
    width: Annotated[
        str, typer.Option(help="Width on paper, such as 6.5in or 85mm; texts have eight points.")
    ] = "6.5in",
    caption: Annotated[bool, typer.Option("--caption/--no-caption", help="Whether the caption stands below.")] = True,
    data: Annotated[Path | None, typer.Option(help="Write the numbers that it draws into this .csv file.")] = None,
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Draw a figure for a paper. It shows its uncertainty, or its caption says why not."""
    from likewise.plan import load_trusted, results_of
    from likewise.store import write_atomically, write_csv

    form, inches = _form(output), _inches(width)
    if data is not None and data.suffix.lower() != ".csv":
        raise InputError(f"--data {data}: expected a file that ends in .csv")
    load_trusted(trust or ())
    kept = options.find_store(store)
    results = results_of(kept, kept.experiments()[_experiment(kept, experiment)])
    with messages.status("drawing"):
        from likewise.report.figures import draw, rendered  # slow to import, and optional

        picture = draw(
            kind,
            results,
            dataset=dataset,
            measure=measure,
            layer=layer,
            models=models or None,
            calibrated=calibrated,
            width=inches,
            caption=caption,
            order=order,
        )
        content = rendered(picture, form)
    write_atomically(output, lambda path: path.write_bytes(content))
    if data is not None:
        write_atomically(data, lambda path: write_csv(picture.data, path))
    if json:
        print_json({"figure": str(output), "data": None if data is None else str(data), "caption": picture.caption})
        return
    say(f"figure: {output}")
    if data is not None:
        say(f"data: {data}")
    say(picture.caption)


def _form(output: Path) -> str:
    from likewise.report.figures import FORMATS

    form = output.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise InputError(f"--output {output}: expected a file that ends in {', '.join(f'.{name}' for name in FORMATS)}")
    if output.is_dir():
        raise InputError(f"--output {output} is a folder; expected the name of a file")
    return form


def _inches(text: str) -> float:
    """Read a width; a number without a unit is inches."""
    number = text.strip()
    unit = next((unit for unit in INCHES if number.endswith(unit)), "")
    try:
        inches = float(number.removesuffix(unit)) * INCHES.get(unit, 1.0)
    except ValueError:
        inches = math.nan
    if not math.isfinite(inches):
        raise InputError(f"--width {text}: expected a width such as 6.5in or 85mm")
    return inches


def _experiment(store: "Store", name: str | None) -> str:
    known = sorted(store.experiments())
    if name is None and len(known) != 1:
        raise InputError(f"{store} holds {len(known)} experiments ({', '.join(known)}); name one with --experiment")
    if name is not None and name not in known:
        raise InputError(f"{store} has no experiment {name!r}; {did_you_mean(name, known)}")
    return name or known[0]
