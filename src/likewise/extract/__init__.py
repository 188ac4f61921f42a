"""Models, prompts, and the states of the ones on the others. The only room where torch models live."""

from likewise.extract.audit import audit
from likewise.extract.datasets import DatasetSpec, load_prompts
from likewise.extract.extract import BATCH_TOKENS, Watch, extract
from likewise.extract.forward import canonical_layer, canonical_pooling
from likewise.extract.models import DTYPES, LoadedModel, ModelSpec, library_versions, load_model
from likewise.extract.prompts import Prompts
from likewise.extract.variants import canonical_variant

__all__ = [
    "BATCH_TOKENS",
    "DTYPES",
    "DatasetSpec",
    "LoadedModel",
    "ModelSpec",
    "Prompts",
    "Watch",
    "audit",
    "canonical_layer",
    "canonical_pooling",
    "canonical_variant",
    "extract",
    "library_versions",
    "load_model",
    "load_prompts",
]
