"""The backend that comes with likewise: models of transformers, whose tokens and states are seen."""

from collections.abc import Sequence

from likewise.extract.audit import audit_tokens
from likewise.extract.backends.given import Given
from likewise.extract.extract import extract, tokens_of
from likewise.extract.locate import ModelSpec
from likewise.extract.models import LoadedModel, load_model
from likewise.extract.pooling import tokens_to_generate
from likewise.extract.probe import way_of
from likewise.extract.prompts import Prompts
from likewise.extract.tokens import Truncation


class Transformers:
    """Loads models of transformers, and gives them prompts in tokens."""

    def load(self, spec: ModelSpec, *, device: str, dtype: str, pooling: str) -> LoadedModel:
        """Return a model, with its head where it is to generate."""
        return load_model(spec, device=device, dtype=dtype, head=tokens_to_generate(pooling) > 0)

    def versions(self) -> dict[str, str]:
        """Return what else decides on the rows: nothing, for the libraries of likewise are told anyway."""
        return {}

    def given(
        self,
        model: LoadedModel,
        spec: ModelSpec,
        prompts: Prompts,
        layers: Sequence[str],
        pooling: str,
        truncation: Truncation,
        batch_tokens: int,
        threads: int | None = None,
    ) -> Given:
        """Return prompts in the model's own tokens, with the way in which it bears to be run."""
        tokens = tokens_of(model, prompts, pooling, truncation)
        way = way_of(model, tokens, layers, pooling, batch_tokens=batch_tokens)
        return Given(
            prompts,
            tokens,
            str(way),
            lambda into, watch: extract(
                model,
                tokens,
                layers,
                pooling,
                way=way,
                batch_tokens=batch_tokens,
                of_each=threads,
                into=into,
                watch=watch,
            ),
            audit_tokens(tokens),
            spec.revision or model.revision,
        )
