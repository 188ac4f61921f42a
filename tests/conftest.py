"""What tests share: checked annotations, the golden data, and every array library as a parameter."""

from jaxtyping import install_import_hook

ROOMS = ("errors", "naming", "arrays", "representation", "prepared", "measures", "statistics")

# Shapes and types in annotations of the numeric rooms hold while tests run; the hook must stand before the first
# import of likewise.
install_import_hook([f"likewise.{room}" for room in ROOMS], "beartype.beartype")

import importlib  # noqa: E402
from collections.abc import Callable  # noqa: E402
from types import ModuleType  # noqa: E402

import numpy as np  # noqa: E402
import pytest  # noqa: E402


@pytest.fixture(params=["numpy", "array_api_strict", "torch"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    """An array library; its ``asarray`` makes arrays of it."""
    return importlib.import_module(request.param)


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


pytest_plugins = ["hub", "tiny", "unusual"]
