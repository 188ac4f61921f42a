"""Which way a model's prompts may be run: tried on a few of them, and not read off the model's name."""

import inspect
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float

from likewise.errors import ModelError
from likewise.extraction.beginnings import LEAST, WORTH, worth
from likewise.extraction.forward import Answers, answers, beginnings_of, out_of_memory, read, too_large
from likewise.extraction.state import State, kept
from likewise.extraction.ways import Batch, Side, Way, alike
from likewise.models.decoder import is_causal, turning_length
from likewise.models.layers import LOGITS, Reader
from likewise.models.loading import LoadedModel
from likewise.pooling import tokens_to_generate
from likewise.prompts.tokens import Tokens

TOLERANCES = {"float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2, "int8": 5e-2, "int4": 5e-2}
"""Largest change of a row, relative to its length, that rounding in each precision explains."""

ONCE = TOLERANCES | {"float32": 1e-5}
"""The same for rows whose first tokens were run once for several prompts: it need not be done, so little is allowed."""

FEW, MORE = 3, 8
"""Prompts of a batch on which every model is tried, and one whose rows depend on others."""

LOOKED = 32
"""Tokens of a prompt whose states are looked at beside its rows. A model may choose what a token sees by the length of
the batch, as sparse attention does: then a few last tokens may be right by chance. `FEW` where logits are wanted: those
of so many tokens would take more memory than the model's states."""

STEPS = 4
"""Tokens that a model adds to a prompt while it is tried, at most."""


Thing = TypeVar("Thing")


def way_of(
    loaded: LoadedModel,
    tokens: Tokens,
    layers: Sequence[str],
    pooling: str,
    *,
    batch_tokens: int,
    padding_side: Side = "right",
    packing: bool = True,
) -> Way:
    """Try how prompts may be run, on the shortest and longest of them and on some that would share a batch.

    Parameters
    ----------
    loaded : LoadedModel
        The model.
    tokens : Tokens
        All prompts: what a model does with longer ones than these does not matter.
    layers : sequence of str
        Names of layers, as `resolve_layers` returns them.
    pooling : str
        As `canonical_pooling` writes it.
    batch_tokens : int
        Tokens of a batch, padding included.
    padding_side : {"right", "left"}
        The side to try first.
    packing : bool
        Whether prompts may stand in one row.

    Returns
    -------
    Way
        The first of these that leaves the rows as they are of a prompt alone in a fresh model: any lengths together,
        padded on one side or the other; equal lengths together; one prompt at a time. Where a prompt alone has other
        rows once others have run, equal lengths or one prompt, each with the model's state put back; where the model
        changes itself at all, in one thread. Where prompts begin alike, and a causal model's rows stay as they are when
        what is before is taken from its keys and values, within `ONCE`: what prompts begin with in common once.

    Raises
    ------
    ModelError
        If the rows of a prompt alone depend on what ran before even so.

    Notes
    -----
    Cost: the shortest prompt twice, the longest once or twice, and three of a batch alone and together; where prompts
    begin alike, the same for one to three groups of them. What is compared is what would be kept, the pooled rows, and
    the states of some tokens of each prompt; of added tokens, the scores from which each is chosen.
    """
    lengths = tokens.lengths_of_rows
    there = [i for i, length in enumerate(lengths) if length]
    if not there:
        return Way(side=padding_side)
    with kept(loaded.whole) as state, Reader(loaded.model, layers, loaded.head_model) as reader:
        try:
            reader.learn()
            state.restore()
            tried = _Trial(loaded, reader, state, tokens, pooling)
            found = _found(tried, lengths, batch_tokens, padding_side)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            raise too_large(tokens, max(there, key=lambda i: lengths[i])) from error
        found = replace(found, threads=not (tried.changed or found.restored))
        return _once(tried, found, lengths, batch_tokens, packing)


def _once(tried: "_Trial", way: Way, lengths: Sequence[int], budget: int, packing: bool) -> Way:
    """The way in which what prompts begin with in common is run once, where that is worth it and the model bears it."""
    loaded, prompts = tried.loaded, tried.tokens.prompts
    turn = turning_length(loaded.model, tried.pooling)
    # Beyond its turn a model has other positions for the same tokens; what a model adds is not read so.
    if not way.threads or tokens_to_generate(tried.pooling) or (turn is not None and max(lengths) > turn):
        return way
    # Of prompts that are mostly short, too little could be shared: they need not be looked through.
    if sum(length for length in lengths if length > LEAST) < WORTH * sum(lengths):
        return way
    accepted = set(inspect.signature(tried.reader.runs.forward).parameters)
    if not {"past_key_values", "use_cache"} <= accepted or not worth(alike(prompts, lengths), lengths):
        return way
    # On a CPU, copies of keys and values take longer than attention across prompts does.
    packing = packing and tried.on_processor and way.together == "any" and "position_ids" in accepted
    for packed in (True, False) if packing else (False,):
        once = replace(way, shared=True, packed=packed)
        try:
            # A token of the beginning must not see what comes after, however little the rows below show of it.
            borne = is_causal(loaded.model) and all(
                tried.same(members, once, batch) for members, batch in _beginning_alike(tried, once, lengths, budget)
            )
        except Exception:  # code of the model, which may know no such cache and then raises what it likes
            borne = False
        if borne and not tried.changed:
            return once
    return way


def _beginning_alike(
    tried: "_Trial", way: Way, lengths: Sequence[int], budget: int
) -> Iterator[tuple[list[int], Batch]]:
    """Batches of the groups that tell most, and the last members of each, whose rows are looked at.

    Where prompts stand in one row, the row that is tried is as long as the longest of all, and the longest prompt is
    tried: a model may look at so many tokens before each alone, or count them in the row.
    """
    prompts = tried.tokens.prompts

    def one(members: Sequence[int], shared: int, of: tuple[int, int] | None = None) -> tuple[list[int], Batch]:
        return list(members), Batch(tuple(members), shared, of)

    found = [group for group in alike(prompts, lengths) if group.shared]
    most = max(found, key=lambda group: group.saved)
    members = sorted(most.members, key=lambda i: (-lengths[i], i))
    # Those that were run alone before need not be again, where the longest is among them.
    known = [i for i in members if tried.is_known(i)]
    tried_on = _some(known if len(known) >= FEW and known[0] == members[0] else members, FEW)
    planned = way.plan(prompts, lengths, budget)
    beside: list[int] = []
    if way.packed:
        rows = (b.shared + sum(lengths[i] - b.shared for i in b.members) for b in planned if b.shared)
        room = max(rows) - most.shared - sum(lengths[i] - most.shared for i in tried_on)
        for i in itertools.cycle(members):
            if room <= 0:
                break
            beside.append(i)
            room -= lengths[i] - most.shared
    yield tried_on, Batch((*beside, *tried_on), most.shared)
    if any(batch.of for batch in planned):  # which take the first tokens of what others share
        yield one(tried_on[-1:], most.shared // 2, (tried_on[-1], most.shared))
    longest = max((i for batch in planned if batch.shared for i in batch.members), key=lambda i: lengths[i])
    if way.packed and longest not in tried_on:
        batch = next(batch for batch in planned if longest in batch.members)
        yield one([longest], batch.shared, batch.of)
    deepest = max(found, key=lambda group: group.shared)
    if deepest.shared > most.shared:
        yield one(_some(sorted(deepest.members, key=lambda i: (-lengths[i], i)), 2), deepest.shared)
    # Several short beginnings in one batch.
    for batch in planned:
        fronts: dict[tuple[int, ...], list[int]] = {}
        for i in batch.members:
            fronts.setdefault(tuple(prompts[i][: batch.shared]), []).append(i)
        if batch.shared and len(fronts) > 1:
            yield one([i for members in list(fronts.values())[:2] for i in members[:2]], batch.shared)
            return


def _found(tried: "_Trial", lengths: Sequence[int], budget: int, side: Side) -> Way:
    there = [i for i, length in enumerate(lengths) if length]
    shortest, longest = min(there, key=lambda i: lengths[i]), max(there, key=lambda i: lengths[i])
    turn = turning_length(tried.loaded.model, tried.pooling)
    way = Way(side=side)
    tried.alone(shortest)
    tried.alone(longest)
    steady = tried.same([shortest], way)
    telling: list[list[int]] = []
    fits = True
    while budget:
        several = _several(way.batches(lengths, budget, turn), lengths)
        widest = max(several, key=lambda batch: lengths[batch[0]] - lengths[batch[-1]], default=[])
        # A model that changes itself may do so at a length that only the batch of the longest has on both sides.
        longest_there = several[:1] if tried.changed else []
        telling = [widest, *longest_there] if widest and widest not in longest_there else longest_there
        try:
            fits = all(tried.same(_some(batch, FEW), way) for batch in telling)
            break
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            budget //= 2
    if steady and not (fits and any(longest == batch[0] for batch in telling)):
        steady = tried.same([longest], way)
    if steady and fits:
        return way
    # A model that is not like others is tried on more. Of one whose rows change with what ran before, batches of other
    # lengths are too many to try: they have to be equal.
    other = Way(side="left" if side == "right" else "right")
    if steady and all(tried.same(_some(batch, MORE), other) for batch in telling):
        return other
    equal = Way("equal", side, restored=not steady)
    several = _several(equal.batches(lengths, budget), lengths)
    found = (
        equal
        if all(tried.same(batch[:2], equal) for batch in _some(several, FEW))
        else replace(equal, together="alone")
    )
    if not steady and not all(tried.same([number], found) for number in (shortest, longest)):
        raise ModelError(
            f"the rows of {type(tried.loaded.model).__name__} depend on what ran before, and its state "
            "cannot be reset: no row would come from its prompt alone"
        )
    return found


def _several(batches: Iterable[Sequence[int]], lengths: Sequence[int]) -> list[list[int]]:
    """The batches in which several prompts are run, of each its prompts that are, the longest first."""
    return [run for batch in batches if len(run := [i for i in batch if lengths[i]]) > 1]


def _some(things: Sequence[Thing], count: int) -> list[Thing]:
    """So many of several things, evenly from the first to the last."""
    last = len(things) - 1
    return [things[place] for place in sorted({round(last * i / (count - 1)) for i in range(count)})] if things else []


class _WithSome:
    """The rows of each prompt, as `Tokens` has them, and after them so many of its tokens, each as a row."""

    def __init__(self, tokens: Tokens, count: int) -> None:
        self._tokens, self._count = tokens, count

    def __getitem__(self, number: int) -> list[Sequence[int]]:
        length = len(self._tokens.prompts[number])
        own: Sequence[Sequence[int]] = self._tokens.rows[number] if self._tokens.rows else [range(length)]
        return [*own, *([place] for place in _some(range(length), self._count))]


@dataclass
class _Trial:
    """Runs prompts, and remembers what each gives alone and whether the model ever changed itself."""

    loaded: LoadedModel
    reader: Reader
    state: State
    tokens: Tokens
    pooling: str

    def __post_init__(self) -> None:
        self.beginnings = beginnings_of(self.loaded, self.reader, self.tokens, self.pooling)
        rows: Any = _WithSome(self.tokens, FEW if LOGITS in self.reader.wanted else LOOKED)
        self._with_some = replace(self.tokens, rows=rows)
        self.changed = False
        self._alone: dict[int, tuple[Answers | None, Mapping[str, np.ndarray]]] = {}

    @property
    def on_processor(self) -> bool:
        """Whether the model runs there."""
        return str(next(self.loaded.model.parameters()).device.type) == "cpu"

    def is_known(self, number: int) -> bool:
        """Whether a prompt was run alone."""
        return number in self._alone

    def _count(self, number: int) -> int:
        """The rows of a prompt that would be kept; after them stand those of some of its tokens."""
        return len(self.tokens.rows[number]) if self.tokens.rows else 1

    def alone(self, number: int) -> tuple[Answers | None, Mapping[str, np.ndarray]]:
        """What a prompt gives alone, in the model as it was loaded."""
        if number not in self._alone:
            self._alone[number] = self._run([number], Way("alone", restored=True))
        return self._alone[number]

    def same(self, members: Sequence[int], way: Way, batch: Batch | None = None) -> bool:
        """Whether prompts, the last ones of a batch that is run this way or all of it, give what they give alone."""
        alone = [self.alone(number) for number in members]
        told, rows = self._run(members if batch is None else batch.members, way, batch)
        tolerance = (TOLERANCES if batch is None else ONCE)[self.loaded.dtype]
        if told is not None and not all(
            self._same_scores(told.scores[place], own.scores[0], tolerance)
            for place, (own, _) in enumerate(alone)
            if own is not None
        ):
            return False
        counts = [None if batch is None else self._count(number) for number in members]
        expected = {
            layer: np.concatenate([own[layer][:count] for (_, own), count in zip(alone, counts, strict=True)])
            for layer in rows
        }
        rows = {layer: of[-len(expected[layer]) :] for layer, of in rows.items()}
        # States that are not finite are refused with their prompt when they are kept; nothing can be told by them.
        fine = {layer: np.isfinite(of).all(axis=1) for layer, of in expected.items()}
        return all(
            not fine[layer].any() or relative(rows[layer][fine[layer]], expected[layer][fine[layer]]) <= tolerance
            for layer in rows
        )

    def _same_scores(self, scores: np.ndarray, own: np.ndarray, tolerance: float) -> bool:
        for step in range(min(len(scores), len(own))):
            if not np.isfinite(own[step]).all():
                return True
            if not relative(scores[step : step + 1], own[step : step + 1]) <= tolerance:
                return False
            if scores[step].argmax() != own[step].argmax():
                return True  # two nearly as likely: what follows is another text
        return True

    def _run(
        self, batch: Sequence[int], way: Way, after: Batch | None = None
    ) -> tuple[Answers | None, Mapping[str, np.ndarray]]:
        told = None
        before = self.state if way.restored else None
        added: list[list[int]] | None = None
        if count := tokens_to_generate(self.pooling):
            told = answers(self.loaded, self.tokens, batch, min(count, STEPS), before=before, scores=True)
            _check_likeliest(self.loaded, told)
            # Of one text, so that rows tell what reading does.
            added = [
                (self._alone[i][0] or told).added[0] if i in self._alone else told.added[n] for n, i in enumerate(batch)
            ]
            self.changed |= self.state.changed()
        begun = after.begun(self.beginnings, self.tokens.prompts) if after else None
        tokens = self.tokens if after else self._with_some
        rows = read(self.loaded, self.reader, tokens, batch, self.pooling, way, added=added, before=before, begun=begun)
        self.changed |= self.state.changed()
        return told, rows


def _check_likeliest(loaded: LoadedModel, told: Answers) -> None:
    """Refuse a model whose own way of going on is another than to take the likeliest token."""
    for added, scores in zip(told.added, told.scores, strict=True):
        for token, of_step in zip(added, scores, strict=True):
            if of_step[token] < of_step.max():
                raise ModelError(
                    f"{type(loaded.head_model).__name__} does not go on with the likeliest token, whatever it is told: "
                    "its answers would not be comparable; choose another pooling"
                )


def relative(rows: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "n d"]) -> float:
    """The largest change of a row, relative to the length of what it should be."""
    a, b = rows.astype(np.float64), reference.astype(np.float64)
    with np.errstate(invalid="ignore"):  # what is not finite differs from everything
        change, length = np.linalg.norm(a - b, axis=1), np.linalg.norm(b, axis=1)
    # A row of zeros has no length to compare with: any change of it is beyond all bounds.
    shares = np.divide(change, length, out=np.where(change > 0, np.inf, 0.0), where=length > 0)
    return float(shares.max())
