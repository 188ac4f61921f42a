"""Which copies of a model moved beyond numeric noise, from which layer on, and on which prompts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from likewise.arrays import to_numpy
from likewise.chance import agreed
from likewise.errors import InputError
from likewise.inference import (
    Estimates,
    Floors,
    LeftOut,
    all_differences,
    letters,
    noise_floor,
    rank_sets,
)  # fmt: skip
from likewise.inference.leftout import mean_with_ends
from likewise.measures import REGISTRY, Configuration, contributions
from likewise.naming import cell_text, parse_call, with_ends
from likewise.representation import Representation, check_all_same_items
from likewise.scoring import interval
from likewise.studies.answer import Answer, Table
from likewise.studies.base import Study
from likewise.studies.conditions import Cell
from likewise.studies.drawings import Forest, Line, Lines
from likewise.studies.items import beginning, line
from likewise.studies.names import ENDS, Names

Layers = Mapping[str, Representation]
"""Rows of one model by layer, in the order of depth; each may be read from disk when it is asked for."""

LEVEL = 0.05
"""Of all intervals of an answer together."""

PART = 0.8
"""Share of the floor that is left without any one prompt or group, above which ratios to it say how much they vary."""

MASSIVE = 20.0
"""A feature so many times as large as the median one is massive: in a mean over tokens it hides all others."""

FEW = 100
"""Prompts below which an interval may be too narrow, where few of them decide."""

STRANGE = 0.5
"""Relative error of a re-run from which it looks like another model."""

FILES = "rows"
"""What the one layer of rows from files is called."""

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

SINGLE = ("last_token", "first_token")
"""Poolings that take one token as it is, in which no feature is left out."""


@dataclass(frozen=True)
class Audit(Study):
    """Sets the errors of copies beside those of the base that was run again.

    Parameters
    ----------
    base : str
        The name of the base.
    floor : tuple of str
        Names of its re-runs: in another precision, in other batches or threads.
    count : int
        Prompts that are shown of each copy that moved.
    seed : int
        Of the draws behind the intervals.
    outputs : tuple of str
        Measures of layers whose rows are log-probabilities, each a mean over prompts; those that there are.
    """

    name: ClassVar[str] = "audit"
    question: ClassVar[str] = "Did the copies change inside, beyond numeric noise?"
    needs = "rows"

    base: str = "base"
    floor: tuple[str, ...] = ("base run again",)
    count: int = 5
    seed: int = 0
    outputs: tuple[str, ...] = ("kl_divergence", "equal_top")

    def names(self, copies: Sequence[str], outputs: bool = True) -> Names:
        """Return the names of its values for these copies, where outputs are among the layers or not."""
        labels = [Configuration.parse(name).label for name in self.outputs if parse_call(name)[0] in REGISTRY]
        of_outputs = [f"{copy}.{label}" for copy in copies for label in labels]
        values = ["moved", *(f"{copy}.{part}" for copy in copies for part in PARTS)]
        tables = {"copies": COPIES, "layers": LAYERS, "prompts": ("error", "times_floor")}
        absent: dict[str, str] = {}
        if outputs:
            values += of_outputs
            tables["outputs"] = OF_OUTPUTS
        else:
            absent |= dict.fromkeys((*of_outputs, "outputs.*"), "outputs were not asked for; add the layer logits")
        if len(copies) > 1:
            values += NEAREST
            tables["copies"] += OF_RANKS
        else:
            ranked = (f"copies.{head}.{end}" for head in OF_RANKS for end in ENDS)
            absent |= dict.fromkeys((*NEAREST, *ranked), ALONE)
        return Names(tuple(values), tables, absent)

    def answer(self, given: Mapping[str, Layers], texts: Mapping[str, str | None] | None = None) -> Answer:
        r"""Return which copies moved, by how many times the floor, from which layer on, and which is nearest.

        For prompt i in one layer, :math:`e_i = |y_i - x_i| / |x_i|` is the relative error of a copy, and
        :math:`f_i^r` that of re-run r. The floor is the largest re-run, and a copy is

        .. math:: \frac{\bar e}{\max_r \bar f^r}

        times the floor. It moved in a layer where the interval of this ratio, which holds for all layers and copies
        together with 95 %, lies above 1.

        Parameters
        ----------
        given : mapping of str to mapping of str to Representation
            The rows of each model by layer: the base, its re-runs, and the copies, which are all others.
        texts : mapping of str to str, optional
            Texts of the prompts by id.

        Raises
        ------
        InputError
            If there is no copy or no re-run, models share no layer, or their rows have other inputs or widths.

        Examples
        --------
        >>> from likewise.representation import Representation
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(50, 8))
        >>> def noisy(sd):
        ...     return {"rows": Representation(x + sd * rng.normal(size=x.shape))}
        >>> models = {"base": noisy(0), "base run again": noisy(0.01), "same": noisy(0.001), "8 bits": noisy(0.1)}
        >>> answer = Audit().answer(models)
        >>> [answer.values[f"{name}.moved"] for name in ("same", "8 bits")]
        [False, True]
        """
        copies = [name for name in given if name not in (self.base, *self.floor)]
        for kind, names in (("base", [self.base]), ("re-run", self.floor)):
            if missing := [name for name in names if name not in given]:
                raise InputError(f"an audit without the rows of its {kind} {missing[0]!r}")
        if not copies or not self.floor:
            raise InputError("an audit of no copies, or without a re-run; expected one or more of both")
        layers = [layer for layer in given[self.base] if all(layer in of for of in given.values())]
        if not layers:
            raise InputError(f"no layer of {self.base} is in all copies and re-runs; expected copies of one model")
        said = [layer for layer in layers if given[self.base][layer].kind == "log_probabilities"]
        layers = [layer for layer in layers if layer not in said]
        if not layers:
            raise InputError("rows of log-probabilities alone; expected a layer of hidden states")
        found = [_at(layer, given, self) for layer in layers]
        outputs = [row for layer in said for row in self._outputs(layer, given, copies)]
        floors = {name: self._floors(found, name, len(copies)) for name in copies}
        judged = [_judged(name, found, floors[name]) for name in copies]
        ranks = _ranks(found[-1], copies, self.seed)
        apart = [layer for layer in given[self.base] if layer not in (*layers, *said)]
        return Answer(
            self.question,
            " ".join(_verdict(judged, self.base, ranks)),
            f"Of {self.base} and {len(copies):,} {'copy' if len(copies) == 1 else 'copies'}, on {len(found[0].ids):,} "
            "prompts. The relative error of a copy is the length of its difference from the base, beside the length of "
            "the base, as a mean over prompts. Numeric noise is the same error of the base that was run again. Copies "
            "that share a letter are not told apart.",
            tables=(*_tables(judged, ranks, self.count, found, texts or {}), *_of_outputs(outputs)),
            drawings=tuple(_drawn(judged)),
            limits=tuple(_limits(self, judged, found, apart)),
            values={**dict(_values(judged, ranks)), **{f"{row[0]}.{row[2]}": row[3] for row in outputs}},
            reasons={**dict(_reasons(judged)), **(dict.fromkeys(NEAREST, ALONE) if ranks is None else {})},
        )

    def _outputs(self, layer: str, given: Mapping[str, Layers], copies: Sequence[str]) -> Iterator[tuple[Cell, ...]]:
        """What a copy did to the outputs, by each measure: its mean with an interval, and that of the worst re-run."""
        base = given[self.base][layer]
        groups = _groups(base) or None
        for name in (name for name in self.outputs if parse_call(name)[0] in REGISTRY):
            measure = Configuration.parse(name)

            def mean(model: str, measure: Configuration = measure) -> LeftOut:
                return LeftOut.of_mean(to_numpy(contributions(measure, base, given[model][layer])), groups)

            floor = min((mean(rerun).value for rerun in self.floor), key=lambda value: measure.facts.more_alike * value)
            for copy in copies:
                found = mean(copy)
                ends = interval(
                    np.asarray([found.value]), found.values[:, None], measure.facts.bounds, found.sizes
                )  # within the range of the measure
                low, high = (float(end[0]) for end in ends)
                if measure.measure == "equal_top":  # all right, or all wrong, of a few prompts says little
                    _, *told = mean_with_ends(to_numpy(contributions(measure, base, given[copy][layer])), groups or ())
                    low, high = (end if end is not None else own for end, own in zip(told, (low, high), strict=True))
                yield copy, layer, measure.label, found.value, low, high, floor

    def _floors(self, found: Sequence["_Layer"], name: str, copies: int) -> Floors | None:
        """The ratios of a copy to the floor in the layers that have one, tested together; None where there is none."""
        ratios = [ratio for layer in found if (ratio := layer.ratio(name)) is not None]
        if not ratios:
            return None
        one = [LeftOut(1.0, np.ones_like(ratio.values), ratio.sizes) for ratio in ratios]
        return noise_floor(ratios, [one], coverage=1 - LEVEL / copies, seed=self.seed)


@dataclass(frozen=True, eq=False)
class _Layer:
    """The errors in one layer: of each model for each prompt, and over all where the columns are centred."""

    layer: str
    ids: Sequence[str]
    groups: Sequence[str] | None
    errors: Mapping[str, Float[np.ndarray, " n"]]
    centred: Mapping[str, float | None]
    reruns: tuple[str, ...]
    massive: int

    def score(self, name: str) -> LeftOut:
        """The mean error of a model."""
        return LeftOut.of_mean(self.errors[name], self.groups)

    @property
    def floor(self) -> LeftOut:
        """The largest mean error of a re-run, also without each part."""
        runs = [self.score(name) for name in self.reruns]
        values = np.max([run.values for run in runs], axis=0)
        return LeftOut(max(run.value for run in runs), values, runs[0].sizes)

    def ratio(self, name: str) -> LeftOut | None:
        """How many times the floor a copy is; None where the re-runs are equal to the base.

        Where one prompt or group makes much of the floor, the ratio without it says nothing: what varies is then the
        difference of both, in units of the floor.
        """
        floor, own = self.floor, self.score(name)
        if floor.value <= 0:
            return None
        if floor.values.min() > PART * floor.value:
            values = own.values / floor.values
        else:
            values = 1 + (own.values - floor.values) / floor.value
        return LeftOut(own.value / floor.value, values, own.sizes)

    def of_prompts(self, name: str) -> Float[np.ndarray, " n"]:
        """How many times the largest re-run of each prompt; NaN where that is 0."""
        largest = np.max([self.errors[rerun] for rerun in self.reruns], axis=0)
        return np.asarray(np.divide(self.errors[name], largest, out=np.full(len(largest), np.nan), where=largest > 0))


def _groups(of: Representation) -> Sequence[str]:
    return of.groups or of.source.groups


def _at(layer: str, given: Mapping[str, Layers], of: Audit) -> _Layer:
    rows = {name: models[layer] for name, models in given.items()}
    base = rows[of.base]
    check_all_same_items(list(rows.values()))
    agreed((name, _groups(r)) for name, r in rows.items())
    for name, other in rows.items():
        if other.is_table or other.n_features != base.n_features:
            what = "is a table of inputs" if other.is_table else f"has {other.n_features:,} features"
            raise InputError(
                f"{name} {what} at {_said(layer)}, and {of.base} has {base.n_features:,} features; expected copies of "
                "one model, which have the same ones"
            )
    x = to_numpy(base.matrix).astype(np.float64)
    kept = _not_massive(x) if _averages(base) else np.ones(x.shape[1], dtype=bool)
    x = x[:, kept]
    lengths, centred = np.linalg.norm(x, axis=1), x - x.mean(axis=0)
    if not lengths.all():
        which = base.ids[int(np.argmin(lengths))]
        raise InputError(f"{of.base} at {_said(layer)}: the row of {which!r} is zero, so it has no relative error")
    errors, over_all = {}, {}
    for name, other in rows.items():
        if name != of.base:
            away = to_numpy(other.matrix).astype(np.float64)[:, kept] - x
            errors[name] = np.linalg.norm(away, axis=1) / lengths
            spread = np.linalg.norm(centred)
            over_all[name] = float(np.linalg.norm(away - away.mean(axis=0)) / spread) if spread else None
    groups = _groups(base) or None
    ids = next((r.ids for r in rows.values() if r.has_ids), base.ids)
    return _Layer(layer, ids, groups, errors, over_all, of.floor, int((~kept).sum()))


def _averages(rows: Representation) -> bool:
    pooling = rows.source.pooling
    return pooling is not None and parse_call(pooling)[0] not in SINGLE


def _not_massive(x: Float[np.ndarray, "n d"]) -> Any:
    size = np.sqrt((x**2).mean(axis=0))
    return size <= MASSIVE * np.median(size) if np.median(size) > 0 else np.ones(x.shape[1], dtype=bool)


@dataclass(frozen=True, eq=False)
class _Copy:
    """What is said of a copy: for each layer its error, the floor, the ratio with its interval, and whether it moved.

    Where re-runs are equal to the base there is no ratio; any error has then moved.
    """

    name: str
    layers: tuple[str, ...]
    error: tuple[float, ...]
    centred: tuple[float | None, ...]
    floor: tuple[float, ...]
    times: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    moved: tuple[bool, ...]
    median: tuple[float | None, ...]

    @property
    def first(self) -> int | None:
        """The place of the first layer that moved."""
        return self.moved.index(True) if any(self.moved) else None

    @property
    def place(self) -> int:
        """The layer that the verdict is about: the last one; where it moved in others alone, the farthest of these."""
        if self.moved[-1] or not any(self.moved):
            return len(self.moved) - 1
        places = [i for i, moved in enumerate(self.moved) if moved]
        return max(places, key=lambda i: np.inf if (times := self.times[i]) is None else times)

    @property
    def equal(self) -> bool:
        """Whether it is the base to the last bit."""
        return not any(self.error)


def _judged(name: str, found: Sequence[_Layer], floors: Floors | None) -> _Copy:
    ratios = [layer.ratio(name) for layer in found]
    low: list[float | None] = []
    high: list[float | None] = []
    moved, place = [], 0
    for layer, ratio in zip(found, ratios, strict=True):
        if ratio is None or floors is None:
            low.append(None)
            high.append(None)
            moved.append(bool(layer.errors[name].any()))
        else:
            low.append(1 + float(floors.low[place]))
            high.append(1 + float(floors.high[place]))
            moved.append(bool(floors.moved[place]))
            place += 1
    medians = [layer.of_prompts(name) for layer in found]
    return _Copy(
        name,
        tuple(layer.layer for layer in found),
        tuple(layer.score(name).value for layer in found),
        tuple(layer.centred[name] for layer in found),
        tuple(layer.floor.value for layer in found),
        tuple(None if ratio is None else ratio.value for ratio in ratios),
        tuple(low),
        tuple(high),
        tuple(moved),
        tuple(None if np.isnan(each).any() else float(np.median(each)) for each in medians),
    )


@dataclass(frozen=True, eq=False)
class _Ranks:
    """Ranks of copies by their error in the last layer, with the ranks that each may have, and letters."""

    rank: Mapping[str, tuple[int, int, int]]
    letters: Mapping[str, str]

    @property
    def nearest(self) -> tuple[str, list[str]]:
        """The nearest copy, and those that are not told apart from it."""
        first = min(self.rank, key=lambda name: self.rank[name][0])
        shared = [n for n in self.rank if n != first and not set(self._of(n)).isdisjoint(self._of(first))]
        return first, shared

    def _of(self, name: str) -> list[str]:
        """Its letters; after 52 of them each has a number."""
        found: list[str] = []
        for character in self.letters[name]:
            if character.isdigit():
                found[-1] += character
            else:
                found.append(character)
        return found


def _ranks(last: _Layer, copies: Sequence[str], seed: int) -> _Ranks | None:
    if len(copies) < 2:
        return None
    estimates = Estimates.of([last.score(name) for name in copies])
    sets = rank_sets(estimates, more_alike=-1, seed=seed)
    apart = all_differences(estimates, seed=seed).told_apart()
    given = letters(apart, np.argsort(estimates.value, kind="stable").tolist())
    numbers = zip(sets.rank.tolist(), sets.low.tolist(), sets.high.tolist(), strict=True)
    return _Ranks(dict(zip(copies, numbers, strict=True)), dict(zip(copies, given, strict=True)))


def _said(layer: str) -> str:
    """A layer in words."""
    known = {"last": "the last layer", "embedding": "the embedding", FILES: "the rows"}
    return known.get(layer, f"block {layer}" if layer.isdecimal() else layer)


def _times(copy: _Copy, place: int) -> str:
    """How many times the floor, with the interval."""
    times, low, high = copy.times[place], copy.low[place], copy.high[place]
    if not copy.error[place]:
        return "equal to the base"
    if times is None or low is None or high is None:
        return "different, while the re-runs are equal to the base"
    # The verdict is about the floor itself.
    told, *ends = with_ends(times, max(0.0, low), high, apart=[1.0])
    return f"{told} times ({ends[0]} to {ends[1]}) numeric noise"


def _verdict(judged: Sequence[_Copy], base: str, ranks: _Ranks | None) -> Iterator[str]:
    for copy in judged:
        at = f" at {_said(copy.layers[copy.place])}" if len(copy.layers) > 1 else ""
        if copy.first is not None:
            since = all(copy.moved[copy.first :])
            first = _said(copy.layers[copy.first])
            from_where = (f", from {first} on" if since else f", first at {first}") if len(copy.layers) > 1 else ""
            yield f"Changed: {copy.name} is {_times(copy, copy.place)}{at}{from_where}."
        elif copy.equal:
            yield f"Within noise: {copy.name} is equal to {base}."
        else:
            nowhere = ", and moved at no layer" if len(copy.layers) > 1 else ""
            yield f"Within noise: {copy.name} is {_times(copy, copy.place)}{at}{nowhere}."
    if ranks is not None:
        first, shared = ranks.nearest
        at = f" at {_said(judged[0].layers[-1])}" if len(judged[0].layers) > 1 else ""
        more = f"not told apart from {', '.join(shared)}" if shared else "and that is more than luck"
        yield f"Nearest to {base}{at}: {first}, {more}."


def _tables(
    judged: Sequence[_Copy],
    ranks: _Ranks | None,
    count: int,
    found: Sequence[_Layer],
    texts: Mapping[str, str | None],
) -> Iterator[Table]:
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


def _of_outputs(rows: Sequence[tuple[Cell, ...]]) -> Iterator[Table]:
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


def _prompts(changed: Iterable[_Copy], count: int, found: Sequence[_Layer], texts: Mapping[str, str | None]) -> Table:
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


def _drawn(judged: Sequence[_Copy]) -> Iterator[Lines | Forest]:
    """The copies beside numeric noise: over the layers, or at the one that there is."""
    if len(judged[0].layers) > 1:
        yield _drawing(judged)
    elif any(copy.times[0] is not None for copy in judged):
        yield Forest(
            name="floors",
            title="Times numeric noise",
            heading="Error of each copy, in times numeric noise",
            alt="A dot for each copy with its interval; at 1 it is numeric noise. Also a table.",
            note=f"At {_said(judged[0].layers[0])}. A copy changed where its whole interval lies beyond numeric noise; "
            "intervals hold together with 95 %.",
            across="times numeric noise",
            labels=tuple(copy.name for copy in judged),
            values=tuple(copy.times[0] for copy in judged),
            low=tuple(None if copy.low[0] is None else max(0.0, copy.low[0]) for copy in judged),
            high=tuple(copy.high[0] for copy in judged),
            marks={"numeric noise": 1.0},
        )


def _drawing(judged: Sequence[_Copy]) -> Lines:
    layers = judged[0].layers
    return Lines(
        name="floors",
        title="Times numeric noise",
        heading="Error of each copy, in times numeric noise, by layer",
        alt="A line for each copy over the layers, with its interval; at 1 it is numeric noise. Also a table.",
        note=f"Layers from {_said(layers[0])} to {_said(layers[-1])}; bands hold together with 95 %.",
        across="layer, counted from the first",
        up="times numeric noise",
        lines=tuple(
            Line(label=c.name, x=tuple(map(float, range(len(layers)))), y=c.times, low=c.low, high=c.high)
            for c in judged
        ),
    )


def _limits(of: Audit, judged: Sequence[_Copy], found: Sequence[_Layer], apart: Sequence[str]) -> Iterator[str]:
    n = len(found[0].ids)
    yield (
        f"Numeric noise is {' and '.join(of.floor)} against {of.base}, the larger in each layer, on {n:,} prompts."
        if len(of.floor) > 1
        else f"Numeric noise is {of.floor[0]} against {of.base}, on {n:,} prompts."
    )
    if (largest := max(layer.floor.value for layer in found)) > STRANGE:
        yield (
            f"Numeric noise is {cell_text(largest)} of the length of {of.base}, as between two models: check that it "
            "comes from a second run of the same model."
        )
    yield "Intervals hold together for all layers and copies with 95 %, for new prompts like these."
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
        yield f"{len(apart):,} layers of {of.base} were left out, for some model has none of that name."


def _values(judged: Sequence[_Copy], ranks: _Ranks | None) -> Iterator[tuple[str, Any]]:
    yield "moved", any(c.first is not None for c in judged)
    for c in judged:
        yield f"{c.name}.moved", c.first is not None
        yield f"{c.name}.times_floor", c.times[c.place]
        yield f"{c.name}.low", c.low[c.place]
        yield f"{c.name}.high", c.high[c.place]
        yield f"{c.name}.first_layer", None if c.first is None else c.layers[c.first]
        yield f"{c.name}.error", c.error[c.place]
    if ranks is not None:
        yield "nearest", ranks.nearest[0]
        yield "nearest_told_apart", not ranks.nearest[1]
    else:
        yield from dict.fromkeys(NEAREST).items()


def _reasons(judged: Sequence[_Copy]) -> Iterator[tuple[str, str]]:
    for c in judged:
        if c.times[c.place] is None:
            for part in ("times_floor", "low", "high"):
                yield f"{c.name}.{part}", "the re-runs are equal to the base, so there is no noise to divide by"
        if c.first is None:
            yield f"{c.name}.first_layer", "it moved in no layer"
