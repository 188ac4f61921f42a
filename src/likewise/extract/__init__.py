"""Models, prompts, and the states of the ones on the others. The only room where torch models live."""

from likewise.extract.audit import audit, audit_prompts, audit_tokens
from likewise.extract.backends import Backend, Described, Foreign, Given, backend_of, check_possible
from likewise.extract.check import Finding, check_foreign
from likewise.extract.check import check as check_model
from likewise.extract.configs import usable_name
from likewise.extract.datasets import DEFAULT_PROMPTS, PROBES, DatasetSpec, RecordsSpec, load_choices, load_prompts
from likewise.extract.extract import BATCH_TOKENS, Rows, extract, tokens_of
from likewise.extract.hub import Resolved, resolve_dataset, resolve_model
from likewise.extract.imported import IMPORTED
from likewise.extract.layers import (
    CHOICES,
    LOGITS,
    OUTPUTS,
    canonical_layer,
    find_blocks,
    kind_of,
    needs_blocks,
    resolve_layers,
)
from likewise.extract.libraries import library_versions
from likewise.extract.locate import ModelSpec
from likewise.extract.models import DTYPES, LoadedModel, load_model, one_device
from likewise.extract.options import Choices
from likewise.extract.pooling import canonical_pooling, tokens_to_generate
from likewise.extract.probe import way_of
from likewise.extract.prompts import Format, Prompts
from likewise.extract.says import Says
from likewise.extract.spans import Spans
from likewise.extract.stack import context_length
from likewise.extract.tokens import Tokens, Truncation
from likewise.extract.variants import canonical_variant
from likewise.extract.ways import USUAL, Batches

__all__ = [
    "BATCH_TOKENS",
    "CHOICES",
    "DEFAULT_PROMPTS",
    "DTYPES",
    "IMPORTED",
    "LOGITS",
    "OUTPUTS",
    "PROBES",
    "USUAL",
    "Backend",
    "Batches",
    "Choices",
    "DatasetSpec",
    "Described",
    "Finding",
    "Foreign",
    "Format",
    "Given",
    "LoadedModel",
    "ModelSpec",
    "Prompts",
    "RecordsSpec",
    "Resolved",
    "Rows",
    "Says",
    "Spans",
    "Tokens",
    "Truncation",
    "audit",
    "audit_prompts",
    "audit_tokens",
    "backend_of",
    "canonical_layer",
    "canonical_pooling",
    "canonical_variant",
    "check_foreign",
    "check_model",
    "check_possible",
    "context_length",
    "extract",
    "find_blocks",
    "kind_of",
    "library_versions",
    "load_choices",
    "load_model",
    "load_prompts",
    "needs_blocks",
    "one_device",
    "resolve_dataset",
    "resolve_layers",
    "resolve_model",
    "tokens_of",
    "tokens_to_generate",
    "usable_name",
    "way_of",
]
