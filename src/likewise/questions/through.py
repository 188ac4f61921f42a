"""An experiment that is run from start to end for a question, or not answered at all."""

from pathlib import Path
from typing import Any

from likewise.errors import LikewiseError
from likewise.plan import Experiment
from likewise.run import Done, run
from likewise.scoring import Results, all_undefined


def run_whole(experiment: Experiment, store: str | Path | None, **how: Any) -> Done:
    """Run an experiment, in ``runs/NAME`` where no store is given.

    Raises
    ------
    LikewiseError
        If something could not be run; what is finished is kept.
    """
    folder = Path(store) if store is not None else Path("runs") / experiment.name
    done = run(experiment, folder, **how)
    if done.failed or done.blocked:
        told = "\n".join(f"{outcome.task.label}: {outcome.error}" for outcome in done.failed)
        raise LikewiseError(f"not everything could be run; what is finished is kept in {done.store}\n{told}".rstrip())
    return done


def run_through(experiment: Experiment, store: str | Path | None, **how: Any) -> Results:
    """Return all scores of an experiment, as `run` makes them.

    Raises
    ------
    LikewiseError
        If something could not be run, or no score is defined; what is finished is kept.
    """
    done = run_whole(experiment, store, **how)
    if why := all_undefined(done.results):
        raise LikewiseError(why)
    return done.results
