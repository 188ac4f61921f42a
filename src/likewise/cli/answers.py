"""An answer of a study, as the terminal shows it."""

from typing import TYPE_CHECKING

from likewise.cli.console import print_json, print_table, say

if TYPE_CHECKING:
    from likewise.studies import Answer


def print_answer(answer: "Answer", json: bool) -> None:
    """Print the verdict, the tables, and what not to conclude; or all numbers as JSON, for programs."""
    if json:
        print_json(answer.as_dict() if answer.data is None else answer.data)
        return
    say(answer.verdict)
    for table in answer.tables:
        print_table(table.caption, table.columns, table.rows, spare=table.spare)
    for line in answer.limits:
        say(line)
