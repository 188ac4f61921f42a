"""What tests share: checked annotations, the golden data, and every array library as a parameter."""

import os

from jaxtyping import install_import_hook

ROOMS = ("errors", "naming", "arrays", "representation", "quantities", "measures", "chance", "scoring")

# Shapes and types in annotations of the numeric rooms hold while tests run; the hook must stand before the first
# import of likewise. It doubles the time of what calls small functions many times: `make test` sets SHAPES=0 but for
# the files in which every function of these rooms is called on every kind of shape.
if os.environ.get("SHAPES", "1") == "1":
    install_import_hook([f"likewise.{room}" for room in ROOMS], "beartype.beartype")

import gc  # noqa: E402
import importlib  # noqa: E402
import shutil  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from types import ModuleType  # noqa: E402
from typing import TypeAlias  # noqa: E402

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from filelock import FileLock  # noqa: E402
from hypothesis import settings  # noqa: E402

from cases import Cases  # noqa: E402
from cases import run as run_cases  # noqa: E402

# A change lands or not by what it does, not by what is drawn today; `make test-all` draws anew.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("new", deadline=None)
settings.load_profile("new" if os.environ.get("DRAW_ANEW") == "1" else "same")


@pytest.fixture(params=["numpy", "array_api_strict", "torch"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    """An array library; its ``asarray`` makes arrays of it."""
    return importlib.import_module(request.param)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Return a folder of a name, which is filled once for all processes that run these tests; it is only read."""
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "once"
    root.mkdir(exist_ok=True)

    def of(name: str, fill: Callable[[Path], object]) -> Path:
        folder = root / name
        with FileLock(root / f"{name}.lock"):
            if not folder.exists():
                try:
                    fill(folder)
                except BaseException:
                    shutil.rmtree(folder, ignore_errors=True)
                    raise
        return folder

    return of


Cli: TypeAlias = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """Run a command in the folder of the test; return exit code, standard output and standard error."""
    from likewise.cli.main import main

    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["likewise", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main()
        code = stopped.value.code
        return (code if isinstance(code, int) else 0), *capfd.readouterr()

    return call


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240807)


@pytest.fixture
def related() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Draw two matrices (n x d, n x e) that share part of their content, off the origin, with an uneven spectrum."""

    def draw(n: int, d: int, e: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([n, d, e, seed])
        shared = rng.normal(size=(n, 6))

        def side(width: int) -> np.ndarray:
            noise = rng.normal(size=(n, width)) * np.linspace(1.5, 0.5, width)
            return shared @ rng.normal(size=(6, width)) + noise + rng.normal(size=width)

        return side(d), side(e)

    return draw


@pytest.fixture
def golden() -> Callable[[int, int, int], tuple[np.ndarray, np.ndarray]]:
    """Return the golden X and Y of docs/design/accuracy.md, which hold no random numbers."""

    def make(n: int, d: int, e: int) -> tuple[np.ndarray, np.ndarray]:
        i, j, k = np.arange(1, n + 1)[:, None], np.arange(1, d + 1)[None, :], np.arange(1, e + 1)[None, :]
        row, column = np.arange(1, 6)[None, :], np.arange(1, 6)[:, None]
        z = np.sin(0.7 * i * row + row)
        x = z @ np.cos(1.3 * column * (j + 2)) + 0.3 * np.sin(2.1 * i * (j + 3)) + 0.5
        y = z @ np.cos(0.9 * (column + 2) * (k + 1)) + 0.3 * np.cos(1.7 * (i + 2) * (k + 1)) - 0.2
        return x, y

    return make


FROZEN = {"modules": 0}

# Tests make many objects and few cycles: looking for those every 700 objects took a twentieth of the time.
gc.set_threshold(50_000, 20, 20)


def pytest_runtest_setup() -> None:
    """Take the objects of libraries out of the collection of garbage: half a million would be gone through each time.

    Each model that is loaded asks for a whole collection, of a quarter of a second with torch and transformers.
    """
    if len(sys.modules) > FROZEN["modules"] + 300:
        gc.collect()
        gc.freeze()
        FROZEN["modules"] = len(sys.modules)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test of several `cases` with each of them."""
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    if not any(isinstance(value, Cases) for value in arguments.values()):
        return None
    run_cases(pyfuncitem.obj, arguments)
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long tests, so that none is left alone at the end; refuse one that does not say why it is long."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    for item in items:
        if any(not (mark.args and isinstance(mark.args[0], str)) for mark in item.iter_markers("long")):
            raise pytest.UsageError(f"{item.nodeid} is long and does not say why")
        if getattr(item.config.option, "loadgroup", False):
            name_group(item)


def name_group(item: pytest.Item) -> None:
    """Put the group of a test into its name, as pytest-xdist 3.8 does: pytest 9.2 keeps the name elsewhere."""
    groups = sorted({str(mark.args[0]) for mark in item.iter_markers("xdist_group")})
    end = f"@{'_'.join(groups)}"
    if groups and not item.nodeid.endswith(end):
        item._id = type(item._id).parse(item.nodeid + end)
        if not item.nodeid.endswith(end):
            raise pytest.UsageError(f"{item.nodeid} is not named by its group, so its group is not kept together")


pytest_plugins = ["hub", "tiny", "unusual"]
