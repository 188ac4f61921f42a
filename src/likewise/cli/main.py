"""The entry point: commands, and what an error means for the exit code."""

import sys
from typing import Annotated

import typer

from likewise import __version__
from likewise.cli import (
    check,
    compare,
    explain,
    extract,
    importing,
    layers,
    learning,
    measures,
    plan,
    report,
    run,
    show,
)
from likewise.cli.console import messages, shown, tell
from likewise.errors import InputError, LikewiseError, MissingDependencyError, ModelError

DONE, FAILED, WRONG_REQUEST, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="likewise",
    help="How alike language models are inside, and how far that answer can be trusted.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,  # brackets in a help text are brackets
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 done, 1 some tasks failed and are listed, 2 the request was wrong, 130 interrupted.",
)
for command in (
    run.run, plan.plan, extract.extract, importing.import_, check.check, compare.compare, explain.explain,
    learning.learning_curve, layers.best_layers, report.report, measures.measures, show.show,
):  # fmt: skip
    app.command(command.__name__.strip("_").replace("_", "-"))(command)  # import is a word of Python's


def _version(asked: bool) -> None:
    if asked:
        tell(f"likewise {__version__}")
        raise typer.Exit()


@app.callback()
def of_all_commands(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version, and end.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print results and errors alone: no progress, no remarks.")
    ] = False,
) -> None:
    """Hold what every command has."""
    messages.quiet = quiet


def main() -> None:
    """Run the command line."""
    try:
        app()
    except (InputError, ModelError, MissingDependencyError) as error:
        sys.exit(_explain(error, WRONG_REQUEST))
    except LikewiseError as error:
        sys.exit(_explain(error, FAILED))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _explain(error: LikewiseError, code: int) -> int:
    notes = "".join(f"\n  {note}" for note in getattr(error, "__notes__", []))
    messages.quiet = False
    messages.print(shown("error: ", "bold red") + shown(f"{error}{notes}"))
    return code
