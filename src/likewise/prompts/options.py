"""The options of a data set's records, as an experiment names them and as they are filled in."""

from collections.abc import Sequence
from dataclasses import dataclass

from likewise.errors import InputError
from likewise.prompts.records import Record
from likewise.prompts.templates import Writer

MOST = 100
"""Options of a record at most."""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What a model chooses from.

    Parameters
    ----------
    options : tuple of str
        Templates over the fields of a record, one for each option: the text that follows the prompt, with the space
        before it.
    prompt : str, optional
        A template of what comes before; by default the prompt of the data set, with its shots.
    labels : tuple of str
        What the options are called; by default 1, 2, 3, ...
    right : str, optional
        A template that gives the label of the right one, for example ``"{{ answer }}"``.
    """

    options: tuple[str, ...]
    prompt: str | None = None
    labels: tuple[str, ...] = ()
    right: str | None = None

    def __post_init__(self) -> None:
        if not 2 <= len(self.options) <= MOST:
            raise InputError(f"choices: options: expected a list of 2 to {MOST} templates, one for each option")
        if not self.labels:
            object.__setattr__(self, "labels", tuple(str(i + 1) for i in range(len(self.options))))
        if len(self.labels) != len(self.options) or len(set(self.labels)) != len(self.options):
            raise InputError(f"choices: labels: expected {len(self.options)} different ones, one for each option")


@dataclass(frozen=True)
class FilledChoices:
    """The options of n records.

    Parameters
    ----------
    labels : tuple of str
        What the k options are called.
    prompts : tuple of str
        What comes before the options of each record.
    texts : tuple of tuple of str
        Of each record its options.
    right : tuple of str
        The label of the right option of each record, where these are known.
    """

    labels: tuple[str, ...]
    prompts: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    right: tuple[str, ...] = ()


def fill_choices(
    write: Writer, choices: Choices, ids: Sequence[str], records: Sequence[Record], whole: Sequence[str]
) -> FilledChoices:
    """Fill in the options of records; ``whole`` are their prompts, for choices without one of their own.

    Raises
    ------
    InputError
        If an option or a prompt is empty, two options of a record are the same, or the right one is none of them.
    """
    fronts = list(whole)
    if choices.prompt is not None:
        fronts = write.fill(choices.prompt, records, [f"the prompt of the choices of {one!r}" for one in ids])
    columns = [
        write.fill(option, records, [f"choice {label} of {one!r}" for one in ids])
        for label, option in zip(choices.labels, choices.options, strict=True)
    ]
    texts = list(zip(*columns, strict=True))
    for one, front, own in zip(ids, fronts, texts, strict=True):
        if not front.strip():
            raise InputError(f"the choices of {one!r} of {write.name} come after nothing; expected a prompt")
        for place, text in enumerate(own):
            if not text.strip():
                raise InputError(f"choice {choices.labels[place]} of {one!r} of {write.name} is empty")
            if text in own[:place]:
                raise InputError(f"two choices of {one!r} of {write.name} are the same: {text[:60]!r}")
    right: tuple[str, ...] = ()
    if choices.right is not None:
        right = tuple(
            text.strip() for text in write.fill(choices.right, records, [f"the right choice of {one!r}" for one in ids])
        )
        for one, label in zip(ids, right, strict=True):
            if label not in choices.labels:
                raise InputError(
                    f"the right choice of {one!r} of {write.name} is {label[:60]!r}; expected one of "
                    f"{', '.join(choices.labels)}"
                )
    return FilledChoices(choices.labels, tuple(fronts), tuple(texts), right)
