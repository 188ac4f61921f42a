"""What a population was reduced to by an older likewise is made anew, and not called damaged."""

import numpy as np

from likewise.measures import Configuration, prepare
from likewise.plan import Reduce, Tile
from likewise.representation import Representation
from likewise.run.worker import Settings, perform
from likewise.scoring import Trust, reduce
from likewise.store import Store, content_key
from likewise.store import folder as store

CKA = Configuration.parse("cka")
KEYS = ("a" * 24, "b" * 24)


def test_vectors_of_another_version_lie_elsewhere(tmp_path, monkeypatch) -> None:
    place = Store(tmp_path)
    for seed, key in enumerate(KEYS):
        place.save_representation(Representation(np.random.default_rng(seed).normal(size=(20, 3)), key=key), {})
        older = tmp_path / "reduced" / content_key([CKA.measure, CKA.parameters_json, CKA.about.version])
        older.mkdir(parents=True, exist_ok=True)
        (older / f"{key}.safetensors").write_bytes(b"of before")
    tile = Tile("d", KEYS, KEYS, ("cka",), Trust(groups=0))
    settings = Settings(tmp_path, "cpu", 64)
    assert not place.reduced_path(KEYS[0], CKA).exists()
    assert [perform(task, settings=settings).error for task in (Reduce("d", KEYS, ("cka",)), tile)] == ["", ""]
    now = place.reduced_path(KEYS[0], CKA)
    monkeypatch.setattr(store, "REDUCED_VERSION", store.REDUCED_VERSION + 1)
    assert now.exists() and place.reduced_path(KEYS[0], CKA) != now
    assert reduce(CKA, prepare(place.load_representation(KEYS[0]))).reason == ""
