"""The entry point: commands, and what an error means for the exit code."""

import signal
import sys
from typing import Any

import typer
from rich.text import Text

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
from likewise.cli.console import messages
from likewise.errors import InputError, LikewiseError, MissingDependencyError, ModelError

DONE, FAILED, WRONG_REQUEST, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143

app = typer.Typer(
    name="likewise",
    help="How alike language models are inside, and how far that answer can be trusted.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # brackets in a help text are brackets
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 done, 1 some tasks failed and are listed, 2 the request was wrong, 130 interrupted, "
    "143 ended by SIGTERM.",
)
for command in (
    run.run, plan.plan, extract.extract, importing.import_, check.check, compare.compare, explain.explain,
    learning.learning_curve, layers.best_layers, report.report, measures.measures, show.show,
):  # fmt: skip
    app.command(command.__name__.strip("_").replace("_", "-"))(command)  # import is a word of Python's


def main() -> None:
    """Run the command line."""
    terminated = False

    def stop(*_: Any) -> None:
        nonlocal terminated
        terminated = True
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: what follows puts things in order
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, stop)  # what batch systems send, handled like Ctrl-C
    sys.path.append("")  # last, so that a measure of your own is found and nothing else is hidden
    try:
        app()
    except (InputError, ModelError, MissingDependencyError) as error:
        sys.exit(_explain(error, WRONG_REQUEST))
    except LikewiseError as error:
        sys.exit(_explain(error, FAILED))
    except KeyboardInterrupt:
        sys.exit(TERMINATED if terminated else INTERRUPTED)
    except SystemExit as over:
        # Typer has made an exit of the interrupt.
        sys.exit(TERMINATED if terminated and over.code == INTERRUPTED else over.code)


def _explain(error: LikewiseError, code: int) -> int:
    notes = "".join(f"\n  {note}" for note in getattr(error, "__notes__", []))
    messages.print(Text.assemble(("error: ", "bold red"), f"{error}{notes}"))
    return code
