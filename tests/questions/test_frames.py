"""DataFrames: their index says which rows belong together, in whichever order they come, for every question."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import likewise
from likewise import InputError, Representation

RNG = np.random.default_rng(4)
BASE = RNG.normal(size=(80, 6))
NEAR, FAR = BASE + 0.1 * RNG.normal(size=BASE.shape), RNG.normal(size=BASE.shape)
INDEX = [f"q{k}" for k in range(len(BASE))]

QUESTIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "compare": lambda x, y, z: [row.value for row in likewise.compare({"x": x, "y": y, "z": z}, ["cka", "procrustes"])],
    "compare of bare frames": lambda x, y, z: [row.value for row in likewise.compare(x, y, z, "cka")],
    "swap": lambda x, y, z: likewise.swap(x, y).values,
    "swap with queries": lambda x, y, z: likewise.swap(x, y, queries=(y, z)).values,
    "audit": lambda x, y, z: likewise.audit(x, {"z": z}, floor={"y": y}).values,
    "track": lambda x, y, z: likewise.track({"step-1": x, "step-2": y, "step-3": z}).values,
    "lineage": lambda x, y, z: likewise.lineage(x, base=y).values,
    "Representation": lambda x, y, z: likewise.compare(
        [Representation(side, name=name) for name, side in (("x", x), ("y", y), ("z", z))], "cka")[0].value,
}  # fmt: skip


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_index_is_the_ids(name: str) -> None:
    ask, sides = QUESTIONS[name], [pd.DataFrame(side, index=INDEX) for side in (BASE, NEAR, FAR)]
    turned = [side.sample(frac=1, random_state=k) for k, side in enumerate(sides)]
    there = ask(*sides)
    if isinstance(there, dict):
        assert set(there) == set(again := ask(sides[0], *turned[1:]))
        for key, value in there.items():
            assert again[key] == (pytest.approx(value) if isinstance(value, float) else value), key
    else:
        assert ask(sides[0], *turned[1:]) == pytest.approx(there)
    # An index that counts the rows is none, but beside another one: so pandas joins.
    bare = [pd.DataFrame(side) for side in (BASE, NEAR, FAR)]
    of_bare = ask(*bare)
    again = ask(bare[0], bare[1].sample(frac=1, random_state=3), bare[2])
    if isinstance(of_bare, dict):
        assert {k: v for k, v in again.items() if isinstance(v, float)} == pytest.approx(
            {k: v for k, v in of_bare.items() if isinstance(v, float)})  # fmt: skip
    else:
        assert again == pytest.approx(of_bare)
    with pytest.raises(InputError, match="has no ids, and those of .* are numbers of rows in another order"):
        ask(BASE, bare[1].sample(frac=1, random_state=3), FAR)


def test_parts_of_one_frame_are_joined_by_their_index() -> None:
    whole = pd.DataFrame(BASE)
    for x, y in ((whole.iloc[1:], whole.iloc[:-1]), (whole, whole.iloc[5:]), (whole.iloc[40:], whole.iloc[:50])):
        with pytest.raises(InputError, match="ids are missing in"):
            likewise.compare(x, y, "cka")
        (row,) = likewise.compare(x, y, measures="cka", join="inner")
        assert row.n_items == len(x.index.intersection(y.index)) and row.value == pytest.approx(1)
    holed = pd.DataFrame(BASE, index=[None, *INDEX[1:]])
    with pytest.raises(InputError, match="x: the index names no row 0"):
        likewise.compare({"x": holed, "y": BASE}, "cka")


def test_an_index_that_names_a_row_twice_is_refused() -> None:
    with pytest.raises(InputError, match=r"x has the index 0 more than once; .* reset_index\(drop=True\)"):
        likewise.compare({"x": pd.concat([pd.DataFrame(BASE[:40])] * 2), "y": BASE}, "cka")


def test_what_a_frame_holds_besides_numbers_is_said_with_what_to_do() -> None:
    of = pd.DataFrame({"id": INDEX, "embedding": list(BASE)})
    with pytest.raises(InputError, match="make ids the index, and a column of lists a matrix"):
        likewise.compare({"x": of, "y": of}, "cka")
    told = {name: pd.DataFrame(np.stack(of["embedding"].to_list()), index=of["id"]) for name in "xy"}
    assert likewise.compare(told, "cka")[0].value == pytest.approx(1)


def test_rows_that_others_lack_are_left_out_where_asked() -> None:
    x, y = (pd.DataFrame(side, index=INDEX) for side in (BASE, NEAR))
    (row,) = likewise.compare({"x": x, "y": y.iloc[10:]}, "cka", join="inner")
    assert row.n_items == 70 and row.value == pytest.approx(likewise.compare(BASE[10:], NEAR[10:], "cka")[0].value)


def test_a_table_has_its_columns_in_the_order_of_its_rows() -> None:
    table = np.abs(BASE[:6, :1] - BASE[:6, 0])
    of = pd.DataFrame(table, index=INDEX[:6], columns=INDEX[:6])
    for right in (of, pd.DataFrame(table, index=INDEX[:6])):
        assert Representation(right, kind="distances").ids == tuple(INDEX[:6])
    with pytest.raises(InputError, match="its columns are in another order than its rows"):
        Representation(of.iloc[:, ::-1], kind="distances")


def test_files_are_taken_as_the_rows_that_they_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"step-1": BASE, "step-2": NEAR, "step-3": FAR}
    for name, rows in files.items():
        np.save(f"{name}.npy", rows)
    x, y, z = (f"{name}.npy" for name in files)
    assert likewise.swap(x, Path(y)).values == likewise.swap(BASE, NEAR).values
    assert likewise.swap(BASE, y, queries=(y, z)).values == likewise.swap(BASE, NEAR, queries=(NEAR, FAR)).values
    named = Representation(BASE, name="step-1")
    of_rows = likewise.audit(named, {"copy": FAR}, floor={"step-2": NEAR})
    assert likewise.audit(x, [f"copy={z}"], floor=y).values == of_rows.values
    assert likewise.track([z, x, y]).values == likewise.track(files).values
    assert likewise.track({name: f"{name}.npy" for name in files}).values == likewise.track(files).values
    with pytest.raises(InputError, match=r"step-1.npy is a file of rows, and gpt2 is none"):
        likewise.track([x, "gpt2"])
    assert (
        likewise.lineage(y, base=x).values == likewise.lineage(Representation(NEAR, name="step-2"), base=named).values
    )
    with pytest.raises(InputError, match="two of the files are called 'step-2'"):
        likewise.track([x, y, y])
    with pytest.raises(InputError, match=r"likewise\.read_file reads a file of rows"):
        likewise.compare({"x": x, "y": y}, "cka")
