"""A share of the tasks of an experiment, for machines that know nothing of each other but the store."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from likewise.errors import InputError
from likewise.plan import Extract, Resolve, Task, load_of

SLURM = "slurm"
"""Stands for the shard of a task of a SLURM array."""


@dataclass(frozen=True)
class Shard:
    """One of several shards: tasks fall to them by their keys, and extractions by their model, which is loaded once.

    Parameters
    ----------
    number : int
        Which one. Shard 0 is also the last one, so that arrays may count from 0 or from 1.
    count : int
        How many there are.
    """

    number: int
    count: int

    @classmethod
    def of(cls, text: str, environment: Mapping[str, str] = os.environ) -> "Shard":
        """Read ``3/16``, or ``slurm`` by the environment of a task of a SLURM array.

        Raises
        ------
        InputError
            If it is none.

        Examples
        --------
        >>> Shard.of("3/16")
        Shard(number=3, count=16)
        >>> Shard.of("slurm", {"SLURM_ARRAY_TASK_ID": "20", "SLURM_ARRAY_TASK_COUNT": "2",
        ...                    "SLURM_ARRAY_TASK_MIN": "10", "SLURM_ARRAY_TASK_STEP": "10"})
        Shard(number=1, count=2)
        """
        if text == SLURM:
            return cls._of_slurm(environment)
        found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text, re.ASCII)
        if not found or not int(found[1]) <= int(found[2]) or not int(found[2]):
            raise InputError(f"shard {text!r}: expected NUMBER/COUNT such as 3/16, or {SLURM}")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def _of_slurm(cls, environment: Mapping[str, str]) -> "Shard":
        defaults = {"ID": None, "COUNT": None, "MIN": "0", "STEP": "1"}
        told = {word: environment.get(f"SLURM_ARRAY_TASK_{word}", default) for word, default in defaults.items()}
        for word, value in told.items():
            if value is None or not re.fullmatch("[0-9]{1,9}", value, re.ASCII):
                said = "is not set" if value is None else f"is {value!r}"
                raise InputError(
                    f"SLURM_ARRAY_TASK_{word} {said}; --shard {SLURM} works in a SLURM array (sbatch --array=0-15)"
                )
        number, count, least, step = (int(value) for value in told.values() if value is not None)
        place = (number - least) / max(1, step)
        if not place.is_integer() or not 0 <= place < count:
            raise InputError(
                f"task {number} is no regular one of {count}; expected an array such as --array=0-15, without gaps"
            )
        return cls(int(place), count)

    def takes(self, task: Task) -> bool:
        """Whether a task falls to this shard; a pin, which is a short question to the hub, falls to each.

        Examples
        --------
        >>> task = Resolve("model", "gpt2", "main")
        >>> Shard(0, 2).takes(task) and Shard(1, 2).takes(task)
        True
        """
        if isinstance(task, Resolve):
            return True
        key = load_of(task) if isinstance(task, Extract) else task.key
        return int(key[:16], 16) % self.count == self.number % self.count
