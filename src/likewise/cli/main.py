"""The entry point: commands, and what an error means for the exit code."""

import contextlib
import errno
import functools
import logging
import signal
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from likewise import __version__
from likewise.cli import (
    audit,
    check,
    compare,
    explain,
    extract,
    figure,
    gc,
    importing,
    ladder,
    layers,
    learning,
    lineage,
    measures,
    plan,
    report,
    run,
    search,
    show,
    status,
    swap,
    track,
)
from likewise.cli.answers import GATE_FAILED
from likewise.cli.console import messages, say_stopped, shown, tell
from likewise.errors import InputError, LikewiseError, MissingDependencyError, ModelError, UnreachableError
from likewise.naming import inert

DONE, FAILED, WRONG_REQUEST, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143

Usage: type[Exception] = typer.BadParameter.__bases__[0]
"""What click raises for a wrong command line; typer may bring a click of its own."""

ALONE = "NoArgsIsHelpError"
"""What click raises for `likewise` alone: its message is the help."""

QUIET = ("-q", "--quiet")

TRACEBACK = "--traceback"
"""Anywhere on the command line: show where an error came from, instead of one line."""

app = typer.Typer(
    name="likewise",
    help="How alike language models are inside, and how far that answer can be trusted.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,  # brackets in a help text are brackets
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 done, 1 some tasks failed and are listed, 2 the request was wrong, "
    f"{GATE_FAILED} a condition of --fail-if holds, 130 interrupted, "
    f"143 ended by SIGTERM. After an error, {TRACEBACK} shows where it came from.",
)
for command in (
    run.run, plan.plan, status.status, gc.gc, extract.extract, importing.import_, check.check, compare.compare,
    explain.explain,
    audit.audit, lineage.lineage, swap.swap, search.search, track.track, ladder.ladder, learning.learning_curve,
    layers.best_layers, report.report, figure.figure, measures.measures, show.show,
):  # fmt: skip
    app.command(command.__name__.strip("_").replace("_", "-"))(command)  # import is a word of Python's


def _version(asked: bool) -> None:
    if asked:
        tell(f"likewise {__version__}")
        raise typer.Exit()


@app.callback()
def of_all_commands(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print results and errors only: no progress, no notes.")
    ] = False,
) -> None:
    """Hold what every command has."""
    messages.quiet = quiet


@functools.cache
def commands() -> Callable[..., Any]:
    """Return what typer makes of all commands; it takes longer than most of them."""
    return typer.main.get_command(app)


def main() -> None:
    """Run the command line."""
    traced = TRACEBACK in sys.argv
    words = [word for word in sys.argv[1:] if word != TRACEBACK and word not in QUIET]
    sys.argv = [sys.argv[0], *(QUIET[:1] if any(word in QUIET for word in sys.argv) else ()), *words]
    logging.setLogRecordFactory(_inert_record)
    terminated = False

    def stop(*_: Any) -> None:
        nonlocal terminated
        terminated = True
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: what follows puts things in order
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, stop)  # what batch systems send, handled like Ctrl-C
    try:
        code = commands()(standalone_mode=False)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as over:
        code = over.code
    except Usage as error:
        if type(error).__name__ == ALONE:
            messages.print(shown(error.format_message()))  # type: ignore[attr-defined]
            code = WRONG_REQUEST
        else:
            code = _explain(InputError(_of_usage(error)))
    except Exception as error:
        if traced:
            raise
        code = _explain(error)
    if code == INTERRUPTED:  # typer has made an exit of it
        say_stopped()
    sys.exit(TERMINATED if terminated and code == INTERRUPTED else code)


def _of_usage(error: Any) -> str:
    """What is wrong with the words of a command, and where to read how it is used."""
    said, words, context = error.format_message().rstrip("."), ["--help"], error.ctx
    while context is not None and context.parent is not None:
        words, context = [context.info_name, *words], context.parent
    return f"{said[:1].lower()}{said[1:]}; see {' '.join(['likewise', *words])}"


def _inert_record(*args: Any, **more: Any) -> logging.LogRecord:
    """A remark of any library: nothing of it is obeyed by a terminal."""
    record = logging.LogRecord(*args, **more)
    with contextlib.suppress(TypeError, ValueError):  # one that is wrong is told by logging itself
        record.msg, record.args = inert(record.getMessage()), ()
    return record


def _explain(error: Exception) -> int:
    """Say what stopped a command in one line, and return its exit code."""
    code, said = FAILED, str(error)
    if isinstance(error, InputError | ModelError | MissingDependencyError | UnreachableError):
        code = WRONG_REQUEST
    elif isinstance(error, MemoryError):
        said = "out of memory"
    elif isinstance(error, OSError) and not isinstance(error, LikewiseError):
        said = f"{error.filename or 'a file'}: {error.strerror or error}"
        code = WRONG_REQUEST if error.errno == errno.ENAMETOOLONG else FAILED
    elif not isinstance(error, LikewiseError):
        # Nobody thought of this one. What was finished is in the store, for it is written task by task.
        said = (
            f"{type(error).__name__}: {said}\n  This is a fault of likewise. Finished work is kept. Please report it, "
            f"with the output of the same command with {TRACEBACK}."
        )
    notes = "".join(f"\n  {note}" for note in getattr(error, "__notes__", []))
    messages.quiet = False
    messages.print(shown("error: ", "bold red") + shown(f"{said}{notes}"))
    return code
