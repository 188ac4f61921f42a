"""Measures of one's own: code that is run because a caller says so, never because data name it."""

import importlib
import importlib.util
import re
import sys
import types
from collections.abc import Iterable
from pathlib import Path

from likewise.errors import InputError
from likewise.measures.configuration import Configuration
from likewise.measures.registry import REGISTRY
from likewise.naming import did_you_mean, parse_call

OWN = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
"""What the name of a measure of one's own looks like: ``module:function``."""

_files: dict[str, Path] = {}
"""The files that were run, by the names of their modules."""


def load_measures(source: str | Path, module: str | None = None) -> str:
    """Run a file of measures, or import an installed module of them, so that they are known as ``module:function``.

    A file is run by its path alone: its folder does not become a place where Python looks for modules, and no
    compiled copy beside it is read. The same file again changes nothing.

    Parameters
    ----------
    source : str or Path
        A file that ends in ``.py``, or the name of an installed module.
    module : str, optional
        What a file is called as a module; by default its name without ``.py``.

    Returns
    -------
    str
        The name of the module.

    Raises
    ------
    InputError
        If there is no such file or module, it stops with an error, or its name is that of another module.
    """
    if Path(source).suffix == ".py":
        path = Path(source).resolve()
        return _run(path, module or path.stem)
    return _import(str(source))


def _import(name: str) -> str:
    if not all(part.isidentifier() for part in name.split(".")):
        raise InputError(f"cannot trust {name!r}; expected an experiment (.yaml), a file of measures (.py) or a module")
    try:
        importlib.import_module(name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == name.partition(".")[0]:
            raise InputError(f"no module {name!r} is installed; a file is named with its ending: {name}.py") from error
        raise _stopped(name, error) from error
    return name


def _run(path: Path, module: str) -> str:
    if _files.get(module) == path:
        return module
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    if not all(part.isidentifier() for part in module.split(".")):
        raise InputError(f"{path.name} cannot be a module; expected letters, digits and _ before .py")
    loaded = sys.modules.get(module)
    if loaded is not None and _file_of(loaded) == path:
        return module  # Python itself found this file
    if loaded is not None or module in _files or _other(module.partition(".")[0], path):
        raise InputError(f"{path} has the name of another module, {module!r}; give the file another name")
    made = types.ModuleType(module)
    made.__file__ = str(path)
    before = set(REGISTRY)
    sys.modules[module] = made  # where pickles and dataclasses look for it
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), made.__dict__)
    except Exception as error:
        del sys.modules[module]
        for name in REGISTRY.keys() - before:
            del REGISTRY[name]
        raise _stopped(module, error) from error
    _files[module] = path
    return module


def _other(name: str, path: Path) -> bool:
    """Whether Python knows an installed module of this name, which the file would hide."""
    if name in sys.builtin_module_names or name in sys.stdlib_module_names:
        return True
    found = importlib.util.find_spec(name)
    return found is not None and found.origin is not None and Path(found.origin).resolve() != path


def _file_of(module: types.ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if file else None


def _stopped(module: str, error: Exception) -> InputError:
    beside = ""
    if isinstance(error, ModuleNotFoundError):
        beside = "; what a file of measures imports must be installed, or stand in that file"
    return InputError(f"the module {module!r} stopped with {type(error).__name__}: {error}{beside}")


def is_own(name: str) -> bool:
    """Whether a name is ``module:function``: of a measure that is none of likewise."""
    return OWN.fullmatch(name) is not None


def own_modules(measures: Iterable[str]) -> tuple[str, ...]:
    """Return the modules of the measures of one's own among calls of measures, each once.

    Examples
    --------
    >>> own_modules(["cka", "mine:f", "mine:g(k=2)"])
    ('mine',)
    """
    names = (parse_call(text)[0] for text in measures)
    return tuple(dict.fromkeys(name.partition(":")[0] for name in names if is_own(name)))


def load_measures_of(experiment: Path, measures: Iterable[str]) -> None:
    """Run the files beside an experiment that hold the measures of one's own which it names.

    Raises
    ------
    InputError
        If there is no such file, or it has no such measure.
    """
    calls = [name for text in measures if is_own(name := parse_call(text)[0])]
    for module in own_modules(calls):
        if any(name.startswith(f"{module}:") for name in REGISTRY):
            continue  # the caller has loaded it from where he says
        path = (experiment.parent / Path(*module.split("."))).with_suffix(".py")
        if not path.is_file():
            raise InputError(
                f"there is no {path.name} beside {experiment} for the measures of {module!r}; name where they are: "
                f"--trust FILE.py, or --trust {module} where it is installed"
            )
        load_measures(path, module)
    for name in calls:
        if name not in REGISTRY:
            module, _, function = name.partition(":")
            offered = [known for known in REGISTRY if known.startswith(f"{module}:")]
            raise InputError(
                f"{module!r} has no measure {function!r}; "
                + (did_you_mean(name, offered) if offered else "decorate the function with @likewise.measures.measure")
            )


OwnCode = tuple[str, str | None]
"""A module of measures, and the file that it was run from, if that was by its path."""


def sources_of(configurations: Iterable[Configuration]) -> tuple[OwnCode, ...]:
    """Return where the measures of one's own among configurations come from, for another process to load them."""
    modules = own_modules(c.measure for c in configurations)
    return tuple((m, str(_files[m]) if m in _files else None) for m in modules if m != "__main__")


def load_sources(sources: Iterable[OwnCode]) -> None:
    """Load, in a process that a caller has started, what is loaded in his own."""
    for module, file in sources:
        if not any(name.startswith(f"{module}:") for name in REGISTRY):
            _run(Path(file), module) if file else _import(module)
