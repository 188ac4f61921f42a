"""Models by name: packaged, a hub id, a local folder, a GGUF file. Weights are read, code and pickles never run."""

import contextlib
import functools
import importlib
import importlib.metadata
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from likewise.errors import InputError, MissingDependencyError, ModelError
from likewise.extract.known import known, packaged_file
from likewise.extract.variants import apply_variant
from likewise.naming import did_you_mean
from likewise.store import file_hash, files_hash

DTYPES = ("float32", "bfloat16", "float16")
"""Precisions that a model can be run in."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Which model: a packaged name, hub id, folder or GGUF file, with its revision and variant.

    Parameters
    ----------
    model : str
        ``smollm2-135m-instruct``, a hub id such as ``EleutherAI/pythia-70m``, a folder or a ``.gguf`` file.
    revision : str, optional
        Branch, tag or commit of a hub model.
    variant : str, optional
        As `canonical_variant` writes it.
    remote_code : bool
        Let the repository's own Python code run. Only for a model whose code you have read.
    """

    model: str
    revision: str | None = None
    variant: str | None = None
    remote_code: bool = False

    def identity(self) -> dict[str, Any]:
        """What tells this model from others, without a network: its files' content, or the request to the hub."""
        place = locate(self.model)
        weights = (
            {"weights": weights_hash(place)} if place else {"hub": self.model, "revision": self.revision or "main"}
        )
        return {**weights, "variant": self.variant}

    def size(self) -> dict[str, int] | None:
        """Width and number of blocks, where they can be known without a network."""
        place = locate(self.model)
        if place is not None and place.suffix == ".gguf":
            return _gguf_size(place)
        config = place / "config.json" if place else _cached_config(self.model, self.revision)
        if config is not None and config.exists():
            try:
                fields = json.loads(config.read_text(encoding="utf-8"))
            except ValueError as error:
                raise InputError(f"{config} is not JSON: {error}") from error
            fields = fields.get("text_config", fields)
            width = next((fields[k] for k in ("hidden_size", "n_embd", "d_model") if k in fields), None)
            blocks = next((fields[k] for k in ("num_hidden_layers", "n_layer", "n_layers") if k in fields), None)
            if width and blocks:
                return {"width": width, "blocks": blocks}
        return known("models").get(self.model)


@dataclass(frozen=True)
class LoadedModel:
    """A base model without its output head, ready for inference, its tokenizer, and the revision that was resolved."""

    model: Any
    tokenizer: Any
    revision: str | None
    head_model: Any = None


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
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").exists():
            raise InputError(f"the folder {path} has no config.json; needed is a model in the transformers layout")
        return path
    if path.suffix == ".gguf":
        if not path.exists():
            raise InputError(f"there is no file {path}")
        return path
    near = did_you_mean(name, packaged)
    if near.startswith("did you mean") or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise InputError(f"unknown model {name!r}; {near}; a local model is a folder or a .gguf file that exists")
    return None


def weights_hash(place: Path) -> str:
    """SHA-256 of a model's files: weights, config and tokenizer."""
    if place.is_file():
        return file_hash(place)
    kinds = (".safetensors", ".json", ".model", ".txt", ".jinja", ".tiktoken", ".py")
    kept = [p for p in place.iterdir() if p.suffix in kinds]
    return files_hash(kept)


def load_model(spec: ModelSpec, *, device: str, dtype: str) -> LoadedModel:
    """Load a model and its tokenizer and apply its variant.

    Raises
    ------
    ModelError
        If it cannot be had, needs its own code, or has its weights in pickles only.
    """
    torch = _import("torch")
    transformers = _import("transformers")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda was asked for, and torch sees no CUDA device here; use --device cpu")
    place = locate(spec.model)
    with _quiet(transformers), _explained(spec):
        if place is not None and place.is_file():
            place = converted(place)
        if place is not None and not any(place.glob("*.safetensors")):
            raise ModelError(
                f"{spec.model} has no weights in safetensors; pickled weights (.bin, .pt) are refused because loading "
                "them can run code: convert them first"
            )
        where = {
            "pretrained_model_name_or_path": str(place or spec.model),
            "trust_remote_code": spec.remote_code,
        }
        if place is None and spec.revision:
            where["revision"] = spec.revision
        tokenizer = transformers.AutoTokenizer.from_pretrained(**where)
        model = transformers.AutoModel.from_pretrained(**where, dtype=getattr(torch, dtype), use_safetensors=True)
    model = apply_variant(model.to(device).eval(), spec.variant)
    return LoadedModel(model, tokenizer, getattr(model.config, "_commit_hash", None))


def converted(gguf: Path) -> Path:
    """Return a folder with a GGUF file's model in safetensors, made once and kept in the cache.

    Reading GGUF takes some 20 s for 135 million weights, reading what is kept here under one.
    """
    folder = cache_folder() / "gguf" / file_hash(gguf)
    if (folder / "config.json").exists():
        return folder
    transformers = _import("transformers")
    _import("gguf")
    _import("accelerate")
    where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    # The reader draws a bar of its own on standard error.
    with contextlib.redirect_stderr(io.StringIO()):
        read = transformers.AutoModel.from_pretrained(**where)
    config = read.config
    # What was read is plain weights; saving refuses a config that still calls them quantised.
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = transformers.AutoModel.from_config(config)
    model.load_state_dict(read.state_dict())
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder.parent))
    try:
        model.save_pretrained(unfinished)
        transformers.AutoTokenizer.from_pretrained(**where).save_pretrained(unfinished)
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was faster, and made the same
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def cache_folder() -> Path:
    """Return where converted models are kept: ``LIKEWISE_CACHE``, or the user's cache folder."""
    if chosen := os.environ.get("LIKEWISE_CACHE"):
        return Path(chosen)
    return Path(_import("platformdirs").user_cache_dir("likewise"))


def library_versions() -> dict[str, str]:
    """Versions of what decides on the states of a model and their scores, as far as installed."""
    names = ("likewise", "numpy", "scipy", "torch", "transformers", "tokenizers")
    installed = {}
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            installed[name] = importlib.metadata.version(name)
    return installed


def _gguf_size(gguf: Path) -> dict[str, int]:
    return _gguf_fields(gguf, gguf.stat().st_mtime_ns)


@functools.cache
def _gguf_fields(gguf: Path, changed: int) -> dict[str, int]:
    try:
        fields = _import("gguf").GGUFReader(gguf).fields
    except (ValueError, IndexError, OSError) as error:
        raise InputError(f"{gguf} cannot be read as GGUF: {error}") from error
    architecture = fields["general.architecture"].contents()
    return {
        "width": int(fields[f"{architecture}.embedding_length"].contents()),
        "blocks": int(fields[f"{architecture}.block_count"].contents()),
    }


def _cached_config(hub: str, revision: str | None) -> Path | None:
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    try:
        found = try_to_load_from_cache(hub, "config.json", revision=revision)
    except ValueError as error:
        raise InputError(f"{hub!r} is neither a model on this machine nor a hub id: {error}") from error
    return Path(found) if isinstance(found, str) else None


def _import(library: str) -> Any:
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise MissingDependencyError(library, "extract") from error


@contextlib.contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Keep the library's bars and notices out of our progress."""
    logging = transformers.utils.logging
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()


@contextlib.contextmanager
def _explained(spec: ModelSpec) -> Iterator[None]:
    """Say what was looked for and what helps, whatever the library raises while loading."""
    try:
        yield
    except (InputError, ModelError, MissingDependencyError):
        raise
    except Exception as error:
        text = str(error)
        first = text.splitlines()[0] if text else type(error).__name__
        if "trust_remote_code" in text or "execute" in text:
            raise ModelError(
                f"{spec.model} needs Python code out of its own repository, which is not run unless that model is "
                "named for it: read that code, then set remote_code: true for this model"
            ) from error
        if "safetensors" in text and ("does not appear to have" in text or "no file named" in text):
            raise ModelError(
                f"{spec.model} has no weights in safetensors; pickled weights are refused because loading them can "
                f"run code ({first})"
            ) from error
        raise ModelError(
            f"{spec.model}{f' at {spec.revision}' if spec.revision else ''} could not be loaded from the hub, its "
            f"cache or this machine ({type(error).__name__}: {first}); a model that is on this machine is given by its "
            "folder or .gguf file"
        ) from error
