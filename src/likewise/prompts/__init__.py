"""Prompts: data sets, records, templates, formats and spans, and the same as a model's tokens."""

from likewise.prompts.datasets import DEFAULT_PROMPTS, PROBES, DatasetSpec, RecordsSpec, load_choices, load_prompts
from likewise.prompts.options import Choices
from likewise.prompts.spans import Spans
from likewise.prompts.texts import Format, Prompts
from likewise.prompts.tokens import Tokens, Truncation

__all__ = [
    "DEFAULT_PROMPTS",
    "PROBES",
    "Choices",
    "DatasetSpec",
    "Format",
    "Prompts",
    "RecordsSpec",
    "Spans",
    "Tokens",
    "Truncation",
    "load_choices",
    "load_prompts",
]
