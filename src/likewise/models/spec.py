"""Which model is meant, where it lies, and what tells it from others. Nothing is loaded here."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likewise.catalogue.imported import imported_name
from likewise.catalogue.known import known, packaged_file
from likewise.errors import InputError, ModelError
from likewise.fields import TRANSFORMERS
from likewise.models.configs import read_config
from likewise.models.says import Says
from likewise.naming import did_you_mean

if TYPE_CHECKING:
    from likewise.models.describers import Describer

CONFIG, ADAPTER_CONFIG = "config.json", "adapter_config.json"

WEIGHTS = (".safetensors",)
PICKLES = (".bin", ".pt", ".pth")
TOKENIZERS = (".model", ".spm", ".tiktoken")
OTHERS = (*TOKENIZERS, ".json", ".txt", ".jinja", ".py")
"""Endings of a model's files: weights, weights in pickles, tokenizers by any name, and configs and code beside them."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Which model: a packaged name, hub id, folder or GGUF file, with its revision and variant.

    Parameters
    ----------
    model : str
        ``smollm2-135m-instruct``, a hub id such as ``EleutherAI/pythia-70m``, a folder or a ``.gguf`` file; for an
        adapter its hub id or folder.
    base : str, optional
        Of an adapter: the model that it changes, instead of the one that its config names.
    revision : str, optional
        Branch, tag or commit of a hub model.
    variant : str, optional
        As `canonical_variant` writes it.
    remote_code : bool
        Let the repository's own Python code run. Only for a model whose code you have read.
    pickled_weights : bool
        Where there are no safetensors, read pickles (``.bin``), and of them tensors only.
    backend : str
        What runs the model.
    """

    model: str
    base: str | None = None
    revision: str | None = None
    variant: str | None = None
    remote_code: bool = False
    pickled_weights: bool = False
    backend: str = TRANSFORMERS

    @property
    def imported(self) -> str | None:
        """The name that its representations were imported under, where no model runs for them."""
        return imported_name(self.model)

    @property
    def describer(self) -> "Describer":
        """What says of it what is known before it is loaded, by what runs it."""
        from likewise.models.describers import describer_of

        return describer_of(self)

    def identity(self) -> dict[str, Any]:
        """What tells this model from others, without a network: its files' content, or the request to the hub."""
        return self.describer.identity(self)

    def size(self) -> dict[str, int] | None:
        """Width and number of blocks, as far as known without a network; of another backend perhaps only one."""
        return self.describer.size(self)

    def vocabulary(self) -> int | None:
        """Number of tokens that its output head tells apart, as far as its config says it without a network."""
        return self.describer.vocabulary(self)

    def nbytes(self, per_weight: float) -> int | None:
        """Bytes that its weights take in memory, where it is known: by their number, or as its backend says."""
        return self.describer.nbytes(self, per_weight)

    def says(self) -> Says:
        """What the model says of its use, as far as is known without a network; of an adapter, what its own files say.

        Raises
        ------
        InputError
            If a file is not of its form.
        """
        return self.describer.says(self)


@dataclass(frozen=True)
class AtCommit:
    """What is known of a model at present.

    Parameters
    ----------
    commit : str, optional
        What its name stands for.
    width, blocks : int, optional
        Number of features and of blocks.
    """

    commit: str | None = None
    width: int | None = None
    blocks: int | None = None


@functools.lru_cache(maxsize=2**16)
def _near(name: str, packaged: tuple[str, ...]) -> str:
    """Return which models that are known are called nearly so: a plan asks it of each of thousands, many times."""
    return did_you_mean(name, packaged)


def locate(name: str) -> Path | None:
    """Return the folder or GGUF file of a model that is on this machine; None for a hub id.

    Raises
    ------
    InputError
        If it is neither a name that is known, a path that exists, nor of the form of a hub id.
    """
    packaged = known("packaged_models")
    if name in packaged:
        return packaged_file(name, packaged[name])
    try:
        path = Path(name).expanduser()
    except RuntimeError as error:  # of a user that is not there
        raise InputError(f"unknown model {name!r}: {error}") from error
    if path.is_dir():
        if not (path / CONFIG).exists() and not (path / ADAPTER_CONFIG).exists():
            raise InputError(f"the folder {path} has no {CONFIG}; expected a model in the transformers layout")
        return path
    if path.suffix == ".gguf":
        if not path.exists():
            raise InputError(f"there is no file {path}")
        return path
    near = _near(name, tuple(packaged))
    if near.startswith("did you mean") or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise InputError(f"unknown model {name!r}; {near}; a local model is a folder or a .gguf file that exists")
    return None


def adapter_config(place: Path) -> dict[str, Any] | None:
    """Return the config of an adapter; None where the place holds a whole model.

    Raises
    ------
    ModelError
        If it holds both, for whether the adapter is in the model's weights already cannot be known.
    """
    if not (place / ADAPTER_CONFIG).exists():
        return None
    if (place / CONFIG).exists():
        raise ModelError(
            f"{place} holds a model and an adapter, {CONFIG} and {ADAPTER_CONFIG}; expected a folder for each, and "
            "base: where the adapter is meant"
        )
    return read_config(place / ADAPTER_CONFIG, dict)
