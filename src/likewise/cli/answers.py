"""The end of a command that answers a question: what the terminal shows, the files, and the gate."""

import shlex
import sys
from collections.abc import Sequence
from json import loads as json_of
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likewise.cli.console import complain, print_json, print_table, say, tell
from likewise.errors import InputError, MissingDependencyError
from likewise.naming import shown_head

if TYPE_CHECKING:
    from likewise.studies import Answer, Outcome

GATE_FAILED = 3
"""The exit code where the answer came, and a condition holds under which the user wants a failure."""


def _conditions(given: list[str] | None) -> list[str] | None:
    """Refuse what is no condition before anything is computed."""
    if given:
        from likewise.studies import parse_condition

        for text in given:
            parse_condition(text)
    return given


def _file(given: Path | None) -> Path | None:
    if given is not None and given.is_dir():
        raise InputError(f"{given} is a folder; expected the name of a file")
    return given


def _folder(given: Path | None) -> Path | None:
    if given is not None and given.exists() and not given.is_dir():
        raise InputError(f"--output {given} is a file; expected a folder")
    return given


FailIf = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-if",
        metavar="CONDITION",
        callback=_conditions,
        help="End with exit code 3 where this holds of the answer: 'moved' of an audit, 'overlap@10 < 0.8' of a swap.",
    ),
]
Junit = Annotated[
    Path | None,
    typer.Option("--junit", metavar="FILE", callback=_file, help="Write the conditions as JUnit XML, for CI."),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        callback=_folder,
        help="Write answer.json, answer.html, and each table as Parquet and CSV, into this folder.",
    ),
]


def finish(
    answer: "Answer",
    *,
    fail_if: Sequence[str] | None = None,
    junit: Path | None = None,
    output: Path | None = None,
    json: bool = False,
) -> None:
    """Show an answer, write its files, and end the command where a condition holds.

    The answer is shown and written first: who asked has it, whatever becomes of the conditions.

    Raises
    ------
    InputError, UndefinedError
        If a condition cannot be judged; the others are told before.
    StoreError
        If a file cannot be written.
    typer.Exit
        With code 3 where a condition holds.
    """
    outcomes = answer.judged(fail_if or ())
    print_answer(answer, json)
    for found in outcomes:  # before the files: a full disk must not hide it
        if found.holds:
            complain(f"failed: {found}")
    if output is not None:
        _write(answer, outcomes, output)
    if junit is not None:
        from likewise.store import write_text
        from likewise.studies import junit_xml

        write_text(junit, junit_xml(answer, outcomes))
    if errors := [found.error for found in outcomes if found.error is not None]:
        for error in errors[:-1]:
            complain(f"error: {error}")
        raise errors[-1]
    if any(found.holds for found in outcomes):
        raise typer.Exit(GATE_FAILED)


def print_answer(answer: "Answer", json: bool) -> None:
    """Print the verdict, the tables, and what not to conclude; or all numbers as JSON, for programs."""
    if json:
        print_json(answer.as_dict() if answer.data is None else answer.data)
        return
    tell(answer.verdict)
    for table in answer.tables:
        if not table.folded:
            print_table(table.caption, table.heads, table.rows, spare=[shown_head(head) for head in table.spare])
            if table.note:
                say(table.note)
    if folded := [table.name for table in answer.tables if table.folded]:
        say(f"more tables: {', '.join(folded)}; --json or --output shows them")
    for line in answer.limits:
        say(line)


def _typed() -> str:
    """The command as it was typed; empty where another program asks."""
    program = Path(sys.argv[0]).name.removesuffix(".exe")
    return shlex.join(["likewise", *sys.argv[1:]]) if program in ("likewise", "__main__.py") else ""


def _write(answer: "Answer", outcomes: "Sequence[Outcome]", folder: Path) -> None:
    from likewise.libraries import library_versions
    from likewise.store import write_answer

    about: dict[str, Any] = {key: value for key, value in answer.as_dict().items() if key != "tables"}
    conditions = [
        {"fail_if": str(found.condition), "failed": found.holds, "error": str(found.error) if found.error else None}
        for found in outcomes
    ]
    path = write_answer(
        folder,
        {**about, "conditions": conditions, "made_with": library_versions()},
        {table.name: table.to_arrow() for table in answer.tables},
    )
    say(f"answer: {path}")
    try:
        from likewise.report import write_answer_page
    except MissingDependencyError:
        return  # a page needs more than the numbers do
    listed = json_of(path.read_text(encoding="utf-8"))["tables"]
    files = {table["name"]: table["csv"] for table in listed}
    page = write_answer_page(answer, folder, files, library_versions(), _typed())
    say(f"page: {page}")
