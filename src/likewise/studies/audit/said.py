"""How the answer of an audit is said: its verdict, tables, drawings, limits, and values by name."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from likewise.chance import IN_FILES, IN_STRETCHES
from likewise.naming import cell_text, counted, with_ends
from likewise.studies.answer import Table
from likewise.studies.audit.copies import Copy, Ranks
from likewise.studies.audit.layers import FILES, Layer, layer_text
from likewise.studies.conditions import Cell
from likewise.studies.drawings import Forest, Line, Lines
from likewise.studies.items import beginning, line

FEW = 100
"""Prompts below which an interval may be too narrow, where few of them decide."""

STRANGE = 0.5
"""Relative error of a re-run from which it looks like another model."""

APART = 1.0
"""Error about the mean from which rows are another model's, or in another order: of unrelated rows it is 1.4."""

PARTS = ("moved", "times_floor", "low", "high", "first_layer", "error")
"""What is said of each copy."""

NEAREST = ("nearest", "nearest_told_apart")
"""What is said of several copies."""

ALONE = "there is one copy; the nearest, and ranks, are told of two or more"
"""Why that is not said of one."""

COPIES = (
    "copy", "moved", "times_floor", "low", "high", "from_layer", "at_layer", "median", "error", "centred"
)  # fmt: skip
OF_RANKS = ("rank", "rank_low", "rank_high", "letters")
LAYERS = ("copy", "layer", "moved", "times_floor", "low", "high", "error", "floor", "centred")
OF_OUTPUTS = ("copy", "layer", "measure", "value", "low", "high", "floor")
"""Heads of the tables."""

READ = {
    "times_floor": "Times floor: times numeric noise, with a 95 % interval (low, high).",
    "median": "Median: of the ratios of the prompts.",
    "error": "Error: relative to the base.",
    "centred": "Centred: without a common offset.",
    "rank": "Rank: lies between rank low and rank high.",
    "letters": "Letters: copies that share one are not told apart.",
}
"""How columns of copies are read."""

SPARE = ("centred", "rank_low", "rank_high", "at_layer", "median", "error", "rank")
"""Columns of copies that a narrow terminal leaves out, in this order."""

BESIDE = "what is judged is the number of times the floor, which has one"
"""Why an error has no interval of its own."""


def _times(copy: Copy, place: int) -> str:
    """How many times the floor, with the interval."""
    times, low, high = copy.times[place], copy.low[place], copy.high[place]
    if not copy.error[place]:
        return "equal to the base"
    if times is None or low is None or high is None:
        return "different, while the re-runs are equal to the base"
    # The verdict is about the floor itself.
    told, *ends = with_ends(times, max(0.0, low), high, apart=[1.0])
    return f"{told} times ({ends[0]} to {ends[1]}) numeric noise"


def verdict(judged: Sequence[Copy], base: str, ranks: Ranks | None) -> Iterator[str]:
    """Sentences: which copies changed, and which is the nearest."""
    for copy in judged:
        at = f" at {layer_text(copy.layers[copy.place])}" if len(copy.layers) > 1 else ""
        if copy.first is not None:
            since = all(copy.moved[copy.first :])
            first = layer_text(copy.layers[copy.first])
            from_where = (f", from {first} on" if since else f", first at {first}") if len(copy.layers) > 1 else ""
            yield f"Changed: {copy.name} is {_times(copy, copy.place)}{at}{from_where}."
        elif copy.equal:
            yield f"Within noise: {copy.name} is equal to {base}."
        else:
            nowhere = ", and moved at no layer" if len(copy.layers) > 1 else ""
            yield f"Within noise: {copy.name} is {_times(copy, copy.place)}{at}{nowhere}."
    if ranks is not None:
        first, shared = ranks.nearest
        at = f" at {layer_text(judged[0].layers[-1])}" if len(judged[0].layers) > 1 else ""
        more = f"not told apart from {', '.join(shared)}" if shared else "and that is more than luck"
        yield f"Nearest to {base}{at}: {first}, {more}."


def tables(
    judged: Sequence[Copy],
    ranks: Ranks | None,
    count: int,
    found: Sequence[Layer],
    texts: Mapping[str, str | None],
) -> Iterator[Table]:
    """Of copies, of their layers, and of the ``count`` prompts that changed most where a copy did."""
    heads: tuple[str, ...] = COPIES
    rows: list[tuple[Cell, ...]] = [
        (c.name, c.first is not None, c.times[c.place], c.low[c.place], c.high[c.place],
         None if c.first is None else c.layers[c.first], c.layers[c.place], c.median[c.place], c.error[c.place],
         c.centred[c.place])
        for c in judged
    ]  # fmt: skip
    if ranks is not None:
        heads = (*heads, *OF_RANKS)
        rows = [(*row, *ranks.rank[c.name], ranks.letters[c.name]) for row, c in zip(rows, judged, strict=True)]
    if judged[0].layers == (FILES,):  # a file of rows has no layers to tell apart
        kept = [k for k, head in enumerate(heads) if head not in ("from_layer", "at_layer")]
        heads, rows = tuple(heads[k] for k in kept), [tuple(row[k] for k in kept) for row in rows]
    yield Table(
        "copies",
        heads,
        tuple(rows),
        caption="Copies",
        note=" ".join(said for head, said in READ.items() if head in heads),
        spare=tuple(head for head in SPARE if head in heads),
        unsure=dict.fromkeys(("median", "error", "centred"), BESIDE),
    )
    yield Table(
        "layers",
        LAYERS,
        tuple(
            (c.name, layer, c.moved[i], c.times[i], c.low[i], c.high[i], c.error[i], c.floor[i], c.centred[i])
            for c in judged
            for i, layer in enumerate(c.layers)
        ),
        caption="Layers",
        folded=True,
        spare=("centred", "floor", "error"),
        unsure=dict.fromkeys(("error", "floor", "centred"), BESIDE),
    )
    changed = [c for c in judged if c.first is not None]
    if changed:
        yield _prompts(changed, count, found, texts)


def tables_of_outputs(rows: Sequence[tuple[Cell, ...]]) -> Iterator[Table]:
    """Of what copies did to the outputs, where these were asked for."""
    if rows:
        yield Table(
            "outputs",
            OF_OUTPUTS,
            tuple(rows),
            caption="Outputs",
            note="Low, high: 95 % interval. Floor: the same of the re-run that is least like the base.",
            spare=("layer", "floor"),
            unsure={"floor": "the worst re-run that there is"},
        )


def _prompts(changed: Iterable[Copy], count: int, found: Sequence[Layer], texts: Mapping[str, str | None]) -> Table:
    """The prompts with the largest errors of each copy, in the layer that its verdict is about."""
    same = beginning([texts.get(name) for name in found[0].ids])
    rows: list[tuple[Cell, ...]] = []
    for copy in changed:
        layer = found[copy.place]
        errors, ratios = layer.errors[copy.name], layer.of_prompts(copy.name)
        for i in np.argsort(-errors, kind="stable")[:count].tolist():
            times = None if np.isnan(ratios[i]) else float(ratios[i])
            told = [line(texts.get(layer.ids[i]), same)] if texts else []
            rows.append((copy.name, layer.ids[i], float(errors[i]), times, *told))
    return Table(
        "prompts",
        ("copy", "id", "error", "times_floor", *(["prompt"] if texts else [])),
        tuple(rows),
        caption="Prompts that changed most",
        text="By their relative error. Another measure may name other prompts.",
        unsure=dict.fromkeys(("error", "times_floor"), "of one prompt"),
    )


def drawings(judged: Sequence[Copy]) -> Iterator[Lines | Forest]:
    """The copies beside numeric noise: over the layers, or at the one that there is."""
    if len(judged[0].layers) > 1:
        yield _drawing(judged)
    elif any(copy.times[0] is not None for copy in judged):
        yield Forest(
            name="floors",
            title="Times numeric noise",
            heading="Error of each copy, in times numeric noise",
            alt="A dot for each copy with its interval; at 1 it is numeric noise. Also a table.",
            note=f"At {layer_text(judged[0].layers[0])}. A copy changed where its whole interval lies beyond numeric "
            "noise; intervals hold together with 95 %.",
            across="times numeric noise",
            labels=tuple(copy.name for copy in judged),
            values=tuple(copy.times[0] for copy in judged),
            low=tuple(None if copy.low[0] is None else max(0.0, copy.low[0]) for copy in judged),
            high=tuple(copy.high[0] for copy in judged),
            marks={"numeric noise": 1.0},
        )


def _drawing(judged: Sequence[Copy]) -> Lines:
    layers = judged[0].layers
    return Lines(
        name="floors",
        title="Times numeric noise",
        heading="Error of each copy, in times numeric noise, by layer",
        alt="A line for each copy over the layers, with its interval; at 1 it is numeric noise. Also a table.",
        note=f"Layers from {layer_text(layers[0])} to {layer_text(layers[-1])}; bands hold together with 95 %.",
        across="layer, counted from the first",
        up="times numeric noise",
        lines=tuple(
            Line(label=c.name, x=tuple(map(float, range(len(layers)))), y=c.times, low=c.low, high=c.high)
            for c in judged
        ),
    )


def limits(
    base: str, reruns: Sequence[str], judged: Sequence[Copy], found: Sequence[Layer], apart: Sequence[str]
) -> Iterator[str]:
    """What holds only so far; ``apart`` are the layers that were left out."""
    n = len(found[0].ids)
    yield (
        f"Numeric noise is {' and '.join(reruns)} against {base}, the larger in each layer, on {n:,} prompts."
        if len(reruns) > 1
        else f"Numeric noise is {reruns[0]} against {base}, on {n:,} prompts."
    )
    if (largest := max(layer.floor.value for layer in found)) > STRANGE:
        yield (
            f"Numeric noise is {cell_text(largest)} of the length of {base}, as between two models: check that it "
            "comes from a second run of the same model."
        )
    if not any(layer.floor.value for layer in found):
        yield (
            f"Nothing differs between {base} and {' and '.join(reruns)}, so any difference counts as changed: check "
            "that they come from a second run, and are not the same file."
        )
    far = [c.name for c in judged if (c.centred[c.place] or 0.0) > APART]
    for name in (*(name for name in reruns if max(layer.centred[name] or 0.0 for layer in found) > APART), *far):
        yield (
            f"{name} is farther from {base} than the rows of {base} are from their mean: this is another model, "
            "or its rows are in another order or on another scale."
        )
    yield "Intervals hold together for all layers and copies with 95 %, for new prompts like these."
    if max(layer.run for layer in found) > 1:
        yield f"{IN_STRETCHES}{IN_FILES}, or groups: COLUMN in a data set."
    if n < FEW:
        yield (
            f"With fewer than {FEW} prompts, some of which err far more than others, up to 6 % of re-runs are called "
            "changed."
        )
    if any(c.first is not None for c in judged):
        yield "Changed says that rows moved, not that the model is worse: look at its outputs or its task."
    if all(c.first is None for c in judged):
        yield "Within noise holds for these prompts, tokens and layers alone."
    if massive := max(layer.massive for layer in found):
        yield (
            f"{massive} massive features, at most, were left out of a layer: in a mean of tokens they hide all others."
        )
    if apart:
        yield f"Left out: {counted(len(apart), 'layer')} of {base}, for some model has none of that name."


def values(judged: Sequence[Copy], ranks: Ranks | None) -> Iterator[tuple[str, Any]]:
    """Numbers by name, as programs read them."""
    yield "moved", any(c.first is not None for c in judged)
    for c in judged:
        yield f"{c.name}.moved", c.first is not None
        yield f"{c.name}.times_floor", c.times[c.place]
        yield f"{c.name}.low", c.low[c.place]
        yield f"{c.name}.high", c.high[c.place]
        yield f"{c.name}.first_layer", None if c.first is None or c.layers == (FILES,) else c.layers[c.first]
        yield f"{c.name}.error", c.error[c.place]
    if ranks is not None:
        yield "nearest", ranks.nearest[0]
        yield "nearest_told_apart", not ranks.nearest[1]
    else:
        yield from dict.fromkeys(NEAREST).items()


def reasons(judged: Sequence[Copy], ranks: Ranks | None) -> Iterator[tuple[str, str]]:
    """Why a number is not there, by name."""
    if ranks is None:
        yield from dict.fromkeys(NEAREST, ALONE).items()
    for c in judged:
        if c.times[c.place] is None:
            for part in ("times_floor", "low", "high"):
                yield f"{c.name}.{part}", "the re-runs are equal to the base, so there is no noise to divide by"
        if c.layers == (FILES,):
            yield f"{c.name}.first_layer", "the files hold one layer"
        elif c.first is None:
            yield f"{c.name}.first_layer", "it moved in no layer"
