"""Figures, from tables to matplotlib: no files, no global state, brighter is always more alike."""

from likewise.errors import MissingDependencyError

try:
    import matplotlib  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "matplotlib":
        raise  # the library is there and broken: another message would hide that
    raise MissingDependencyError("matplotlib", "report") from error

from likewise.report.figures.answers import drawn  # only after the check above
from likewise.report.figures.kinds import FORMATS, KINDS, draw, rendered

__all__ = ["FORMATS", "KINDS", "draw", "drawn", "rendered"]
