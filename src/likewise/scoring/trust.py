"""What is asked for besides a score: its chance level and its interval."""

from dataclasses import dataclass
from typing import Any

from likewise.chance import Asked, Reference, reference_of
from likewise.errors import InputError
from likewise.fields import CHANCE, GROUPS, MOST_DRAWN, MOST_SEED, PERMUTATIONS, SEED, whole, wrong_numbers


@dataclass(frozen=True)
class Trust:
    """What is asked for besides a score: its chance level and its interval.

    Parameters
    ----------
    chance : str or Reference
        What scores are set beside, by its call or as it is: ``moments`` takes the closed form over all shuffles where a
        measure has one, and shuffles elsewhere.
    permutations : int
        Number of shuffles; 0 for none.
    seed : int
        Of the shuffles, and of the groups of inputs.
    groups : int
        Groups of inputs that are left out in turn for the interval, where it does not come from the score without
        each input; 0 for no intervals.
    """

    chance: Asked = CHANCE
    permutations: int = whole(PERMUTATIONS, most=MOST_DRAWN)
    seed: int = whole(SEED, most=MOST_SEED)
    groups: int = whole(GROUPS, most=MOST_DRAWN)

    def __post_init__(self) -> None:
        if said := wrong_numbers(self):
            raise InputError(said)

    @property
    def reference(self) -> Reference:
        """What scores are set beside."""
        return reference_of(self.chance)

    @property
    def shuffles(self) -> int:
        """How many shuffles of the rows are drawn for what the reference does not settle."""
        return self.reference.shuffles(self.permutations)

    @property
    def request(self) -> dict[str, Any]:
        """The same as JSON: a stored row answers it only if it is equal."""
        of = self.reference
        asked: dict[str, Any] = {"null": self.chance if isinstance(self.chance, str) else of.name}
        asked |= {"permutations": self.permutations, "seed": self.seed, "groups": self.groups}
        more = {"version": of.version, **of.identity} if of.version > 1 or of.identity else {}
        return asked | ({"reference": more} if more else {})
