"""Where a score stands among those of a model with its own copies of growing damage."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from likewise.chance import holm
from likewise.errors import InputError
from likewise.inference import LeftOut, difference, left_out
from likewise.inference.leftout import ROUNDING
from likewise.naming import depth_of, name_of, parse_call, parts_of
from likewise.scoring import Comparison, Results
from likewise.studies.answer import Answer, Table
from likewise.studies.base import Study
from likewise.studies.conditions import Cell
from likewise.studies.drawings import Line, Lines
from likewise.studies.names import Names

LEVEL = 0.05
"""Of the tests that say whether rungs are out of order."""

RUNGS = (
    *(f"noise(sd={sd:g})" for sd in (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)),
    *(f"prune(fraction={share:g})" for share in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)),
    *(f"quantize(bits={bits})" for bits in (8, 7, 6, 5, 4, 3, 2)),
)
"""The copies of a ladder, where none are named."""


@dataclass(frozen=True)
class _Kind:
    """A kind of damage: the parameter of it, whether more of that is more damage (1) or less (-1), and its words."""

    parameter: str
    sign: int
    number: Callable[[float], str]
    span: str
    whole: str
    nothing: float | None
    """The amount that leaves the base as it is; None where there is no such number."""


KINDS: Mapping[str, _Kind] = {
    "noise": _Kind("sd", 1, "{:g}".format, "sd {}", "noise of {}", 0.0),
    "prune": _Kind("fraction", 1, lambda share: f"{100 * share:.4g}", "{} %", "{} pruned", 0.0),
    "quantize": _Kind("bits", -1, "{:g}".format, "{} bits", "{}", None),
}
"""By the name of the variant."""


@dataclass(frozen=True)
class Rung:
    """One copy: its model, the kind of its damage, and how much of it."""

    model: str
    kind: str
    amount: float

    @classmethod
    def of(cls, model: str, call: str) -> "Rung":
        """Return the rung of a changed copy, such as ``prune(fraction=0.3)``.

        Examples
        --------
        >>> Rung.of("copy", "prune(fraction=0.3)").words, Rung.of("copy", "quantize(bits=4)").words
        ('30 % pruned', '4 bits')
        """
        name, parameters = parse_call(call)
        if name not in KINDS or not isinstance(parameters.get(KINDS[name].parameter), int | float):
            known = ", ".join(f"{kind}({of.parameter}=...)" for kind, of in KINDS.items())
            raise InputError(f"a rung {call!r}; expected one of {known}")
        of = KINDS[name]
        amount = float(parameters[of.parameter])
        more = {k: v for k, v in parameters.items() if k not in (of.parameter, "seed")}
        kind = f"{name}({', '.join(f'{k}={v}' for k, v in more.items())})" if more else name
        return cls(model, kind, amount)

    @property
    def damage(self) -> _Kind:
        """The kind of its damage."""
        return KINDS[self.kind.partition("(")[0]]

    @property
    def words(self) -> str:
        """How much damage, in words."""
        return self.damage.whole.format(self.damage.span.format(self.damage.number(self.amount)))


ENDS = ("from", "to", "low", "high")
"""Between which rungs something stands, and between which for sure."""

PLACED = ("what", "layer", "score", "low", "high", "damage", "between", "with 95 %", "note")
RUNGS_TABLE = ("damage", "amount", "in words", "layer", "score", "low", "high", "note")
"""Heads of the tables."""


@dataclass(frozen=True)
class Score:
    """A score that is given, with its interval where that is known."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        ends = [end for end in (self.low, self.value, self.high) if end is not None]
        if not np.isfinite(ends).all():
            raise InputError(f"a score of {', '.join(map(str, ends))}; expected finite numbers")
        ordered = all(one <= other + ROUNDING * abs(other) for one, other in itertools.pairwise(ends))
        if not ordered or (self.low is None) != (self.high is None):
            raise InputError(
                f"a score {self.value} with the interval {self.low} to {self.high}; expected the interval around it"
            )


@dataclass(frozen=True)
class _Place:
    """Between which two rungs something stands, and the rungs that it stands between for sure; -1 is the base itself.

    ``worse`` and ``last`` are None where there is no rung that is more damaged.
    """

    better: int
    worse: int | None
    first: int
    last: int | None


@dataclass(frozen=True)
class Ladder(Study):
    """Places scores with a base between those of its damaged copies.

    Parameters
    ----------
    base : str
        What results call the model.
    rungs : tuple of Rung
        Its copies.
    copies : tuple of str
        Models of the same results that are placed.
    scores : tuple of Score
        Scores that are placed, of the same measure, layer and inputs.
    """

    name: ClassVar[str] = "ladder"
    question: ClassVar[str] = "How much damage does a score stand for?"

    base: str = ""
    rungs: tuple[Rung, ...] = ()
    copies: tuple[str, ...] = ()
    scores: tuple[Score, ...] = ()

    @property
    def wanted(self) -> dict[str, Any]:
        """The pairs that it needs: the base with all others, at the same layer."""
        return {"base": self.base, "same_layer": True}

    def names(self, more: bool = False) -> Names:
        """Return the names of its values; ``more`` where scores of a store are placed too, which are not known yet."""
        kinds = list(dict.fromkeys(rung.kind for rung in self.rungs))
        things = [*self.copies, *(score.name for score in self.scores), *(["*"] if more else [])]
        ends = [f"{kind}.{end}" for kind in kinds for end in ENDS]
        values = ["ordered", *(f"{name}.{at}{end}" for name in things for at in ("", "layer.*.") for end in ends)]
        tables: dict[str, tuple[str, ...]] = {"rungs": RUNGS_TABLE}
        absent: dict[str, str] = {}
        if things:
            tables["placed"] = PLACED
        else:
            absent = dict.fromkeys((*ends, "placed.*"), "nothing is placed; give a copy, a score, or an experiment")
        if len(things) == 1:
            values += ends
        elif things:
            absent = dict.fromkeys(ends, f"several are placed; say which one, as {things[0]}.{ends[0]}")
        return Names(tuple(values), tables, absent)

    def answer(self, given: Results) -> Answer | None:
        """Return the ladder, and the place of what is placed on it.

        A copy is set beside each rung by a paired test on the same inputs; a score that is given, by its interval and
        that of the rung. From the base down the rungs that are more alike for sure are counted, and from the other end
        those that are less alike, until the first that is not: a fixed order, in which no test needs a correction.

        Examples
        --------
        >>> import likewise
        >>> rng = np.random.default_rng(0)
        >>> base, noise = rng.normal(size=(2, 60, 4))
        >>> rows = {"base": base} | {f"sd {s}": base + s * noise for s in (0.1, 0.2, 0.4, 0.8)}
        >>> rungs = tuple(Rung.of(f"sd {s}", f"noise(sd={s})") for s in (0.1, 0.2, 0.4, 0.8))
        >>> study = Ladder("base", rungs, scores=(Score("mine", 0.9),))
        >>> study.answer(likewise.compare(rows, ["cka(debiased=True)"], pairs=study.wanted)).verdict
        'mine (0.9) is as alike as a copy with noise of sd 0.2 to 0.4 (sd 0.2 to 0.8 with 95 %).'
        """
        if not self.rungs:
            return None
        read = _Read(self, given)
        if self.scores and len(read.layers) > 1:
            raise InputError(f"scores are placed on one layer; got {len(read.layers)}: {', '.join(read.layers)}")
        unordered = {(layer, kind): read.unordered(layer, kind) for layer in read.layers for kind in read.kinds}
        placed: list[tuple[Cell, ...]] = []
        told: list[str] = []
        values: dict[str, Cell] = {}
        reasons: dict[str, str] = {}
        alone = len(self.copies) + len(self.scores) == 1 and len(read.layers) == 1
        things = [(name, None) for name in self.copies] + [(score.name, score) for score in self.scores]
        for name, score in things:
            for layer in read.layers:
                said = []
                own = read.score(name, layer) if score is None else score
                for kind, rungs in read.kinds.items():
                    prefix = f"{name}.{kind}" if layer == read.layers[-1] else f"{name}.layer.{layer}.{kind}"
                    why = unordered[layer, kind] or ("" if isinstance(own, Score) else own)
                    place = None
                    if not why:
                        place, why = read.place(name, own, score is None, layer, rungs)
                    ends: tuple[float | None, ...] = (None,) * 4
                    if place is not None:
                        ends = tuple(
                            _amount(rungs, getattr(place, end)) for end in ("better", "worse", "first", "last")
                        )
                    for end, amount in zip(ENDS, ends, strict=True):
                        for full in (f"{prefix}.{end}", *([f"{kind}.{end}"] if alone else [])):
                            values[full] = amount
                            if amount is None:
                                reasons[full] = why or "that is beyond the ladder"
                    number = (own.value, own.low, own.high) if isinstance(own, Score) else (None, None, None)
                    words = wide = None
                    if place is not None:
                        words, wide = _span(rungs, place.better, place.worse), _span(rungs, place.first, place.last)
                        more = "" if wide == words else f" ({wide} with 95 %)"
                        said.append(rungs[0].damage.whole.format(words) + more)
                    placed.append((name, layer, *number, kind, words, wide, why or None))
                at = "" if len(read.layers) == 1 else f" at layer {layer}"
                value = f" ({_shown(own)})" if isinstance(own, Score) else ""
                if said:
                    told.append(f"{name}{value} is as alike{at} as a copy with {'; or '.join(said)}.")
                else:
                    told.append(f"{name}{value} has no place on the ladder{at}: {placed[-1][-1]}.")
        wrong = [f"{why[0].upper()}{why[1:]}." for why in unordered.values() if why]
        tables = [_rungs_table(read)]
        if placed:
            tables.insert(0, Table("placed", PLACED, tuple(placed), "On the ladder", spare=("note", "low", "high")))
        limits = [*wrong, *self._limits()]
        values["ordered"] = not wrong
        return Answer(
            self.question,
            " ".join(told) or _ladder_told(read, wrong),
            f"Scores are {read.label} with {self.base}, on the same inputs, at the same layer.",
            tables=tuple(tables),
            drawings=tuple(_drawings(read)),
            limits=tuple(limits),
            values=values,
            reasons=reasons,
        )

    def _limits(self) -> Iterator[str]:
        yield "As alike as a damaged copy does not mean damaged: another model can be as far away in another direction."
        yield "A place holds for this model, these inputs, this measure and this layer."
        if any(score.low is None for score in self.scores):
            yield "A score without an interval is taken as exact: only the rungs are uncertain."


class _Read:
    """The scores of a table by model and layer."""

    def __init__(self, study: Ladder, given: Results) -> None:
        self.study, self.given = study, given
        self.all: list[Comparison] = list(given)
        if not self.all:
            raise InputError("a ladder of no scores; expected those of the base with its copies")
        if len({row.dataset for row in self.all}) > 1:
            raise InputError("a ladder on several data sets; expected one")
        asked = self.all[0].measure, self.all[0].parameters
        configuration = given.configurations[asked]
        self.label, self.facts = configuration.label, configuration.facts
        self.rows: dict[tuple[str, str], int] = {}
        for place, row in enumerate(self.all):
            if (row.measure, row.parameters) != asked:
                continue
            (a, _, layer), (b, _, other) = parts_of(row.a), parts_of(row.b)
            if layer != other or study.base not in (a, b):
                continue
            if a == study.base:  # where the order counts, the base stands first
                self.rows[b, layer] = place
            else:
                self.rows.setdefault((a, layer), place)
        self.layers = sorted({layer for _, layer in self.rows}, key=depth_of)
        if not self.layers:
            raise InputError(f"no score is of {study.base}; expected those of it with its copies")
        self.kinds: dict[str, list[Rung]] = {}
        for rung in study.rungs:
            self.kinds.setdefault(rung.kind, []).append(rung)
        for rungs in self.kinds.values():
            rungs.sort(key=lambda rung: rung.damage.sign * rung.amount)

    def score(self, model: str, layer: str) -> Score | str:
        """The score of a model with the base; else why there is none."""
        place = self.rows.get((model, layer))
        if place is None:
            return f"there is no score of {name_of(model, layer)}"
        row = self.all[place]
        if row.value is None:
            return row.reason
        return Score(model, row.value, row.low, row.high)

    def pair(self, a: str, b: str, layer: str) -> tuple[LeftOut, LeftOut] | None:
        """Two scores with the base without the same inputs in turn; None where these are not kept."""
        try:
            first, second = left_out(self.given, [self.rows[a, layer], self.rows[b, layer]])
        except (InputError, KeyError):
            return None
        return first, second

    def unordered(self, layer: str, kind: str) -> str:
        """Which rung is more alike than one of less damage, beyond what the inputs explain; nothing where none is."""
        rungs, alike = self.kinds[kind], self.facts.more_alike
        found: list[tuple[Rung, Rung, float]] = []
        for i, less in enumerate(rungs):
            for more in rungs[i + 1 :]:
                if (both := self.pair(less.model, more.model, layer)) is not None:
                    of = difference(*both)
                    found.append((less, more, of.pvalue if alike * of.value < 0 else 1.0))
        if not found:
            return ""
        corrected = holm(np.asarray([p for *_, p in found]))
        k = int(np.argmin(corrected))
        if corrected[k] > LEVEL:
            return ""
        less, more, _ = found[k]
        return f"rungs are out of order: {more.words} is more alike than {less.words} (corrected p {corrected[k]:.2g})"

    def place(
        self, name: str, own: Score | str, paired: bool, layer: str, rungs: Sequence[Rung]
    ) -> tuple[_Place | None, str]:
        """Where a score stands among rungs of one kind, or why it has no place."""
        assert isinstance(own, Score)
        alike = self.facts.more_alike
        signs: list[tuple[int, int]] = []  # whether a rung is more alike (1) or less (-1): as it is, and for sure
        for rung in rungs:
            theirs = self.score(rung.model, layer)
            if isinstance(theirs, str):
                return None, f"{rung.words}: {theirs}"
            gap = alike * (theirs.value - own.value)
            apart = False  # without intervals nothing is sure
            if paired:
                if (both := self.pair(rung.model, name, layer)) is not None:
                    of = difference(*both)
                    apart = max(alike * of.low, alike * of.high) < 0 or min(alike * of.low, alike * of.high) > 0
            elif theirs.low is not None and theirs.high is not None:
                mine = [own.value if end is None else end for end in (own.low, own.high)]
                apart = theirs.low > mine[1] or theirs.high < mine[0]
            sign = int(np.sign(gap))
            signs.append((sign, sign if apart else 0))
        better, first = (_leading([s[k] for s in signs], 1, at_least=k == 0) for k in (0, 1))
        worse, last = (_leading([s[k] for s in signs][::-1], -1, at_least=k == 0) for k in (0, 1))
        count = len(rungs)
        # A rung that is exactly as alike is both the last that is not less alike and the first that is not more alike.
        far = [count - found if found else None for found in (worse, last)]
        return _Place(better - 1, far[0], first - 1, far[1]), ""


def _leading(signs: Sequence[int], sign: int, *, at_least: bool) -> int:
    """How many signs from the beginning on are this one; or this one or nothing."""
    count = 0
    for found in signs:
        if not (found == sign or (at_least and found == 0)):
            break
        count += 1
    return count


def _amount(rungs: Sequence[Rung], k: int | None) -> float | None:
    """How much damage a rung has; the base has none."""
    if k is None:
        return None
    return rungs[0].damage.nothing if k < 0 else rungs[k].amount


def _span(rungs: Sequence[Rung], better: int, worse: int | None) -> str:
    """Between two rungs, in words: ``30 to 40 %``."""
    of = rungs[0].damage
    if worse is not None and better > worse:  # rungs that are exactly as alike
        better, worse = worse, better
    near, far = (of.number(rungs[k].amount) if k is not None and k >= 0 else None for k in (better, worse))
    few = of.sign < 0
    if far is None and near is None:
        return f"any {of.parameter}"
    if far is None:
        if better == len(rungs) - 1:
            return f"{'fewer' if few else 'more'} than {of.span.format(near)}"
        return f"{of.span.format(near)} or {'fewer' if few else 'more'}"
    if near is None:
        return f"{of.span.format(far)} or more" if few else of.span.format(f"0 to {far}")
    return of.span.format(near if near == far else f"{near} to {far}")


def _shown(score: Score) -> str:
    if score.low is None or score.high is None:
        return f"{score.value:.3g}"
    return f"{score.value:.3g}, {score.low:.3g} to {score.high:.3g}"


def _ladder_told(read: _Read, wrong: Sequence[str]) -> str:
    if wrong:
        return " ".join(wrong)
    layer = read.layers[-1]
    parts = []
    for rungs in read.kinds.values():
        known = [(r, s) for r in rungs if isinstance(s := read.score(r.model, layer), Score)]
        if known:
            (first, a), (last, b) = known[0], known[-1]
            parts.append(f"from {_shown(a)} at {first.words} to {_shown(b)} at {last.words}")
    return f"{read.label} with {read.study.base} goes {'; '.join(parts) or 'nowhere: no rung has a score'}."


def _rungs_table(read: _Read) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for layer in read.layers:
        for kind, rungs in read.kinds.items():
            for rung in rungs:
                own = read.score(rung.model, layer)
                known = (own.value, own.low, own.high, None) if isinstance(own, Score) else (None, None, None, own)
                rows.append((kind, rung.amount, rung.words, layer, *known))
    return Table(
        "rungs",
        RUNGS_TABLE,
        tuple(rows),
        "The ladder",
        spare=("note", "in words", "low", "high"),
        unsure={"amount": ""},
    )


def _drawings(read: _Read) -> Iterator[Lines]:
    for kind, rungs in read.kinds.items():
        lines = []
        for layer in read.layers:
            known = [(r.amount, s) for r in rungs if isinstance(s := read.score(r.model, layer), Score)]
            if known:
                x, scores = zip(*sorted(known, key=lambda pair: pair[0]), strict=True)
                ends = ([s.value for s in scores], [s.low for s in scores], [s.high for s in scores])
                y, low, high = map(tuple, ends)
                lines.append(Line(label=f"layer {layer}", x=x, y=y, low=low, high=high))
        if lines:
            parameter = rungs[0].damage.parameter
            yield Lines(
                name=f"ladder-{kind.partition('(')[0]}",
                title=f"Copies with {kind}",
                heading=f"{read.label} with {read.study.base}  ·  {kind}",
                alt=f"Score of copies with the base, against {parameter}, with bands; also a table.",
                note="Bands: 95 % intervals, for other inputs of this kind.",
                across=parameter,
                up=read.label,
                lines=tuple(lines),
            )
