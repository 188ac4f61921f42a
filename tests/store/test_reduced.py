"""What a population was reduced to by an older likewise is made anew, and not called damaged."""

import numpy as np
import pytest

from likewise.errors import StoreError
from likewise.measures import Configuration, prepare
from likewise.plan import Reduce, Tile
from likewise.representation import Representation
from likewise.run.worker import Settings, perform
from likewise.scoring import Reduced, Trust, reduce
from likewise.store import Store, content_key
from likewise.store import folder as store
from likewise.store.matrices import read_reduced, write_reduced

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


SOUND = {"n": "4", "items": "", "records": "r"}


@pytest.mark.parametrize(
    ("about", "vector", "sums", "reason", "told"),
    [
        ({"items": ""}, np.ones(10), np.ones(18), "", "there is no n"),
        ({"n": "4"}, np.ones(10), np.ones(18), "", "there is no items"),
        ({"n": "x", "items": ""}, np.ones(10), np.ones(18), "", "n: expected a whole number, 1 or more, got 'x'"),
        ({"n": "0", "items": ""}, np.ones(0), np.ones(18), "", "n: expected a whole number"),
        (SOUND, np.ones(9), np.ones(18), "", "'vector' holds float64 of shape"),
        (SOUND, np.ones((1, 10)), np.ones(18), "", "'vector' holds float64 of shape"),
        (SOUND, np.ones(10, dtype=np.float32), np.ones(18), "", "'vector' holds float32"),
        (SOUND, np.ones(10, dtype=np.int64), np.ones(18), "", "'vector' holds int64"),
        (SOUND, np.full(10, np.nan), np.ones(18), "", "'vector' holds a number that is not finite"),
        (SOUND, np.ones(10), np.ones(17), "", "'sums' holds float64 of shape"),
        (SOUND, np.ones(10), np.full(18, np.inf), "", "'sums' holds a number that is not finite"),
        (SOUND, np.ones(10), np.ones(18), "no score", "expected float64 of shape"),
    ],
)
def test_a_reduced_representation_of_a_stranger_is_judged(tmp_path, about, vector, sums, reason, told) -> None:
    path = tmp_path / "v.safetensors"
    write_reduced(path, Reduced(vector, sums, np.ones(4), reason), about)
    with pytest.raises(StoreError, match="is damaged or foreign") as error:
        read_reduced(path)
    assert told in str(error.value)
    for squares, wrong in ((np.ones(3), "float64 of shape"), (-np.ones(4), "no squares"), (np.zeros(4), "no squares")):
        write_reduced(path, Reduced(np.ones(10), np.ones(18), squares), SOUND)
        with pytest.raises(StoreError, match="'squares' holds " + wrong):
            read_reduced(path)
    nothing = np.empty(0)
    for sound in (Reduced(np.ones(10), np.ones(18), np.ones(4)), Reduced(nothing, nothing, nothing, "constant")):
        write_reduced(path, sound, SOUND)
        found, said = read_reduced(path)
        assert (found.reason, said) == (sound.reason, SOUND) and np.array_equal(found.vector, sound.vector)
