"""The states of models on prompts, as rows, in a way that is checked; by transformers or another backend."""

from likewise.extraction.backends import backend_of, check_possible
from likewise.extraction.backends.foreign import Foreign
from likewise.extraction.backends.given import Given
from likewise.extraction.check import Finding, check_foreign
from likewise.extraction.check import check as check_model
from likewise.extraction.probe import way_of
from likewise.extraction.rows import BATCH_TOKENS, Rows, extract, tokens_of
from likewise.extraction.ways import USUAL, Batches

__all__ = [
    "BATCH_TOKENS",
    "USUAL",
    "Batches",
    "Finding",
    "Foreign",
    "Given",
    "Rows",
    "backend_of",
    "check_foreign",
    "check_model",
    "check_possible",
    "extract",
    "tokens_of",
    "way_of",
]
