"""Which model is meant, where it lies, what tells it from others, and how large it is. Nothing is loaded here."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from likewise.catalogue.imported import imported_name
from likewise.catalogue.known import known, packaged_file
from likewise.errors import InputError, ModelError
from likewise.fields import TRANSFORMERS
from likewise.models.configs import of_kind, read_config, text, usable_name, whole
from likewise.models.gguf import gguf_pooling, gguf_size
from likewise.models.says import NOTHING, Says, says_of
from likewise.naming import did_you_mean
from likewise.store import file_hash, files_hash

if TYPE_CHECKING:
    from likewise.models.installed import Installed

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

    def identity(self) -> dict[str, Any]:
        """What tells this model from others, without a network: its files' content, or the request to the hub."""
        if self.imported is not None:
            return {"imported": self.imported}
        if (other := self.other_backend) is not None:
            return other.identity(self)
        place = locate(self.model)
        if place is None:
            weights: dict[str, Any] = {"hub": self.model, "revision": self.revision or "main"}
            # An adapter on the hub that names its base itself does so under its revision.
            base = self.of_base({}) if self.base else None
        else:
            weights = {"weights": weights_hash(place, pickles=self.pickled_weights)}
            config = adapter_config(place)
            base = self.of_base(config) if config is not None else None
            self.check_base(is_adapter=config is not None)
        return {**weights, **({"base": base.identity()} if base else {}), "variant": self.variant}

    def size(self) -> dict[str, int] | None:
        """Width and number of blocks, as far as known without a network; of another backend perhaps only one."""
        if self.imported is not None:
            return None
        if (other := self.other_backend) is not None:
            about = other.described(self)
            said = {"width": about.width, "blocks": about.blocks}
            return {name: number for name, number in said.items() if number is not None} or None
        place = locate(self.model)
        if place is not None and place.suffix == ".gguf":
            return gguf_size(place)
        adapter = adapter_config(place) if place else None
        if adapter is not None or self.base:
            return self.of_base(adapter or {}).size()
        config = self._file(CONFIG)
        if config is not None and (found := config_size(config)):
            return found
        return known("models").get(self.model)

    def vocabulary(self) -> int | None:
        """Number of tokens that its output head tells apart, as far as its config says it without a network."""
        if self.imported is not None or self.other_backend is not None:
            return None
        place = locate(self.model)
        adapter = adapter_config(place) if place else None
        if adapter is not None or self.base:
            return self.of_base(adapter or {}).vocabulary()
        config = None if place is not None and place.suffix == ".gguf" else self._file(CONFIG)
        if config is None:
            return None
        fields = read_config(config, dict)
        if fields.get("text_config") is not None:
            fields = of_kind(fields["text_config"], dict, f"{config}: text_config")
        return whole(fields, ("vocab_size",), config)

    @property
    def other_backend(self) -> "Installed | None":
        """What describes the model where that is not transformers."""
        if self.backend == TRANSFORMERS:
            return None
        from likewise.models.installed import installed

        return installed(self.backend)

    def n_weights(self) -> int | None:
        """Number of its weights, as the heads of its files say; None where there are none in safetensors here."""
        place = None if self.imported is not None else locate(self.model)
        if place is None or place.is_file():
            return None
        adapter = adapter_config(place)
        if adapter is not None:
            return self.of_base(adapter).n_weights()
        found, whole = 0, place / "model.safetensors"
        for path in [whole] if whole.exists() else sorted(place.glob("*.safetensors")):
            try:
                with safe_open(path, "numpy") as file:
                    found += sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
            except (SafetensorError, OSError):
                return None  # loading it says what is wrong with it
        return found or None

    def says(self) -> Says:
        """What the model says of its use, as far as is known without a network; of an adapter, what its own files say.

        Raises
        ------
        InputError
            If a file is not of its form.
        """
        if self.imported is not None:
            return NOTHING
        if (other := self.other_backend) is not None:
            return Says(other.described(self).pooling)
        place = locate(self.model)
        if place is not None and place.is_file():
            return Says(gguf_pooling(place))
        return says_of(self._file)

    def _file(self, name: str) -> Path | None:
        """A file of the model, in its folder or in the hub's cache; None where it is not there."""
        place = locate(self.model)
        if place is None:
            return _cached(self.model, name, self.revision)
        return place / name if (place / name).exists() else None

    def of_base(self, adapter: Mapping[str, Any]) -> "ModelSpec":
        """Return the model that this adapter changes: the one given, else the one that the adapter's config names.

        Raises
        ------
        ModelError
            If neither names one, or what is named is not there.
        """
        config = f"{self.model}: {ADAPTER_CONFIG}"
        name = self.base or text(adapter, "base_model_name_or_path", config)
        if not name:
            raise ModelError(f"{self.model} is an adapter that names no base model; name the model with base:")
        try:
            locate(usable_name(name))
        except (InputError, ValueError) as error:
            raise ModelError(
                f"{self.model} is an adapter of the base model {name[:300]!r}, which was not found ({error}); name "
                "the model with base:"
            ) from error
        return ModelSpec(
            model=name,
            revision=None if self.base else text(adapter, "revision", config),
            remote_code=self.remote_code,
            pickled_weights=self.pickled_weights,
        )

    def check_base(self, *, is_adapter: bool) -> None:
        """Refuse a base for what is no adapter, where it would mean nothing."""
        if self.base and not is_adapter:
            raise InputError(
                f"{self.model} is no adapter (it has no {ADAPTER_CONFIG}), and base: {self.base} was given; expected "
                "an adapter, or no base"
            )


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
    near = did_you_mean(name, packaged)
    if near.startswith("did you mean") or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise InputError(f"unknown model {name!r}; {near}; a local model is a folder or a .gguf file that exists")
    return None


def weights_hash(place: Path, *, pickles: bool = False) -> str:
    """SHA-256 of a model's files: weights, config and tokenizer; pickles only where they may be read.

    Raises
    ------
    InputError
        If one of them is no regular file.
    """
    if place.is_file():
        return file_hash(place)
    kinds = (*WEIGHTS, *OTHERS, *(PICKLES if pickles else ()))
    return files_hash([p for p in place.iterdir() if p.suffix in kinds])


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


WIDTHS = ("hidden_size", "n_embd", "d_model")
BLOCKS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
"""What configs call a model's size."""


def config_size(path: Path) -> dict[str, int] | None:
    """Return width and number of blocks out of a model's config; None where it does not say them.

    Raises
    ------
    InputError
        If the file is no config, or says them as anything but numbers that a model can have.
    """
    fields = read_config(path, dict)
    if fields.get("text_config") is not None:
        fields = of_kind(fields["text_config"], dict, f"{path}: text_config")
    width, blocks = (whole(fields, names, path, most) for names, most in ((WIDTHS, 10**7), (BLOCKS, 10**4)))
    return {"width": width, "blocks": blocks} if width and blocks else None


def _cached(hub: str, name: str, revision: str | None) -> Path | None:
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    try:
        found = try_to_load_from_cache(hub, name, revision=revision)
    except ValueError as error:
        raise InputError(f"{hub!r} is neither a model on this machine nor a hub id: {error}") from error
    return Path(found) if isinstance(found, str) else None
