"""Chance by shuffles of the rows, for every measure."""

from likewise.chance.reference import Reference
from likewise.measures import Configuration


class ShuffledRows(Reference):
    """Every pair is scored again after each shuffle of its rows."""

    name = "shuffles"
    summary = "of the rows, for every measure"
    beside = "shuffled inputs"

    def shuffles(self, permutations: int) -> int:
        """Return all that the user allows."""
        return permutations

    def settles(self, configuration: Configuration, n: int | None = None, *, independent: bool = True) -> bool:
        """Nothing is known without shuffles."""
        return False

    def planned(self, permutations: int) -> str:
        """Say how many."""
        return f"chance from {permutations} shuffles"

    @classmethod
    def source(cls, draws: str) -> str:
        """Say how many there were."""
        return f"{draws} shuffles of the prompts"

    @classmethod
    def short(cls, draws: int) -> str:
        """Say how many there were."""
        return f"{draws} shuffles"
