"""What is known of a model before it is loaded, by what runs it: transformers, another backend, or nothing any more.

Each says the same of a `ModelSpec`, so that nobody else asks what runs a model.
"""

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from safetensors import SafetensorError, safe_open

from likewise.catalogue.known import known
from likewise.errors import InputError, ModelError
from likewise.fields import TRANSFORMERS
from likewise.models.configs import of_kind, read_config, text, usable_name, whole
from likewise.models.gguf import gguf_pooling, gguf_size
from likewise.models.installed import installed
from likewise.models.says import NOTHING, Says, says_of
from likewise.models.spec import ADAPTER_CONFIG, CONFIG, OTHERS, PICKLES, WEIGHTS, ModelSpec, adapter_config, locate
from likewise.store import file_hash, files_hash

WIDTHS = ("hidden_size", "n_embd", "d_model")
BLOCKS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
"""What configs call a model's size."""


class Describer(Protocol):
    """Says what is known of a model without a network; `ModelSpec` says what each is."""

    def identity(self, spec: ModelSpec) -> dict[str, Any]:
        """What tells the model from others."""

    def size(self, spec: ModelSpec) -> dict[str, int] | None:
        """Width and number of blocks."""

    def vocabulary(self, spec: ModelSpec) -> int | None:
        """Number of tokens that its output head tells apart."""

    def nbytes(self, spec: ModelSpec, per_weight: float) -> int | None:
        """Bytes that its weights take in memory."""

    def says(self, spec: ModelSpec) -> Says:
        """What it says of its use."""


def describer_of(spec: ModelSpec) -> Describer:
    """Return what describes a model.

    Raises
    ------
    InputError
        If there is no backend of its name, or its package stops with an error.
    """
    if spec.imported is not None:
        return Imported()
    return InFiles() if spec.backend == TRANSFORMERS else ByBackend()


class Imported:
    """Of a model whose representations were imported, its name is known, and no more."""

    def identity(self, spec: ModelSpec) -> dict[str, Any]:
        """Return the name."""
        return {"imported": spec.imported}

    def size(self, spec: ModelSpec) -> None:
        """Nothing."""

    def vocabulary(self, spec: ModelSpec) -> None:
        """Nothing."""

    def nbytes(self, spec: ModelSpec, per_weight: float) -> None:
        """Nothing."""

    def says(self, spec: ModelSpec) -> Says:
        """Return nothing that is said."""
        return NOTHING


class ByBackend:
    """Of a model of an installed package, what its backend says."""

    def identity(self, spec: ModelSpec) -> dict[str, Any]:
        """Return the backend, its version, and what it tells the model by."""
        return installed(spec.backend).identity(spec)

    def size(self, spec: ModelSpec) -> dict[str, int] | None:
        """Return what is said; perhaps only one of both."""
        about = installed(spec.backend).described(spec)
        said = {"width": about.width, "blocks": about.blocks}
        return {name: number for name, number in said.items() if number is not None} or None

    def vocabulary(self, spec: ModelSpec) -> None:
        """Nothing: another backend does not show its head."""

    def nbytes(self, spec: ModelSpec, per_weight: float) -> int | None:
        """Return what the backend says, whatever a weight takes."""
        return installed(spec.backend).described(spec).nbytes

    def says(self, spec: ModelSpec) -> Says:
        """Return the pooling, where one is said."""
        return Says(installed(spec.backend).described(spec).pooling)


class InFiles:
    """Of a model of transformers, what its files say, in its folder or in the hub's cache."""

    def identity(self, spec: ModelSpec) -> dict[str, Any]:
        """Return the hash of its files, or the request to the hub; of an adapter, its base's too."""
        place = locate(spec.model)
        if place is None:
            weights: dict[str, Any] = {"hub": spec.model, "revision": spec.revision or "main"}
            # An adapter on the hub that names its base itself does so under its revision.
            base = of_base(spec, {}) if spec.base else None
        else:
            weights = {"weights": weights_hash(place, pickles=spec.pickled_weights)}
            config = adapter_config(place)
            base = of_base(spec, config) if config is not None else None
            check_base(spec, is_adapter=config is not None)
        return {**weights, **({"base": base.identity()} if base else {}), "variant": spec.variant}

    def size(self, spec: ModelSpec) -> dict[str, int] | None:
        """Return what its config says, or that of its base."""
        place = locate(spec.model)
        if place is not None and place.suffix == ".gguf":
            return gguf_size(place)
        adapter = adapter_config(place) if place else None
        if adapter is not None or spec.base:
            return of_base(spec, adapter or {}).size()
        config = _file(spec, CONFIG)
        if config is not None and (found := config_size(config)):
            return found
        return known("models").get(spec.model)

    def vocabulary(self, spec: ModelSpec) -> int | None:
        """Return what its config says, or that of its base."""
        place = locate(spec.model)
        adapter = adapter_config(place) if place else None
        if adapter is not None or spec.base:
            return of_base(spec, adapter or {}).vocabulary()
        config = None if place is not None and place.suffix == ".gguf" else _file(spec, CONFIG)
        if config is None:
            return None
        fields = read_config(config, dict)
        if fields.get("text_config") is not None:
            fields = of_kind(fields["text_config"], dict, f"{config}: text_config")
        return whole(fields, ("vocab_size",), config)

    def nbytes(self, spec: ModelSpec, per_weight: float) -> int | None:
        """Return what as many weights take as the heads of its files say; None where there are no safetensors here."""
        count = n_weights(spec)
        return None if count is None else int(count * per_weight)

    def says(self, spec: ModelSpec) -> Says:
        """Return what its files say, as those of sentence-transformers or of GGUF do."""
        place = locate(spec.model)
        if place is not None and place.is_file():
            return Says(gguf_pooling(place))
        return says_of(functools.partial(_file, spec))


def n_weights(spec: ModelSpec) -> int | None:
    """Number of its weights, as the heads of its files say; None where there are none in safetensors here."""
    place = locate(spec.model)
    if place is None or place.is_file():
        return None
    adapter = adapter_config(place)
    if adapter is not None:
        return n_weights(of_base(spec, adapter))
    found, whole = 0, place / "model.safetensors"
    for path in [whole] if whole.exists() else sorted(place.glob("*.safetensors")):
        try:
            with safe_open(path, "numpy") as file:
                found += sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
        except (SafetensorError, OSError):
            return None  # loading it says what is wrong with it
    return found or None


def _file(spec: ModelSpec, name: str) -> Path | None:
    """A file of the model, in its folder or in the hub's cache; None where it is not there."""
    place = locate(spec.model)
    if place is None:
        return _cached(spec.model, name, spec.revision)
    return place / name if (place / name).exists() else None


def of_base(spec: ModelSpec, adapter: Mapping[str, Any]) -> ModelSpec:
    """Return the model that this adapter changes: the one given, else the one that the adapter's config names.

    Raises
    ------
    ModelError
        If neither names one, or what is named is not there.
    """
    config = f"{spec.model}: {ADAPTER_CONFIG}"
    name = spec.base or text(adapter, "base_model_name_or_path", config)
    if not name:
        raise ModelError(f"{spec.model} is an adapter that names no base model; name the model with base:")
    try:
        locate(usable_name(name))
    except (InputError, ValueError) as error:
        raise ModelError(
            f"{spec.model} is an adapter of the base model {name[:300]!r}, which was not found ({error}); name "
            "the model with base:"
        ) from error
    return ModelSpec(
        model=name,
        revision=None if spec.base else text(adapter, "revision", config),
        remote_code=spec.remote_code,
        pickled_weights=spec.pickled_weights,
    )


def check_base(spec: ModelSpec, *, is_adapter: bool) -> None:
    """Refuse a base for what is no adapter, where it would mean nothing."""
    if spec.base and not is_adapter:
        raise InputError(
            f"{spec.model} is no adapter (it has no {ADAPTER_CONFIG}), and base: {spec.base} was given; expected "
            "an adapter, or no base"
        )


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
