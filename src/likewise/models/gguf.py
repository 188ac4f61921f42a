"""GGUF files: converted once to a folder in the transformers layout, and asked for their sizes."""

import contextlib
import io
import shutil
import tempfile
from pathlib import Path

from likewise.libraries import cache_folder, imported
from likewise.models import gguf_header as header
from likewise.store import file_hash

POOLINGS = {1: "mean", 2: "first_token", 3: "last_token"}
"""By the number that the format gives them; 0 stands for none."""


def converted(gguf: Path) -> Path:
    """Return a folder with a GGUF file's model in safetensors, made once and kept in the cache.

    Reading GGUF takes some 20 s for 135 million weights, reading what is kept here under one. The output head is kept
    too, for what needs it.
    """
    folder = cache_folder() / "gguf-with-head" / file_hash(gguf)
    if (folder / "config.json").exists():
        return folder
    gguf_size(gguf)  # the library believes what a header says, and would read past the end of a file for ever
    transformers = imported("transformers")
    imported("gguf")
    imported("accelerate")
    where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    # The reader draws a bar of its own on standard error.
    with contextlib.redirect_stderr(io.StringIO()):
        read = transformers.AutoModelForCausalLM.from_pretrained(**where)
    config = read.config
    # What was read is plain weights; saving refuses a config that still calls them quantised.
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = transformers.AutoModelForCausalLM.from_config(config)
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


def gguf_size(gguf: Path) -> dict[str, int]:
    """Width and number of blocks, out of the file's own fields.

    Raises
    ------
    InputError
        If it is no GGUF file, is cut off, or does not say them.
    """
    return header.size(gguf, gguf.stat().st_mtime_ns)


def gguf_pooling(gguf: Path) -> str | None:
    """How the model is pooled, out of the file's own fields; None where nothing is said."""
    said = header.of_architecture(gguf, gguf.stat().st_mtime_ns, "pooling_type")
    return POOLINGS.get(said) if isinstance(said, int) else None
