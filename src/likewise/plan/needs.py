"""What tasks take of a machine, as far as the plan knows it: an executor finds places by it."""

from collections.abc import Iterable
from dataclasses import dataclass

from likewise.measures import Configuration, footprint, of_a_pair
from likewise.models import ModelSpec
from likewise.plan.tasks import Extract, Resolve, Task, Tile, by_product
from likewise.scoring import Trust

BYTES_PER_WEIGHT = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0, "int8": 1.0, "int4": 0.5}
"""By the precision that a model runs in."""


@dataclass(frozen=True)
class Needs:
    """What a task takes of a machine.

    Parameters
    ----------
    cores : int or None
        None for all that there are: the task is done alone. 0 for one that only waits, such as for the network.
    nbytes : int or None
        Bytes of memory; None where the plan cannot know.
    gpus : int or None
        None for all that there are.
    """

    cores: int | None = 1
    nbytes: int | None = None
    gpus: int | None = 0

    @property
    def alone(self) -> bool:
        """Whether the task wants a machine for itself."""
        return self.cores is None


def needs_of(task: Task, device: str, n_items: int | None = None, width: int | None = None) -> Needs:
    """Return what a task takes on a device, given the rows and columns of the representations that it compares.

    Examples
    --------
    >>> needs_of(Resolve("model", "gpt2", "main"), "cpu")
    Needs(cores=0, nbytes=None, gpus=0)
    """
    if isinstance(task, Resolve):
        return Needs(cores=0)
    if isinstance(task, Extract):
        first = task.wanted[0]
        return Needs(None, model_bytes(first.model, first.dtype), {"cpu": 0, "cuda": 1}.get(device))
    # Whatever the device is, one GPU at most compares a tile.
    gpus = 0 if device == "cpu" else 1
    if isinstance(task, Tile):
        each = side_bytes(task.configurations, task.trust, task.left_out, n_items, width, task.together)
        besides = of_a_pair(task.configurations, n_items, width or n_items) if n_items else 0
        return Needs(1, None if each is None else each * len(task.representations) + besides, gpus)
    # Representations are reduced one after the other.
    return Needs(1, footprint(task.configurations, n_items, width or n_items) if n_items else None, gpus)


def side_bytes(
    chosen: Iterable[Configuration],
    trust: Trust,
    left_out: tuple[str, ...],
    n_items: int | None,
    width: int | None,
    together: str = "",
) -> int | None:
    """Bytes that a tile takes for each of its representations.

    Where a width is not known, the rows count as wide as they are many.
    """
    if not n_items:
        return None
    if by_product(chosen, trust, together) and not left_out:
        return 3 * 8 * n_items * (n_items + 1) // 2  # a vector as loaded, stacked, and as a file
    return footprint(chosen, n_items, width or n_items)


def model_bytes(spec: ModelSpec, dtype: str) -> int | None:
    """Bytes of a model's weights in memory, where its files are on this machine and say how many there are."""
    return spec.nbytes(BYTES_PER_WEIGHT[dtype])
