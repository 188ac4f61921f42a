"""Which values an answer can have, said before there is one: a slip in a condition must not cost the run."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from likewise.errors import InputError
from likewise.studies.conditions import nearest, parse_condition

ENDS = ("lowest", "highest", "any", "all")
"""What a condition can say of a column of a table."""


@dataclass(frozen=True)
class Names:
    """The names that conditions on the answer of a study may use.

    Parameters
    ----------
    values : tuple of str
        Of values. A ``*`` in one stands for what only the run tells, such as the number of a layer.
    tables : mapping of str to tuple of str
        Columns of tables, by the table; a ``*`` as above.
    absent : mapping of str to str
        Names of other answers of this study, with why this one has not got them.

    Examples
    --------
    >>> names = Names(("moved", "layer.*.value"), {"copies": ("error",)}, {"nearest": "there is one copy"})
    >>> [names.why_not(name) for name in ("moved", "layer.3.value", "copies.error.highest", "nearest")]
    ['', '', '', 'there is one copy']
    >>> names.why_not("movde")
    'did you mean "moved"?'
    """

    values: tuple[str, ...]
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)

    def why_not(self, name: str) -> str:
        """Return why no answer has a value of this name; empty where one may have."""
        if any(_fits(name, known) for known in self.values):
            return ""
        for table, columns in self.tables.items():
            if any(_fits(name, f"{table}.{column}.{end}") for column in columns for end in ENDS):
                return ""
        if why := next((why for known, why in self.absent.items() if _fits(name, known)), ""):
            return why
        numbers = [f"{table}.{column}.highest" for table, columns in self.tables.items() for column in columns]
        of_tables = numbers if name.partition(".")[0] in self.tables else []
        return nearest(name, [*self.values, *of_tables])

    def check(self, conditions: Iterable[str]) -> None:
        """Refuse texts that are no conditions, and those that name what no answer has.

        Raises
        ------
        InputError
            With the nearest name, or with why there is no such value.
        """
        for condition in map(parse_condition, conditions):
            for name in condition.names():
                if why := self.why_not(name):
                    raise InputError(condition.unknown(name, why))


def _fits(name: str, known: str) -> bool:
    if "*" not in known:
        return name == known
    return re.fullmatch(".+".join(map(re.escape, known.split("*"))), name) is not None
