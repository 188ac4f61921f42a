"""Errors that name the thing, what was given and what is needed."""

LONGEST = 2_000
"""Characters of a message: names in files from others may be millions of characters long."""


class LikewiseError(Exception):
    """Base of every error that likewise raises on purpose."""

    def __str__(self) -> str:
        said = super().__str__()
        return said if len(said) <= LONGEST else f"{said[: LONGEST // 2]} ... {said[-LONGEST // 2 :]}"


class InputError(LikewiseError, ValueError):
    """What was given cannot be used: wrong shape, unknown name, unequal items, a value that is not finite."""


class UndefinedError(LikewiseError, ArithmeticError):
    """The measure has no value for this input; the message is the reason.

    In a table of results such a pair keeps its row, with status ``undefined`` and this reason.
    """


class StoreError(LikewiseError, OSError):
    """A file of the store is damaged, foreign, or could not be written."""


class UnreachableError(StoreError):
    """A store elsewhere does not answer, or refuses: its address, the network or the credentials are not right."""


class ModelError(LikewiseError, RuntimeError):
    """A model or data set could not be found, loaded or trusted."""


class MissingDependencyError(LikewiseError, ImportError):
    """An optional library is not installed; the message holds the command that installs it."""

    def __init__(self, library: str, extra: str) -> None:
        self._given = library, extra  # so that it can be sent from one process to another
        super().__init__(f'{library} is needed here and is not installed: pip install "likewise[{extra}]"')

    def __reduce__(self) -> tuple[type["MissingDependencyError"], tuple[str, str]]:
        return MissingDependencyError, self._given
