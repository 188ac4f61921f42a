"""Rows that were begun in one way of running prompts are not gone on with in another."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import likewise
from likewise.extraction.ways import Way
from likewise.store import Store


def test_what_was_begun_for_other_layers_in_another_way_is_not_mixed_in(
    tmp_path: Path, experiment: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment["models"] = [{**experiment["models"][0], "layers": ["2", "last"]}]
    experiment["datasets"], experiment["measures"] = experiment["datasets"][:1], []
    last = {**experiment, "models": [{**experiment["models"][0], "layers": ["last"]}]}
    ways = []

    def by_layers(loaded: Any, tokens: Any, layers: list[str], *_: Any, **__: Any) -> Way:
        ways.append(Way("equal") if "2" in layers else Way())
        return ways[-1]

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module("likewise.extraction.backends.inside"), "way_of", by_layers)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "take_representation", stop)
        with pytest.raises(KeyboardInterrupt):
            likewise.run(experiment, tmp_path / "store")
    (part,) = {path.parent for path in (tmp_path / "store").rglob("*.parts/*.safetensors")}
    assert len(list(part.glob("*.safetensors"))) == 2
    told: list[tuple[str, int, int]] = []
    likewise.run(last, tmp_path / "store", watch=lambda *event: told.append(event))
    assert next(done for _, done, total in told if total) == 0
    assert ways == [Way("equal"), Way()] and not part.exists()
    likewise.run(last, tmp_path / "fresh")
    rows = []
    for folder in ("store", "fresh"):
        store = Store(tmp_path / folder)
        (key,) = store.representations()
        rows.append(store.load_representation(key).matrix)
        assert store.describe_representation(key)["source"]["way"] == str(Way())
    np.testing.assert_array_equal(*rows)
