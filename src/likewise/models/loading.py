"""Load models: weights are read, code and pickles never run. What is loaded is the part that reads the prompt."""

import contextlib
import gc
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args
from weakref import WeakSet

from likewise.errors import InputError, MissingDependencyError, ModelError
from likewise.libraries import imported, quiet
from likewise.models.adapters import base_class, find_adapter, merged
from likewise.models.decoder import text_stack, tokenizer_length
from likewise.models.describers import check_base, of_base
from likewise.models.gguf import converted
from likewise.models.hub import says_on_hub
from likewise.models.spec import PICKLES, TOKENIZERS, ModelSpec, locate
from likewise.models.variants import apply_variant

Precision: TypeAlias = Literal["float32", "bfloat16", "float16", "int8", "int4"]

DTYPES: tuple[str, ...] = get_args(Precision)
"""Precisions that a model can be run in; the last two are of its weight matrices alone, by bitsandbytes."""

COMPUTED_IN = {"int8": "float16", "int4": "bfloat16"}
"""What the products of quantised weights are calculated in, and everything else is kept in."""

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "tokenizer_config.json")
"""Of these a folder has at least one, where it has a tokenizer."""


WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
"""Where the library looks for weights: in one file, or in those of a list."""

VARIANT = re.compile(r"model\.(\w+)\.safetensors")
"""A file of weights in another precision, such as ``model.fp16.safetensors``."""


@dataclass(frozen=True)
class LoadedModel:
    """A model without its output head, ready for inference.

    Parameters
    ----------
    model : transformers model
        The stack of blocks that reads the prompt.
    tokenizer : transformers tokenizer
        Its tokenizer.
    revision : str or None
        The commit that was resolved on the hub.
    head_model : transformers model or None
        The causal language model whose part ``model`` is, where it was asked for. Variants leave its head as it is.
    dtype : str
        The precision that it was loaded in, one of `DTYPES`.
    longest : int or None
        Tokens that a prompt may have by the model's own word, where it is less than it could read.
    lowercase : bool
        Whether its prompts are read in lower case, by its own word.
    """

    model: Any
    tokenizer: Any
    revision: str | None
    head_model: Any = None
    dtype: str = "float32"
    longest: int | None = None
    lowercase: bool = False

    @property
    def whole(self) -> Any:
        """The model with its output head, where it has one."""
        return self.model if self.head_model is None else self.head_model


_HELD: WeakSet[Any] = WeakSet()
"""Models that were loaded and are still in memory."""


def load_model(spec: ModelSpec, *, device: str, dtype: str, head: bool = False) -> LoadedModel:
    """Load a model and its tokenizer, merge its adapter, apply its variant.

    Parameters
    ----------
    spec : ModelSpec
        Which model.
    device : {"cpu", "cuda", "auto"}
        Where it runs; ``auto`` spreads a large one over all GPUs that there are.
    dtype : str
        One of `DTYPES`.
    head : bool
        Keep the output head, for generation.

    Raises
    ------
    ModelError
        If it cannot be had, needs its own code, has its weights in pickles only, lacks some of them, or reads no text;
        with ``head``, if it is no causal language model.
    InputError
        If it cannot run on this device, or its variant not in this precision.
    """
    torch, transformers = imported("torch"), imported("transformers")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda: torch finds no CUDA device here; use --device cpu")
    if dtype in COMPUTED_IN and spec.variant:
        raise InputError(
            f"{spec.variant} changes weights, and those of {dtype} are packed; expected a dtype of floating point"
        )
    # A model before may hang in a cycle of references, and two do not fit.
    if _HELD:
        gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    revision = None
    with quiet(transformers), _explained(spec):
        place = locate(spec.model)
        found = find_adapter(spec, place)
        check_base(spec, is_adapter=found is not None)
        if found and dtype in COMPUTED_IN:
            raise InputError(
                f"the adapter {spec.model} is merged into its base model's weights, and those of {dtype} are packed; "
                "expected a dtype of floating point"
            )
        placement = _placement(device, dtype)
        if found is None:
            whole, tokenizer = _read(spec, "AutoModelForCausalLM" if head else "AutoModel", placement, head=head)
        else:
            folder, config = found
            kind = base_class(spec, config)
            if head and kind != "AutoModelForCausalLM":
                raise ModelError(f"{spec.model} is no causal language model, but an adapter for {config['task_type']}")
            whole, tokenizer = _read_base(spec, config, kind, placement, head=head)
            if _has_tokenizer(folder):
                # Without a word the library would ask on the terminal whether to run what the folder holds.
                told = {"config": whole.config, "trust_remote_code": spec.remote_code}
                _check_code(spec, str(folder), whole=False)
                tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), **told)
            whole = merged(whole, folder, spec)
            revision = None if place is not None else folder.name  # the hub's cache calls it by the commit
        _HELD.add(whole)  # already here: where it does not fit on the device, the next one finds it
        if "device_map" not in placement:
            whole = whole.to(device)
        stack = text_stack(whole.eval())
        _HELD.add(stack)
        says = spec.says() if place is not None else says_on_hub(spec.model, spec.revision)
    stack = apply_variant(stack, spec.variant)
    revision = revision or getattr(whole.config, "_commit_hash", None)
    longest = says.longest or (tokenizer_length(tokenizer) if says.said else None)
    return LoadedModel(stack, tokenizer, revision, whole if head else None, dtype, longest, bool(says.lowercase))


def one_device(device: str) -> str:
    """Return where to calculate beside models that are spread over all GPUs with ``auto``: on the first, if any."""
    if device != "auto":
        return device
    return "cuda" if imported("torch").cuda.is_available() else "cpu"


def _read_base(
    spec: ModelSpec, config: dict[str, Any], kind: str, placement: Mapping[str, Any], *, head: bool
) -> tuple[Any, Any]:
    base = of_base(spec, config)
    try:
        with _explained(base):
            if find_adapter(base, locate(base.model)) is not None:
                raise ModelError(f"the base model {base.model} of the adapter {spec.model} is itself an adapter")
            return _read(base, kind, placement, head=head)
    except ModelError as error:
        error.add_note(f"the base model of the adapter {spec.model}; another can be named with base:")
        raise


def _read(spec: ModelSpec, kind: str, placement: Mapping[str, Any], *, head: bool) -> tuple[Any, Any]:
    """A whole model as the library has it, and its tokenizer."""
    transformers = imported("transformers")
    place = locate(spec.model)
    if place is not None and place.is_file():
        place = converted(place)
    where: dict[str, Any] = {
        "pretrained_model_name_or_path": str(place or spec.model),
        "trust_remote_code": spec.remote_code,
    }
    if place is None and spec.revision:
        where["revision"] = spec.revision
    _check_code(spec, where["pretrained_model_name_or_path"], where.get("revision"))
    config = _without_kernels(transformers.AutoConfig.from_pretrained(**where))
    if head:
        _check_causal(spec, config)
    safe = not spec.pickled_weights or _has_safetensors(spec, place)
    if safe and place is not None and not _has_safetensors(spec, place):
        raise ModelError(_without_safetensors(spec))
    # Without its files, some classes of tokenizer come out empty, and without a word.
    missing = place is not None and not _has_tokenizer(place)
    tokenizer = None if missing else transformers.AutoTokenizer.from_pretrained(**where)
    files = set(getattr(tokenizer, "vocab_files_names", {}).values())
    if missing or (place is not None and files and not _has_tokenizer(place, files | set(TOKENIZER_FILES[:-1]))):
        raise ModelError(f"{spec.model} has no tokenizer; expected a file such as {', '.join(TOKENIZER_FILES[:-1])}")
    named = weights_by_name(place) if safe and place is not None else {}
    how = {**where, **placement, **named, "config": config, "use_safetensors": safe, "output_loading_info": True}
    model, told = getattr(transformers, kind).from_pretrained(**how)
    lost = _lost(model, told["missing_keys"], head=head)
    if lost and kind == "AutoModel" and type(config) in transformers.MODEL_FOR_CAUSAL_LM_MAPPING:
        # The library translates the names of some models' weights only where they are loaded with their head.
        del model
        model, told = transformers.AutoModelForCausalLM.from_pretrained(**how)
        lost = lost if _lost(model, told["missing_keys"], head=False) else []
    if lost:
        raise ModelError(
            f"{spec.model} lacks {len(lost)} of its weights, such as {lost[0]}; expected all that its config asks for"
        )
    return model, tokenizer


IMPLEMENTATIONS = {
    "_attn_implementation": ("eager", "sdpa"),
    "_experts_implementation": ("eager", "batched_mm", "grouped_mm"),
}
"""What a config may choose of the library's own; whatever else it names would be fetched as code, and run."""


def _without_kernels(config: Any) -> Any:
    """A config that leaves the rest to the library; in place, with the configs within it."""
    for key in getattr(config, "sub_configs", {}):
        if (part := getattr(config, key, None)) is not None:
            _without_kernels(part)
    for key, own in IMPLEMENTATIONS.items():
        if getattr(config, key, None) not in (None, *own):
            setattr(config, f"{key}_internal", None)
    return config


def _check_code(spec: ModelSpec, place: str, revision: str | None = None, *, whole: bool = True) -> None:
    """Refuse code that a model names in a repository which is not its own: whoever allowed its code read that alone."""
    if not spec.remote_code:
        return
    transformers = imported("transformers")
    config = transformers.PreTrainedConfig.get_config_dict(place, revision=revision)[0] if whole else {}
    tokenizer = transformers.models.auto.tokenization_auto.get_tokenizer_config(place, revision=revision)
    for fields in (config, tokenizer):
        for named in (fields.get("auto_map") or {}).values():
            for one in named if isinstance(named, list | tuple) else [named]:
                repository, other, _ = str(one).partition("--")
                if other and repository != spec.model:
                    raise ModelError(
                        f"{spec.model} names Python code of another repository ({one}), and remote_code: true is for "
                        f"its own: put the files of {repository} beside it, without '{repository}--' in auto_map"
                    )


def _placement(device: str, dtype: str) -> dict[str, Any]:
    """What the library needs to know of device and precision."""
    torch, transformers = imported("torch"), imported("transformers")
    placement: dict[str, Any] = {"dtype": getattr(torch, COMPUTED_IN.get(dtype, dtype))}
    if device == "auto" or dtype in COMPUTED_IN:
        imported("accelerate")
        placement["device_map"] = "auto" if device == "auto" else {"": device}
    if dtype in COMPUTED_IN:
        imported("bitsandbytes", "quantized")
        placement["quantization_config"] = (
            transformers.BitsAndBytesConfig(load_in_8bit=True)
            if dtype == "int8"
            else transformers.BitsAndBytesConfig(
                load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=placement["dtype"]
            )
        )
    return placement


def _has_tokenizer(folder: Path, files: Collection[str] = TOKENIZER_FILES) -> bool:
    names = {p.name for p in folder.iterdir()}
    return not names.isdisjoint(files) or any(n.endswith(TOKENIZERS) for n in names)


def weights_by_name(folder: Path) -> dict[str, str]:
    """What the library needs to be told where safetensors have not the names that it looks for.

    Raises
    ------
    ModelError
        If it is not clear which files belong together, or some are missing.
    """
    found = {path.name for path in folder.glob("*.safetensors")}
    if not found or found & {WHOLE, INDEX} or (folder / INDEX).exists():
        return {}
    kinds = {match[1] for name in found if (match := VARIANT.fullmatch(name))}
    if len(kinds) == 1:
        return {"variant": kinds.pop()}
    raise ModelError(
        f"{folder} has weights in safetensors ({', '.join(sorted(found)[:3])}{', ...' if len(found) > 3 else ''}) that "
        f"are not named as expected: one file {WHOLE}, or several with their list {INDEX}; fetch the list too, or load "
        "and save the model again"
    )


def _has_safetensors(spec: ModelSpec, place: Path | None) -> bool:
    """Whether there are weights in safetensors, asked of the hub for a hub id."""
    if place is not None:
        return any(place.glob("*.safetensors"))
    cached_file = imported("transformers").utils.cached_file
    names = (INDEX, WHOLE)
    quietly = {"_raise_exceptions_for_gated_repo": False, "_raise_exceptions_for_missing_entries": False}
    return any(cached_file(spec.model, name, revision=spec.revision, **quietly) for name in names)


def _check_causal(spec: ModelSpec, config: Any) -> None:
    """Refuse a model without a head that says the next token."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING

    own = "AutoModelForCausalLM" in (getattr(config, "auto_map", None) or {})
    masked = type(config) in MODEL_FOR_MASKED_LM_MAPPING and not getattr(config, "is_decoder", False)
    if not own and (config.is_encoder_decoder or masked or type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING):
        raise ModelError(f"{spec.model} is no causal language model ({config.model_type}); expected one that generates")


def _lost(model: Any, missing: Any, *, head: bool) -> list[str]:
    """Weights of a model that were not in its files: the library draws them at random."""
    used = {
        id(t) for part in ([model] if head else [text_stack(model)]) for t in part.state_dict(keep_vars=True).values()
    }
    own = {name: id(t) for name, t in model.state_dict(keep_vars=True).items()}
    # What a pooler makes of the first token is read by nothing here, and often not kept.
    return sorted(k for k in missing if own.get(k) in used and "pooler." not in k)


@contextlib.contextmanager
def _explained(spec: ModelSpec) -> Iterator[None]:
    """Say what was looked for and what helps, whatever the library raises while loading."""
    try:
        yield
    except (InputError, ModelError, MissingDependencyError):
        raise
    except Exception as error:
        raise ModelError(_explanation(spec, error)) from error


def _without_safetensors(spec: ModelSpec) -> str:
    return (
        f"{spec.model} has no weights in safetensors; pickled weights ({', '.join(PICKLES[:2])}) are refused because "
        "loading them can run code: convert them, or set pickled_weights: true for this model, which reads tensors only"
    )


def _explanation(spec: ModelSpec, error: Exception) -> str:
    text = str(error)
    kind = type(error).__name__
    first = text.splitlines()[0] if text else kind
    if "trust_remote_code" in text or "execute" in text:
        return (
            f"{spec.model} needs Python code out of its own repository, which is not run unless that model is "
            "named for it: read that code, then set remote_code: true for this model"
        )
    if "safetensors" in text and ("does not appear to have" in text or "no file named" in text):
        return f"{_without_safetensors(spec)} ({first})"
    if "does not recognize this architecture" in text or "Unrecognized model" in text:
        return (
            f"{spec.model} is of a type that transformers {imported('transformers').__version__} does not know; needed "
            f"is a type that it knows, or a newer version of it ({first})"
        )
    if kind == "SafetensorError":
        return f"a weights file of {spec.model} is cut short or damaged ({first}); fetch it again"
    if kind == "UnpicklingError":
        return f"a weights file of {spec.model} is damaged, or a pickle that holds more than tensors, and was not read"
    return (
        f"{spec.model}{f' at {spec.revision}' if spec.revision else ''} could not be loaded from the hub, its "
        f"cache or this machine ({kind}: {first}); a model that is on this machine is given by its "
        "folder or .gguf file"
    )
