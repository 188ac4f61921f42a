"""A store in a bucket: what is there is asked of it, copies count only while they are of what is there now."""

import itertools
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from likewise.errors import InputError, MissingDependencyError, StoreError
from likewise.representation import Representation
from likewise.store import Store, bucket, keys, place_of
from likewise.store.bucket import Bucket
from likewise.store.disk import Disk

pytest.importorskip("obstore")

KEY, OTHER = "a" * 24, "b" * 24
numbers = itertools.count()

Two = tuple[Bucket, Bucket]


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Two]:
    """Return one bucket as two machines see it, each with copies of its own."""
    folders: dict[str, Iterator[Path]] = {}

    def copies(url: str) -> Path:
        return next(folders.setdefault(url, (tmp_path / f"{url[9:]}-{n}" for n in itertools.count())))

    monkeypatch.setattr(bucket, "_folder_of_copies", copies)
    return lambda url: (Bucket(url), Bucket(url))


@pytest.fixture
def two(machines: Callable[[str], Two]) -> Two:
    return machines(f"memory://two-{next(numbers)}")


def rows(seed: int, key: str = KEY) -> Representation:
    matrix = np.random.default_rng(seed).normal(size=(5, 3)).astype(np.float32)
    return Representation(matrix, list("abcde"), "m", key)


def test_a_folder_is_a_folder_and_a_url_a_bucket(tmp_path: Path) -> None:
    for where in (tmp_path, str(tmp_path), f"file://{tmp_path}", Path(f"file://{tmp_path}")):
        place = place_of(where)
        assert type(place) is Disk and place.address == place.folder == tmp_path
    assert place_of("runs/x").address == Path("runs/x") and place_of("C:/x").address == Path("C:/x")
    for url in ("memory://x/y", "memory://x/y/", Path("memory://x/y"), "MEMORY://x/y"):
        place = place_of(url)
        assert place.address == "memory://x/y" and place.name == "y" and place.pages == Path("reports/memory-x-y")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://host/x", "Expected a folder, or s3://, gs://, az://, memory://"),
        ("hf://datasets/x", "hf:// is no place of a store"),
        ("s3://", "expected s3://BUCKET"),
        ("s3://b/../c", "expected s3://BUCKET"),
        ("s3://me:secret@b/c", "credentials come from the environment"),
        ("s3://b/c?key=1", "credentials come from the environment"),
        ("az://b/c d", "holds ' '"),
    ],
)
def test_what_is_no_url_of_a_bucket_is_one_line(url: str, told: str) -> None:
    with pytest.raises(InputError, match=told.replace("?", "[?]")) as error:
        Store(url)
    assert "secret" not in str(error.value)


def test_without_obstore_the_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "obstore", None)
    with pytest.raises(MissingDependencyError, match=r"likewise\[bucket\]"):
        Store("s3://b/c")


step = st.tuples(
    st.sampled_from(["write", "once", "keep", "remove", "lose", "tear", "fetch"]),
    st.integers(0, 1),  # by which machine
    st.sampled_from(["runs/a.json", "runs/b.json", "results/a.parquet"]),
    st.binary(max_size=40),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])  # each has a bucket of its own
@given(st.lists(step, max_size=12), st.booleans())
def test_two_machines_see_what_the_bucket_holds(
    machines: Callable[[str], Two], steps: list[tuple[str, int, str, bytes]], looking: bool
) -> None:
    both = machines(f"memory://steps-{next(numbers)}")
    held: dict[str, bytes] = {}
    for what, who, name, content in steps:
        place = both[who]
        path = place.folder / name
        if what == "write":
            place.write(path, content)
            held[name] = content
        elif what == "once":
            place.write(path, content, once=True)
            held.setdefault(name, content)
        elif what == "keep":
            with place.staged(path) as own:
                own.write_bytes(content)
                own.with_suffix(".seconds").write_bytes(content[::-1])
                place.keep(own, path)
            held.setdefault(str(Path(name).with_suffix(".seconds")), content[::-1])
            held.setdefault(name, content)
        elif what == "remove":
            place.remove(path)
            held.pop(name, None)
        elif what == "lose":  # somebody deleted the copies
            shutil.rmtree(place.folder, ignore_errors=True)
        elif what == "tear" and path.exists():  # a copy of which the disk lost the end
            status = path.stat()
            path.write_bytes(path.read_bytes()[:-1])
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + (status.st_size == 0)))
        for place in both:
            with place.at_once() if looking else Disk(place.folder).at_once():
                for name in ("runs/a.json", "runs/b.json", "results/a.parquet", "results/a.seconds"):
                    path = place.folder / name
                    assert place.there(path) == (name in held)
                    if name not in held:
                        with pytest.raises(FileNotFoundError):
                            place.fetch(path)
                        assert not path.exists()
                    else:
                        assert place.fetch(path).read_bytes() == held[name]
                        assert place.size(path) == len(held[name])
                for folder in ("runs", "results"):
                    of = [Path(name).stem for name in held if name.startswith(folder) and name.endswith(".json")]
                    assert place.names(place.folder / folder, ".json") == sorted(of)
                    inside = [content for name, content in held.items() if name.startswith(folder)]
                    assert place.filled(place.folder / folder) == bool(inside)
                    assert place.size(place.folder / folder) == sum(map(len, inside))
        assert not [path for place in both for path in place.folder.rglob("*.unfinished")]


def test_an_object_that_changes_while_it_is_read_is_read_whole(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "PIECE", 4)
    one, other = two
    path = one.folder / "runs" / "a.json"
    one.write(path, b"1" * 10)
    gets, versions = itertools.count(), iter([b"2" * 14, b"3" * 6])
    get = one._obstore.get

    def changing(*args: Any, **how: Any) -> Any:
        found = get(*args, **how)
        if next(gets) in (0, 2):
            other.write(other.folder / "runs" / "a.json", next(versions))
        return found

    monkeypatch.setattr(one._obstore, "get", changing)
    assert one.fetch(path).read_bytes() == b"3" * 6


def test_one_listing_answers_many_questions(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    for name in ("head", "list_with_delimiter"):
        real = getattr(two[0]._obstore, name)
        monkeypatch.setattr(two[0]._obstore, name, lambda *a, n=name, real=real: asked.append(n) or real(*a))
    store = Store(two[0].url)
    store.save_representation(rows(0), {})
    asked.clear()
    with store.at_once():
        found = [store.has_representation(f"{number:024x}") for number in range(100)]
        found.append(store.has_representation(KEY))
        store.save_representation(rows(0, OTHER), {})
        assert store.has_representation(OTHER)  # what is written meanwhile is seen
    assert found == [False] * 100 + [True] and asked.count("list_with_delimiter") <= 3 and len(asked) < 6
    asked.clear()
    assert store.representations() == [KEY, OTHER] and asked == ["list_with_delimiter"]


def test_of_two_machines_that_round_differently_the_description_is_of_the_matrix_that_is_there(two: Two) -> None:
    first, second = (Store(place.url) for place in two)

    def saved(store: Store, seed: int, meanwhile: Callable[[], object]) -> None:
        take = store.files.take

        def taking(own: Path, path: Path, describe: Callable[[Path], bytes]) -> None:
            def described(matrix: Path) -> bytes:
                meanwhile()
                return describe(matrix)

            take(own, path, described)

        store.files.take = taking  # type: ignore[method-assign]
        store.save_representation(rows(seed), {"by": seed})

    # The other one does all of its work between the matrix and the description of this one.
    saved(first, 1, lambda: second.save_representation(rows(2), {"by": 2}))
    for url in (two[0].url,) * 2:
        assert np.array_equal(Store(url).load_representation(KEY).matrix, rows(1).matrix)
    assert Store(two[0].url).describe_representation(KEY)["audit"].written()["by"] == 2
    # A description that is left of a matrix that somebody deleted gives way.
    first.files.remove(first.representation_path(KEY))
    assert not second.has_representation(KEY)
    Store(two[0].url).save_representation(rows(3), {})
    assert np.array_equal(second.load_representation(KEY).matrix, rows(3).matrix)


def test_a_bit_that_changed_in_the_bucket_or_in_a_copy_is_found_and_the_object_named(two: Two) -> None:
    store, other = (Store(place.url) for place in two)
    store.save_representation(rows(0), {})
    path = store.representation_path(KEY)
    content = path.read_bytes()
    changed = content[:-1] + bytes([content[-1] ^ 1])
    for torn in (changed, content[:-4], b""):
        store.files.write(path, torn)
        with pytest.raises(StoreError, match=rf"{two[0].url}/representations/{KEY}.safetensors is damaged"):
            other.load_representation(KEY)
    store.files.write(path, content)
    assert np.array_equal(other.load_representation(KEY).matrix, rows(0).matrix)
    copy = other.representation_path(KEY)
    times = copy.stat()
    copy.write_bytes(changed)
    os.utime(copy, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    assert np.array_equal(other.load_representation(KEY).matrix, rows(0).matrix)  # not a copy of what is there
    # The same change, which the disk does not tell: found by another process, and mended by the same command.
    times = copy.stat()
    copy.write_bytes(changed)
    os.utime(copy, ns=(times.st_atime_ns, times.st_mtime_ns))
    keys.forget_hashes()
    with pytest.raises(StoreError, match="or its copy on this machine was, which is deleted now; run the same command"):
        other.load_representation(KEY)
    assert np.array_equal(other.load_representation(KEY).matrix, rows(0).matrix)
    description = store.representation_path(KEY).with_suffix(".json")
    store.files.write(description, b"{")
    with pytest.raises(StoreError, match=f"{two[0].url}/representations/{KEY}.json is damaged"):
        other.describe_representation(KEY)


def test_copies_make_room_and_what_is_too_large_is_refused(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKEWISE_STORE_CACHE", "1000")
    monkeypatch.setattr(bucket, "JUST_USED", -1.0)
    place = Bucket(two[0].url)
    begun = place.folder / "representations" / f"{KEY}.parts" / "rows"
    begun.parent.mkdir(parents=True)
    begun.write_bytes(bytes(5000))  # no copy: nobody else has it
    paths = [place.folder / "results" / f"{n}.parquet" for n in range(8)]
    for path in paths:
        place.write(path, bytes(300))
    for path in [*paths, paths[4]]:
        assert place.fetch(path).read_bytes() == bytes(300)
        time.sleep(0.001)
    assert [path.name[0] for path in paths if path.exists()] in (["4", "6", "7"], ["5", "6", "7"])
    assert begun.exists()
    place.write(paths[0], bytes(1001))
    with pytest.raises(StoreError, match=r"1,001 bytes, and at most 1,000 .* LIKEWISE_STORE_CACHE=BYTES"):
        place.fetch(paths[0])
    for wrong in ("much", "-1", "nan", "1e999"):
        monkeypatch.setenv("LIKEWISE_STORE_CACHE", wrong)
        with pytest.raises(InputError, match="expected a number of bytes"):
            Bucket(two[0].url)


@pytest.mark.parametrize("most", [3, bucket.IN_ONE])
def test_of_large_objects_too_the_first_stays(two: Two, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "IN_ONE", most)
    for place, content in zip(two, (b"first", b"other"), strict=True):
        path = place.folder / "representations" / f"{KEY}.safetensors"
        with place.staged(path) as own:
            own.write_bytes(content)
            place.keep(own, path)
        assert place.fetch(path).read_bytes() == b"first"


def test_of_large_matrices_the_later_upload_stays_and_the_description_is_of_it(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "IN_ONE", 3)
    first, second = (Store(place.url) for place in two)
    matrix = f"representations/{KEY}.safetensors"
    about, unseen = second.files._about, iter([matrix])  # type: ignore[attr-defined]
    # It looks before the other one has put its own, and puts its own after.
    monkeypatch.setattr(second.files, "_about", lambda key: None if key == matrix and next(unseen, "") else about(key))
    description = first._description
    begun = iter([True])

    def described(*given: Any) -> Callable[[Path], bytes]:
        describe = description(*given)

        def slowly(path: Path) -> bytes:
            content = describe(path)
            if next(begun, False):
                second.save_representation(rows(2), {"by": 2})
            return content

        return slowly

    monkeypatch.setattr(first, "_description", described)
    first.save_representation(rows(1), {"by": 1})
    assert next(unseen, "none") == "none"
    for url in (two[0].url, two[1].url):
        assert np.array_equal(Store(url).load_representation(KEY).matrix, rows(2).matrix)


@pytest.mark.parametrize("name", ["store.json", "runs/a.json", "results/a.parquet"])
def test_what_is_larger_than_its_kind_is_not_copied(two: Two, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "BY_ENDING", {".json": 2**21, ".parquet": 2**21})
    place = two[0]
    path = place.folder / name
    place.write(path, bytes(2**20 + 1 if name == "store.json" else 2**21 + 1))
    monkeypatch.setattr(Bucket, "_copy", lambda *_: pytest.fail("it is copied"))
    with pytest.raises(
        StoreError, match=rf"{two[0].url}/{name} is damaged or foreign .it has [0-9,]+ bytes, and at most"
    ):
        Store(two[0].url) if name == "store.json" else place.fetch(path)


def test_pins_and_records_are_those_of_the_bucket(two: Two) -> None:
    first, second = (Store(place.url) for place in two)
    first.save_pin("model", "h", "main", "c" * 40, says={"pooling": None, "why_not": None})
    second.save_pin("model", "h", "main", "d" * 40, says={"pooling": None, "why_not": None})
    assert [store.pin("model", "h", "main")["commit"] for store in (first, second)] == ["c" * 40] * 2  # type: ignore[index]
    assert first.pin("model", "h", "v1") is None
    assert first.experiments() == {} and first.runs() == {} and first.result_keys() == []
    newer = json.dumps({"what": "a store of likewise", "version": 99}).encode()
    first.files.write(first.folder / "store.json", newer)
    with pytest.raises(StoreError, match=f"{two[0].url} is a store of version 99"):
        Store(two[0].url)


def test_what_is_staged_and_not_kept_is_nowhere(two: Two) -> None:
    place = two[0]
    path = place.folder / "results" / f"{KEY}.parquet"

    def stopped() -> None:
        with place.staged(path) as own:
            own.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stopped()
    assert not place.there(path) and not list(place.folder.rglob("*"))
    left = place.folder / f".{KEY}.{os.uname().nodename.replace('.', '-')}.999999999.abcd1234.unfinished"
    left.mkdir(parents=True)
    place.sweep()
    assert not left.exists()
