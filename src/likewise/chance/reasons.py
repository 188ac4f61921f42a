"""Why a cell of the table is empty, or how it was filled: every sentence of the column ``reason``, in one place."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """What a row can say besides its numbers; the value is the text that is stored.

    A reason that depends on more is followed by it, as `because` writes it. A row with several joins them by ``; ``.

    Examples
    --------
    >>> Reason.NO_SPREAD == "no z: the shuffled scores do not vary"
    True
    >>> Reason.NOT_WITHOUT.because("all rows are equal")
    'no interval: undefined without some inputs: all rows are equal'
    """

    NO_CHANCE = "no chance level: the value does not depend on which row belongs to which"
    """No order of rows changes the value."""
    NO_EXCHANGE = "no chance level: no two groups of inputs have the same size, so none can be exchanged"
    """Inputs belong together in groups that no shuffle can exchange."""
    STAYING = "no chance level: too few groups of inputs have the same size, so too many stay in place in a shuffle"
    """`Together.staying`."""
    NOT_SHUFFLED = "no chance level: undefined after a shuffle"
    NOT_DRAWN = "no chance level: undefined for some of what chance is counted from"
    FEW_ROWS = "chance from shuffles: too few rows decide the score to trust the closed form"
    """The chance level has a closed form, which was not taken."""
    BOUND = "p is an upper bound: too few rows decide the score to trust the closed form"
    """The p-value is `Moments.bound`."""
    NO_ROOT = (
        "p is an upper bound, and the mean of shuffles is not known: too few rows decide the score to trust the closed "
        "form"
    )
    """The moments of its square are known, and say too little of the score itself."""
    NO_FEATURES = "no chance level: the measure does not compare each feature with itself, so shuffle rows instead"
    """Shuffled features were asked for."""
    ONE_FEATURE = "no chance level: one feature has no other order"
    FEW_FEATURES = "chance from shuffles: too few features decide the score to trust the closed form"
    BOUND_OF_FEATURES = "p is an upper bound: too few features decide the score to trust the closed form"
    """The same where features are shuffled."""
    ONE_SHUFFLE = "no z: one shuffle only"
    NO_SPREAD = "no z: the shuffled scores do not vary"
    AS_IDENTICAL = "not calibrated: shuffled rows score as identical ones do"
    BEYOND_IDENTICAL = "not calibrated: shuffled rows score as more alike than identical ones do"
    NO_IDENTITY = "not calibrated: a representation and itself"
    NO_SCALE = "not calibrated: identical sides have no score to calibrate by"
    NOT_WITHOUT = "no interval: undefined without some inputs"
    UNSETTLED = "directions of nearly the same variance may change places, so the interval is longer"
    """It holds the scores with the other directions too."""
    FEW_GROUPS = "no interval"

    def because(self, why: str) -> str:
        """Return the text with what it depends on."""
        return f"{self}: {why}"

    @property
    def is_note(self) -> bool:
        """Whether nothing is wrong with the row: it says where a number comes from, or that there cannot be any."""
        return self in (
            *(Reason.NO_CHANCE, Reason.NO_FEATURES, Reason.ONE_FEATURE, Reason.NO_SCALE, Reason.UNSETTLED),
            *(Reason.FEW_ROWS, Reason.BOUND, Reason.FEW_FEATURES, Reason.BOUND_OF_FEATURES),
        )


BETWEEN = "; "
"""Stands between the reasons of a row."""


@dataclass(frozen=True)
class Reasons:
    """The text of the column ``reason``, to be asked for what it says.

    Parameters
    ----------
    text : str
        One reason, several joined, or none.

    Examples
    --------
    >>> reasons = Reasons(joined([Reason.NO_CHANCE, Reason.NOT_WITHOUT.because("all rows are equal")]))
    >>> reasons.has(Reason.NO_CHANCE), reasons.has(Reason.FEW_GROUPS), reasons.is_note
    (True, False, False)
    """

    text: str

    @property
    def said(self) -> tuple[Reason | None, ...]:
        """The reason of each part of the text, None for another's words."""
        return tuple(map(_reason_of, self.text.split(BETWEEN))) if self.text else ()

    def has(self, *reasons: Reason) -> bool:
        """Whether one of these is among them."""
        return not set(reasons).isdisjoint(self.said)

    @property
    def is_note(self) -> bool:
        """Whether nothing is wrong with the row: each reason is a note, or there is none."""
        return all(reason is not None and reason.is_note for reason in self.said)


def _reason_of(part: str) -> Reason | None:
    """The reason that a part gives, with what it depends on or without; some begin as another does."""
    begun = [reason for reason in Reason if part == reason or part.startswith(reason.because(""))]
    return max(begun, key=len, default=None)


def joined(reasons: Iterable[str]) -> str:
    """Return the reasons of a row as one text, without the empty ones.

    Examples
    --------
    >>> joined([Reason.ONE_SHUFFLE, ""])
    'no z: one shuffle only'
    """
    return BETWEEN.join(filter(None, reasons))
