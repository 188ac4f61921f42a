"""Adapters of PEFT: small files of changes to a base model, which are put into its weights."""

import warnings
from pathlib import Path
from typing import Any

from likewise.errors import ModelError
from likewise.libraries import imported
from likewise.models.spec import ADAPTER_CONFIG, CONFIG, ModelSpec, adapter_config

CLASSES = {
    None: "AutoModelForCausalLM",
    "CAUSAL_LM": "AutoModelForCausalLM",
    "SEQ_2_SEQ_LM": "AutoModelForSeq2SeqLM",
    "FEATURE_EXTRACTION": "AutoModel",
}
"""The class of base model by the task that an adapter was made for: an adapter's names are those of that class."""

MERGED = {
    "ADALORA", "BOFT", "BONE", "C3A", "DELORA", "FOURIERFT", "GRALORA", "HIRA", "HRA", "IA3", "LN_TUNING", "LOHA",
    "LOKR", "LORA", "MISS", "OFT", "PVERA", "RANDLORA", "ROAD", "SHIRA", "TRAINABLE_TOKENS", "VBLORA", "VERA", "WAVEFT",
}  # fmt: skip
"""Types of adapters that are changes of weights by numbers of their own files; XLORA names further files."""

SAFE, PICKLED = "adapter_model.safetensors", "adapter_model.bin"


def find_adapter(spec: ModelSpec, place: Path | None) -> tuple[Path, dict[str, Any]] | None:
    """Return the folder and config of an adapter; None where the model is a whole one.

    Parameters
    ----------
    spec : ModelSpec
        The model.
    place : Path or None
        Where it lies; None for a hub id, whose files are then fetched.

    Raises
    ------
    ModelError
        If its weights are missing, or in pickles that may not be read.
    """
    folder = place if place is not None else _fetched(spec)
    if folder is None or folder.is_file():
        return None
    config = adapter_config(folder)
    if config is None:
        return None
    if not (folder / SAFE).exists():
        if not (folder / PICKLED).exists():
            raise ModelError(f"the adapter {spec.model} has no weights; expected {SAFE}")
        if not spec.pickled_weights:
            raise ModelError(
                f"the adapter {spec.model} has its weights in a pickle ({PICKLED}), which is refused; expected "
                f"{SAFE}, or pickled_weights: true for this model, which reads tensors only"
            )
    return folder, config


def base_class(spec: ModelSpec, config: dict[str, Any]) -> str:
    """Return the name of the class that the adapter's base model is loaded by.

    Raises
    ------
    ModelError
        If the adapter is for a task with a head of its own.
    """
    task = config.get("task_type")
    if not (task is None or isinstance(task, str)) or task not in CLASSES:
        known = ", ".join(k for k in CLASSES if k)
        raise ModelError(f"the adapter {spec.model} is for the task {str(task)[:80]}; expected one of {known}")
    return CLASSES[task]


def merged(model: Any, folder: Path, spec: ModelSpec) -> Any:
    """Return the model with the adapter's changes in its weights, and nothing else left of the adapter.

    Raises
    ------
    ModelError
        If the adapter is no change of weights, or does not fit the model.
    """
    peft = imported("peft")
    config = adapter_config(folder) or {}
    # Read here and not by the library, which would go by what else the config names.
    if (kind := str(config.get("peft_type"))) not in MERGED:
        raise ModelError(
            f"the adapter {spec.model} is of the type {kind[:40]}, which is no change of weights by numbers of its own "
            f"file; expected one of {', '.join(sorted(MERGED))}"
        )
    if config.get("megatron_config") is not None:
        raise ModelError(
            f"the adapter {spec.model} has a megatron_config, for which a Python module that it names would be run; "
            "save it again without"
        )
    _resize(model, folder, spec)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        changed = peft.PeftModel.from_pretrained(model, str(folder), autocast_adapter_dtype=False)
    for warning in told:
        # The library goes on with what is missing as new, as if nothing had been learnt there.
        if "missing adapter keys" in str(warning.message):
            raise ModelError(
                f"the adapter {spec.model} does not fit its base model: it lacks weights that its config names"
            )
        if not issubclass(warning.category, FutureWarning):  # else between the two libraries
            warnings.warn(warning.message, stacklevel=2)
    return changed.merge_and_unload(safe_merge=True)


def _resize(model: Any, folder: Path, spec: ModelSpec) -> None:
    """Give the model as many token ids as the adapter has rows for, where it was trained with added tokens."""
    if not (folder / SAFE).exists():
        return
    tables = {id(table) for table in (model.get_input_embeddings(), model.get_output_embeddings()) if table is not None}
    names = [name for name, module in model.named_modules() if id(module) in tables]
    with imported("safetensors").safe_open(str(folder / SAFE), framework="pt") as file:
        rows = {
            file.get_slice(key).get_shape()[0]
            for key in file.keys()  # noqa: SIM118  # it is no mapping
            if key.endswith("weight") and ".lora_" not in key and any(f".{name}." in key for name in names)
        }
    if len(rows) > 1:
        raise ModelError(f"the adapter {spec.model} has embeddings of {' and '.join(map(str, sorted(rows)))} tokens")
    if rows and (count := rows.pop()) != model.get_input_embeddings().weight.shape[0]:
        # All of them are replaced by the adapter's own.
        model.resize_token_embeddings(count, mean_resizing=False)


def _fetched(spec: ModelSpec) -> Path | None:
    """The folder of a hub id's adapter in the hub's cache; None where the id has none."""
    transformers = imported("transformers")
    where: dict[str, Any] = {
        "revision": spec.revision,
        "_raise_exceptions_for_gated_repo": False,
        "_raise_exceptions_for_missing_entries": False,
        "_raise_exceptions_for_connection_errors": False,
    }
    config = transformers.utils.cached_file(spec.model, ADAPTER_CONFIG, **where)
    if config is None:
        return None
    for name in (CONFIG, SAFE, *([PICKLED] if spec.pickled_weights else [])):
        transformers.utils.cached_file(spec.model, name, **where)
    return Path(config).parent
