"""Models: which one, what it says of itself, what it is made of, and how it is loaded."""

from likewise.models.configs import usable_name
from likewise.models.decoder import context_length
from likewise.models.hub import Resolved, resolve_dataset, resolve_model
from likewise.models.installed import Backend, Described
from likewise.models.layers import (
    CHOICES,
    LOGITS,
    OUTPUTS,
    canonical_layer,
    find_blocks,
    is_one_layer,
    kind_of,
    needs_blocks,
    resolve_layers,
)
from likewise.models.loading import DTYPES, LoadedModel, Precision, load_model, one_device
from likewise.models.says import Says
from likewise.models.spec import ModelSpec, locate
from likewise.models.variants import canonical_variant

__all__ = [
    "CHOICES",
    "DTYPES",
    "LOGITS",
    "OUTPUTS",
    "Backend",
    "Described",
    "LoadedModel",
    "ModelSpec",
    "Precision",
    "Resolved",
    "Says",
    "canonical_layer",
    "canonical_variant",
    "context_length",
    "find_blocks",
    "is_one_layer",
    "kind_of",
    "load_model",
    "locate",
    "needs_blocks",
    "one_device",
    "resolve_dataset",
    "resolve_layers",
    "resolve_model",
    "usable_name",
]
