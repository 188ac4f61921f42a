"""From a model and prompts to one matrix per layer, resumed where an earlier attempt was stopped."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from time import monotonic
from typing import TYPE_CHECKING, Protocol

import numpy as np
from jaxtyping import Bool, Float, Int

from likewise.errors import InputError
from likewise.extraction.forward import answers, beginnings_of, out_of_memory, read, too_large
from likewise.extraction.probe import way_of
from likewise.extraction.state import State, kept
from likewise.extraction.ways import Batch, Side, Way
from likewise.fields import TRUNCATION
from likewise.models.decoder import context_length, embedding_rows, turning_length
from likewise.models.layers import Reader
from likewise.models.loading import LoadedModel
from likewise.pooling import tokens_to_generate
from likewise.progress import Watch, unwatched
from likewise.prompts.texts import Prompts
from likewise.prompts.tokens import Tokens, Truncation, check_known, tokenize

if TYPE_CHECKING:
    from likewise.extraction.cache import Begun

BATCH_TOKENS = {"cpu": 512, "cuda": 16_384, "auto": 16_384}
"""Tokens of a batch, padding included, by device: little enough for a processor's caches, enough for a GPU."""

SECONDS_BETWEEN_PARTS = 10.0
"""At most about this much work is lost when a process is killed."""

MOST_THREADS = 16
"""Batches at once on a processor: Python itself holds back more."""


class Rows(Protocol):
    """Where the rows of a layer go."""

    done: Bool[np.ndarray, " n"]
    """Which rows are there."""

    def write(self, places: Int[np.ndarray, " m"], rows: Float[np.ndarray, "m d"]) -> None:
        """Put rows in their places."""

    def flush(self) -> None:
        """Make sure that what was written is found again."""

    @property
    def matrix(self) -> Float[np.ndarray, "n d"]:
        """All rows."""


class InMemory:
    """Rows that nobody takes up again."""

    def __init__(self, n: int) -> None:
        self.done = np.zeros(n, dtype=bool)
        self.matrix = np.empty((n, 0), dtype=np.float32)

    def write(self, places: Int[np.ndarray, " m"], rows: Float[np.ndarray, "m d"]) -> None:
        """Put rows in their places."""
        if not self.matrix.size:
            self.matrix = np.empty((len(self.done), rows.shape[1]), dtype=np.float32)
        self.matrix[places] = rows
        self.done[places] = True

    def flush(self) -> None:
        """Do nothing."""


def extract(
    loaded: LoadedModel,
    prompts: Prompts | Tokens,
    layers: Sequence[str],
    pooling: str,
    *,
    batch_tokens: int = BATCH_TOKENS["cpu"],
    padding_side: Side = "right",
    way: Way | None = None,
    truncation: Truncation = TRUNCATION,
    threads: int | None = None,
    of_each: int | None = None,
    into: Callable[[str, int], Rows] = lambda layer, n: InMemory(n),
    watch: Watch = unwatched,
) -> Mapping[str, Float[np.ndarray, "n d"]]:
    """Run all prompts through a model and pool each layer asked for into one row a prompt, or a span.

    Parameters
    ----------
    loaded : LoadedModel
        The model, in inference mode.
    prompts : Prompts or Tokens
        Texts, or what `tokens_of` made of them.
    layers : sequence of str
        Names of layers, as `resolve_layers` returns them.
    pooling : str
        How tokens become a row, as `canonical_pooling` writes it.
    batch_tokens : int
        Tokens of a batch, padding included. A row depends on it by rounding only. Where memory runs out, it is halved.
    padding_side : {"right", "left"}
        Where the padding stands, where the model bears it.
    way : Way, optional
        How prompts are run together, instead of as `way_of` finds that the model bears it.
    truncation : {"error", "left", "right"}
        What becomes of prompts that are longer than the model takes.
    threads : int, optional
        Batches at once on a processor; by default as many as it has cores, `MOST_THREADS` at most.
    of_each : int, optional
        Threads of the processor that run one batch, by default its cores over the batches at once. Sums over several
        threads are rounded otherwise. Where it is given, so many batches run at once that each has its threads.
    into : callable
        Gives the place for the rows of a layer, of which there will be so many; it may hold some already.
    watch : callable
        Is told ``("extracting", done, total)``, in tokens.

    Returns
    -------
    mapping of layer to array, shape (n, d), float32
        In the order of the prompts.

    Raises
    ------
    InputError
        If a prompt is empty or too long, a layer does not exist, or a state is not finite.
    MemoryError
        If there is not memory enough for one prompt.

    Notes
    -----
    Memory: the model, the states of one batch for each thread, and what ``into`` keeps; where what prompts begin with
    in common is run once, also the keys and values of two beginnings, or of batches of short ones, and their states
    where the pooling uses them. Batches depend on the prompts and ``batch_tokens`` alone, and a batch is run by as many
    threads of the processor whatever ``threads`` is, so an extraction that was resumed equals one that was not, to the
    last bit.
    """
    tokens = prompts if isinstance(prompts, Tokens) else tokens_of(loaded, prompts, pooling, truncation)
    n = len(tokens.ids)
    places = {layer: into(layer, n) for layer in dict.fromkeys(layers)}
    filled = np.logical_and.reduce([rows.done for rows in places.values()])
    total = sum(tokens.lengths_of_rows)
    if filled.all():
        watch("extracting", total, total)
        return {layer: rows.matrix for layer, rows in places.items()}
    chosen = way or way_of(loaded, tokens, list(places), pooling, batch_tokens=batch_tokens, padding_side=padding_side)
    starts, lengths = tokens.starts, tokens.lengths_of_rows
    there = [bool(filled[starts[i] : starts[i + 1]].all()) for i in range(len(lengths))]
    # Whole batches of all prompts, so that rows do not depend on what an earlier attempt left.
    every = chosen.plan(tokens.prompts, lengths, batch_tokens, turning_length(loaded.model, pooling))
    todo = [batch for batch in every if not all(there[i] for i in batch.members)]
    done = total - sum(lengths[i] for batch in todo for i in batch.members)
    watch("extracting", done, total)
    saved_at = monotonic()

    def flush() -> None:
        for rows in places.values():
            rows.flush()

    try:
        with kept(loaded.whole) as state, Reader(loaded.model, list(places), loaded.head_model) as reader:
            reader.learn()
            state.restore()
            for batch, found in run_all(loaded, reader, tokens, todo, pooling, chosen, state, threads, of_each):
                where = np.concatenate([np.arange(starts[i], starts[i + 1]) for i in batch.members])
                for layer, rows in found.items():
                    check_finite(rows, layer, [tokens.ids[i] for i in where])
                    places[layer].write(where, rows)
                if monotonic() - saved_at > SECONDS_BETWEEN_PARTS:
                    flush()
                    saved_at = monotonic()
                done += sum(lengths[i] for i in batch.members)
                watch("extracting", done, total)
    finally:
        flush()
    return {layer: rows.matrix for layer, rows in places.items()}


def tokens_of(loaded: LoadedModel, prompts: Prompts, pooling: str, truncation: Truncation = TRUNCATION) -> Tokens:
    """Turn prompts into a model's tokens, with room for what it is to add."""
    added = tokens_to_generate(pooling)
    if added and prompts.spans is not None:
        raise InputError(
            f"{pooling} uses tokens that the model adds, but {prompts.name} has spans of the prompts; choose one"
        )
    lengths = (loaded.longest, context_length(loaded.model, loaded.tokenizer))
    longest = min((length for length in lengths if length is not None), default=None)
    read = prompts.lowercased() if loaded.lowercase else prompts
    found = tokenize(loaded.tokenizer, read, longest, truncation, added)
    check_known(found, loaded.tokenizer, embedding_rows(loaded.model))
    return found


def run_all(
    loaded: LoadedModel,
    reader: Reader,
    tokens: Tokens,
    todo: Sequence[Batch],
    pooling: str,
    way: Way,
    state: State,
    threads: int | None,
    of_each: int | None = None,
) -> Iterator[tuple[Batch, dict[str, np.ndarray]]]:
    """Yield batches as they are done, with their rows by layer; a batch that memory does not hold is halved."""
    import torch

    on_processor = next(loaded.model.parameters()).device.type == "cpu"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    most = min(cores, MOST_THREADS) if of_each is None else max(1, cores // of_each)
    at_once = (threads or most) if on_processor and way.threads else 1

    beginnings = beginnings_of(loaded, reader, tokens, pooling) if way.shared else None

    def work(batch: Batch, begun: "Begun | None") -> dict[str, np.ndarray]:
        before = state if way.restored else None
        count = tokens_to_generate(pooling)
        added = answers(loaded, tokens, batch.members, count, before=before).added if count else None
        return read(loaded, reader, tokens, batch.members, pooling, way, added=added, before=before, begun=begun)

    def submitted(batch: Batch) -> Future[dict[str, np.ndarray]]:
        """The batch at work, after its beginning was run: here, where all cores are at hand."""
        try:
            begun = batch.begun(beginnings, tokens.prompts) if beginnings and batch.shared else None
        except (MemoryError, RuntimeError) as error:
            failed = Future[dict[str, np.ndarray]]()
            failed.set_exception(error)
            return failed
        return pool.submit(work, batch, begun)

    before = torch.get_num_threads()
    waiting, running = deque(todo), dict[Future[dict[str, np.ndarray]], Batch]()
    # Several batches at once, each by few threads: nothing is waited for between operations.
    own = (of_each or cores // most) if on_processor else before
    pool = ThreadPoolExecutor(at_once, initializer=torch.set_num_threads, initargs=(own,))
    try:
        torch.set_num_threads(of_each or before)
        while waiting or running:
            # One more than run, so that the next is at hand.
            while waiting and len(running) <= at_once:
                batch = waiting.popleft()
                running[submitted(batch)] = batch
            done = wait(running, return_when=FIRST_COMPLETED).done
            for future in [f for f in running if f in done]:  # in their order, so that the first error is told
                batch = running.pop(future)
                try:
                    yield batch, future.result()
                except (MemoryError, RuntimeError) as error:
                    if not out_of_memory(error):
                        raise
                    if len(batch.members) == 1 and not batch.shared:
                        raise too_large(tokens, batch.members[0]) from error
                    if beginnings:
                        beginnings.forget()
                    if torch.cuda.is_available():
                        torch.cuda.empty_cache()
                    # What was too much once is too much again: the batches after it are as large, in tokens.
                    fewer = len(batch.members) // 2 * tokens.lengths[batch.members[0]]
                    if not fewer:  # nor keys and values beside the prompt
                        batch = Batch(batch.members)
                    pieces = (b.pieces(fewer // tokens.lengths[b.members[0]]) for b in (batch, *waiting))
                    waiting = deque(piece for of_one in pieces for piece in of_one)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(before)


def check_finite(rows: Float[np.ndarray, "m d"], layer: str, ids: Sequence[str]) -> None:
    """Refuse states that are not finite, with the first prompt that has one."""
    if not (fine := np.isfinite(rows).all(axis=1)).all():
        raise InputError(
            f"layer {layer} of {ids[int(np.argmin(fine))]!r} holds values that are not finite ({int((~fine).sum())} of "
            f"{len(ids)} rows of one batch do); float16 overflows where bfloat16 and float32 do not"
        )
