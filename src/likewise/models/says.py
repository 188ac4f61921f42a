"""What a model says of its own use, in the files of sentence-transformers: how it is pooled and how prompts are read.

Only the files are read; that package is not needed.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from likewise.errors import InputError
from likewise.models.configs import of_kind, read_config, text, usable_name, whole
from likewise.pooling import canonical_pooling

MODULES, PROMPTS = "modules.json", "config_sentence_transformers.json"

READINGS = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
"""What may say how prompts are read: the first of these that is there."""

POOLINGS = {
    "cls": "first_token",
    "cls_token": "first_token",
    "mean": "mean",
    "mean_tokens": "mean",
    "max": "max",
    "max_tokens": "max",
    "mean_sqrt_len_tokens": "mean_sqrt_length",
    "weightedmean": "position_weighted_mean",
    "weightedmean_tokens": "position_weighted_mean",
    "lasttoken": "last_token",
}
"""By the name that sentence-transformers gives them, as the value of ``pooling_mode`` or in ``pooling_mode_...``."""

PACKAGE = "sentence_transformers."
"""Before the types of its modules; others are code that is not run."""


@dataclass(frozen=True)
class Says:
    """What a model says of its use.

    Parameters
    ----------
    pooling : str or None
        As `canonical_pooling` writes it; None where nothing is said.
    why_not : str or None
        Why what is said cannot be followed.
    longest : int or None
        Tokens that a prompt may have.
    lowercase : bool or None
        True where prompts are read in lower case.
    prompt : str or None
        The text that its users' prompts begin with by default.
    """

    pooling: str | None = None
    why_not: str | None = None
    longest: int | None = None
    lowercase: bool | None = None
    prompt: str | None = None

    @property
    def said(self) -> dict[str, Any]:
        """What is there, by name."""
        return {key: value for key, value in asdict(self).items() if value is not None}


NOTHING = Says()


def says_of(file: Callable[[str], Path | None]) -> Says:
    """Return what the files of a model say.

    Parameters
    ----------
    file : callable
        Gives the place of a file by its name within the model's folder; None where it is not there.

    Raises
    ------
    InputError
        If a file is not of its form.
    """
    path = file(MODULES)
    if path is None:
        return NOTHING
    modules = [of_kind(m, dict, f"{path}: a module") for m in read_config(path, list)]
    pooling, why_not = _pooling(modules, path, file)
    reading = next(filter(None, map(file, READINGS)), None)
    config = read_config(reading, dict) if reading else {}
    lowercase = of_kind(config.get("do_lower_case") or False, bool, f"{reading}: do_lower_case")
    return Says(
        pooling, why_not, whole(config, ["max_seq_length"], reading), lowercase or None, prompt=_prompt(file(PROMPTS))
    )


def _pooling(
    modules: list[dict[str, Any]], path: Path, file: Callable[[str], Path | None]
) -> tuple[str | None, str | None]:
    """The pooling of a chain of modules, or why it is not one."""
    types = [text(module, "type", path) or "" for module in modules]
    kinds = [(t.rpartition(".")[2] if t.startswith(PACKAGE) else t)[:80] for t in types[:9]]
    if kinds[:2] != ["Transformer", "Pooling"] or kinds[2:] not in ([], ["Normalize"]):
        return (
            None,
            f"its modules are {', '.join(kinds) or 'none'}; expected Transformer, Pooling and perhaps Normalize",
        )
    folder = _inside(text(modules[1], "path", path) or "", path)
    config = file(f"{folder}/config.json" if folder else "config.json")
    if config is None:
        return None, f"the config of its pooling, {folder}/config.json, is not there"
    modes = _modes(read_config(config, dict), config)
    unknown = [mode for mode in modes if mode not in POOLINGS]
    if unknown or len(modes) != 1:
        asked = " and ".join(mode[:80] for mode in modes[:9]) or "nothing"
        return None, f"it pools by {asked}; expected one of {', '.join(POOLINGS)}"
    normalized = "(normalized=true)" if kinds[2:] else ""
    return canonical_pooling(POOLINGS[modes[0]] + normalized), None


def _modes(config: dict[str, Any], path: Path) -> list[str]:
    """The names of the ways that a config of a pooling turns on; the mean, where it says nothing."""
    start = "pooling_mode"
    if start in config:
        asked = config[start]
        return [of_kind(mode, str, f"{path}: {start}") for mode in (asked if isinstance(asked, list) else [asked])]
    flags = {key.removeprefix(f"{start}_"): value for key, value in config.items() if key.startswith(f"{start}_")}
    for key, value in flags.items():
        if not isinstance(value, bool):
            raise InputError(f"{path}: {start}_{key}: expected true or false, got {type(value).__name__!s}")
    return [key for key, value in flags.items() if value] if flags else ["mean"]


def _inside(folder: str, path: Path) -> str:
    """A folder within the model's."""
    try:
        parts = usable_name(folder).split("/") if folder else []
    except ValueError as error:
        raise InputError(f"{path}: the path of a module {error}") from error
    if any(part in ("", ".", "..") or "\\" in part for part in parts):
        raise InputError(f"{path}: expected a folder beside it as the path of a module, got {folder[:80]!r}")
    return folder


def _prompt(path: Path | None) -> str | None:
    """The text that is put before every prompt where nothing else is asked for."""
    config = read_config(path, dict) if path else {}
    name = text(config, "default_prompt_name", path)
    if path is None or name is None:
        return None
    prompts = of_kind(config.get("prompts"), dict, f"{path}: prompts")
    return text(prompts, name, path) or None
