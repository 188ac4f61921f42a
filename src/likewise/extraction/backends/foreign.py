"""Backends of installed packages: what they are asked and what they give is checked here, whatever they are."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

import numpy as np
from jaxtyping import Float

from likewise.about import Audit
from likewise.arrays import in_precision, to_numpy
from likewise.errors import InputError
from likewise.extraction.backends.given import Given
from likewise.extraction.rows import SECONDS_BETWEEN_PARTS, Rows, check_finite
from likewise.models.installed import Described, Installed
from likewise.models.layers import OUTPUTS
from likewise.models.spec import ModelSpec
from likewise.naming import counted
from likewise.progress import Watch
from likewise.prompts.datasets import DatasetSpec
from likewise.prompts.texts import Prompts
from likewise.prompts.tokens import Truncation, Written
from likewise.store import content_key


class Foreign(Installed):
    """A backend of an installed package, as it runs prompts; it is made as any `Installed`."""

    def check(
        self, spec: ModelSpec, dataset: DatasetSpec, layers: Sequence[str], pooling: str, truncation: str
    ) -> None:
        """Refuse what this backend cannot give, before anything is loaded."""
        where = f"{spec.model} (backend {self.name})"
        if dataset.format.chat:
            raise InputError(f"{where} is given texts, no chats; write the turns into the template of {dataset.name}")
        if dataset.spans is not None:
            raise InputError(f"{where} gives a row for each prompt, and none for its spans; leave spans out")
        if truncation != "error":
            raise InputError(f"{where} does not tell what it cuts; expected truncation: error, got {truncation}")
        if outputs := [layer for layer in layers if layer in OUTPUTS]:
            raise InputError(f"{where} does not show its output head, which the layer {outputs[0]} is of; leave it out")
        about = self.described(spec)
        for kind, asked, can in (("layer", layers, about.layers), ("pooling", [pooling], about.poolings)):
            if other := [one for one in asked if can is not None and one not in can]:
                raise InputError(f"{where} gives the {kind} {' or '.join(can or ())}; got {other[0]}")

    def load(self, spec: ModelSpec, *, device: str, dtype: str, head: bool) -> Any:
        """Return a model, whatever it is."""
        with self._explained(f"loading {spec.model}"):
            return self._backend.load(spec, device, dtype)

    def given(
        self,
        model: Any,
        spec: ModelSpec,
        prompts: Prompts,
        layers: Sequence[str],
        pooling: str,
        truncation: Truncation,
        batch_tokens: int,
        threads: int | None = None,
    ) -> Given:
        """Return prompts as texts, to be run some at a time in their order."""
        about = self.described(spec)
        if prompts.chats or prompts.spans is not None:
            raise InputError(f"{prompts.name} has chats or spans, and the backend {self.name!r} is given texts")

        def rows(into: Callable[[str, int], Rows], watch: Watch) -> Mapping[str, Float[np.ndarray, "n d"]]:
            return self._extract(model, prompts, layers, pooling, about, into, watch)

        return Given(
            prompts,
            Written(
                ids=prompts.ids,
                texts=prompts.texts,
                fingerprint=content_key([list(prompts.ids), list(prompts.texts)]),
            ),
            f"{about.at_once} texts at once",
            rows,
            audit=Audit(prompts=len(prompts.ids)),
            commit=about.commit or spec.revision,
        )

    def _extract(
        self,
        model: Any,
        prompts: Prompts,
        layers: Sequence[str],
        pooling: str,
        about: Described,
        into: Callable[[str, int], Rows],
        watch: Watch,
    ) -> Mapping[str, Float[np.ndarray, "n d"]]:
        """Run all texts that an earlier attempt did not, and put their rows in their places."""
        n = len(prompts.ids)
        places = {layer: into(layer, n) for layer in dict.fromkeys(layers)}
        there = np.logical_and.reduce([rows.done for rows in places.values()])
        watch("extracting", int(there.sum()), n)
        widths: dict[str, int | None] = dict.fromkeys(places, about.width)
        saved_at = monotonic()
        try:
            # Whole batches of all prompts, so that what a backend gives does not depend on where it was stopped.
            for batch in (np.arange(i, min(i + about.at_once, n)) for i in range(0, n, about.at_once)):
                if there[batch].all():
                    continue
                ids = [prompts.ids[i] for i in batch]
                found = self.rows(model, [prompts.texts[i] for i in batch], list(places), pooling, ids)
                for layer, matrix in found.items():
                    widths[layer] = widths[layer] or matrix.shape[1]
                    if matrix.shape[1] != widths[layer]:
                        raise InputError(
                            f"the backend {self.name!r} gave {matrix.shape[1]} features in layer {layer} at prompt "
                            f"{ids[0]!r}; expected {widths[layer]}"
                        )
                    places[layer].write(batch, matrix)
                there[batch] = True
                if monotonic() - saved_at > SECONDS_BETWEEN_PARTS:
                    _flush(places)
                    saved_at = monotonic()
                watch("extracting", int(there.sum()), n)
        finally:
            _flush(places)
        return {layer: rows.matrix for layer, rows in places.items()}

    def rows(
        self, model: Any, texts: Sequence[str], layers: Sequence[str], pooling: str, ids: Sequence[str]
    ) -> dict[str, Float[np.ndarray, "n d"]]:
        """Return the rows of some texts by layer, after checking that they are that: finite, one a text, all layers."""
        with self._explained(f"running {counted(len(texts), 'prompt')} from {ids[0]!r} on"):
            found = self._backend.run(model, list(texts), list(layers), pooling)
        if not isinstance(found, Mapping) or (lacking := [layer for layer in layers if layer not in found]):
            raise InputError(
                f"the backend {self.name!r} gave "
                + (f"no layer {lacking[0]}" if isinstance(found, Mapping) else f"a {type(found).__name__}")
                + "; expected a mapping of each layer to its rows"
            )
        checked = {}
        for layer in layers:
            with self._explained(f"running {counted(len(texts), 'prompt')} from {ids[0]!r} on"):
                matrix = to_numpy(found[layer]) if hasattr(found[layer], "shape") else np.asarray(found[layer])
            if matrix.ndim != 2 or matrix.dtype.kind not in "fiu" or len(matrix) != len(texts) or not matrix.shape[1]:
                raise InputError(
                    f"the backend {self.name!r} gave {matrix.dtype} of shape {matrix.shape} in layer {layer} at prompt "
                    f"{ids[0]!r}; expected numbers of shape ({len(texts)}, features)"
                )
            checked[layer] = in_precision(matrix, np.float32, f"layer {layer} of the backend {self.name!r}")
            check_finite(checked[layer], layer, ids)
        return checked


def _flush(places: Mapping[str, Rows]) -> None:
    for rows in places.values():
        rows.flush()
