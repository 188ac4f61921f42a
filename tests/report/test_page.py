"""What the page is made of: trees, maps, clusters, ranks, prompts, methods; and that it stays small."""

import hashlib
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from likewise.measures import Configuration, configurations
from likewise.report import bundle, contents, crowd, headlines, recipe, tables, write_report
from likewise.report.block import Columns, opened, rounded
from likewise.report.evidence import evidence_of
from likewise.report.ranks import rankings
from likewise.representation import Representation
from likewise.scoring import ALL, SCHEMA, Results, compare

pytestmark = pytest.mark.xdist_group("report")


def synthetic(m: int, sets: int, measures: list[str], rng: np.random.Generator) -> Results:
    """A table of m names whose scores are noisy functions of places in space: the worst that a page must pack."""
    i, j = np.triu_indices(m, 1)
    parts = []
    for d in range(sets):
        at = rng.normal(size=(m, 4))
        apart = np.linalg.norm(at[i] - at[j], axis=1)
        for c in map(Configuration.parse, measures):
            alike = np.exp(-apart / 3) + rng.normal(size=len(i)) * 0.02
            up = c.facts.direction == "similarity"
            value, chance = (alike, 0.05) if up else (1.4 * (1 - alike), 1.3)
            chance = chance + rng.normal(size=len(i)) * 0.01
            half = 0.01 + 0.01 * rng.random(len(i))
            p = 10.0 ** -rng.exponential(8, size=len(i))
            columns = {
                "dataset": f"data {d}", "a": [f"model {k}" for k in i], "b": [f"model {k}" for k in j],
                "measure": c.measure, "parameters": c.parameters_json, "value": value, "direction": c.facts.direction,
                "null": "moments", "null_mean": chance, "null_std": half / 3, "z": rng.normal(size=len(i)) * 10,
                "pvalue": p, "pvalue_holm": np.minimum(1, p * 100), "pvalue_bh": np.minimum(1, p * 3),
                "correction": "holm", "calibrated": (value - chance) / ((c.facts.identity or 0.0) - chance),
                "low": value - half, "high": value + half, "n_permutations": 0, "n_items": 1000, "status": "ok",
                "reason": "", "seconds": 0.0, "a_key": "", "b_key": "", "seed": 0, "measure_version": c.about.version,
            }  # fmt: skip
            parts.append(
                pa.table(
                    [
                        (pa.array([of] * len(i)) if np.ndim(of) == 0 else pa.array(of)).cast(field.type)
                        if not pa.types.is_dictionary(field.type)
                        else pa.array([of] * len(i) if isinstance(of, str) else of).dictionary_encode()
                        for field, of in ((field, columns[field.name]) for field in SCHEMA)
                    ],
                    schema=SCHEMA,
                )
            )
    return Results(pa.concat_tables(parts))


def page_of(results: Results, folder: Path) -> Path:
    return write_report(results, folder, title="many", experiment="", representations=[])


def test_what_is_packed_comes_out_again() -> None:
    columns, rng = Columns(), np.random.default_rng(0)
    given = {"u1": rng.integers(0, 256, 9), "u2": rng.integers(0, 2**16, 9), "u4": rng.integers(0, 2**32, 9)}
    numbers = np.asarray([0.0, -1.5, np.nan, 1e-30, 3e38])
    head = {kind: columns.add(values, kind) for kind, values in given.items()}
    head |= {"f4": columns.add(numbers, "f4"), "nothing": columns.add([], "f4"), "text": "</script>"}
    text = columns.packed(head)
    found = opened(f'<script type="text/plain" id="block">{text}</script>')
    assert all((found[kind] == values).all() for kind, values in given.items())
    np.testing.assert_array_equal(found["f4"], numbers.astype(np.float32))
    assert len(found["nothing"]) == 0 and found["text"] == "</script>"
    with pytest.raises(OverflowError):
        columns.add([300], "u1")
    with pytest.raises(ValueError, match="expected a page with a block"):
        opened("<p>nothing</p>")


@pytest.mark.parametrize("digits", [7, 11, 14])
def test_rounding_stays_within_its_digits(digits: int) -> None:
    values = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    assert np.abs(rounded(values, digits) / values - 1).max() <= 2.0 ** -(digits + 1)


def test_few_names_are_all_kept_and_of_many_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = synthetic(40, 1, ["cka"], np.random.default_rng(0))
    frame = tables.long_frame(results)
    first = headlines.headlines(frame, ALL)
    assert crowd.kept_of(frame, first, ALL)[0].all()
    monkeypatch.setattr(crowd, "MOST", 30)
    monkeypatch.setattr(crowd, "NEAREST", 3)
    kept, clusters = crowd.kept_of(frame, first, ALL)
    assert 40 * 3 / 2 <= kept.sum() < len(frame)
    assert sorted(name for of in clusters for name in of.members) == sorted(tables.names_of(frame))
    some = {frozenset(pair) for pair in zip(frame["a"][kept], frame["b"][kept], strict=True)}
    for name in tables.names_of(frame):
        mine = frame[(frame["a"] == name) | (frame["b"] == name)].nlargest(3, "calibrated")
        assert {frozenset(pair) for pair in zip(mine["a"], mine["b"], strict=True)} <= some
    assert {frozenset(two) for two in itertools.combinations([of.middle for of in clusters], 2)} <= some
    text = page_of(results, tmp_path).read_text(encoding="utf-8")
    assert f"This page keeps {kept.sum():,} of {len(frame):,} scores" in text
    named = {name for pair in (first[0].first, first[0].rival) for name in (pair.a, pair.b)}
    assert set(opened(text)["shown_models"]) == {of.middle for of in clusters} | named


def test_a_finding_is_of_the_layer_that_most_of_the_compared_models_have() -> None:
    rng = np.random.default_rng(3)
    base = rng.normal(size=(30, 5))
    of = {f"{m} @ {layer}": base + 0.1 * layer * rng.normal(size=base.shape) for m in "abc" for layer in (1, 2)}
    of["a @ 9"] = of["b @ 9"] = base  # identical, and at a layer that one model lacks
    frame = tables.long_frame(compare(of, "cka"))
    (line,) = headlines.headlines(frame, ALL)
    assert line.layer == "layer 2" and line.layers == ("2",)
    at = frame[frame["a"].str.endswith("@ 2") & frame["b"].str.endswith("@ 2")]
    best = at.loc[at["calibrated"].idxmax()]
    assert {line.first.a, line.first.b} == {best["a"], best["b"]}
    assert line.first.value == tables.number(float(best["calibrated"]))
    low, high = tables.calibrated_ends(at)
    reach = (high >= low[at.index.get_loc(best.name)]) & (low <= high[at.index.get_loc(best.name)])
    assert line.unclear == reach.sum() - 1


def test_ranks_are_those_of_the_base_and_letters_join_what_no_test_tells_apart() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(60, 5))
    noise = {"near": 0.2, "same": 0.2, "far": 2.0}
    of = {"base": base} | {name: base + sd * rng.normal(size=base.shape) for name, sd in noise.items()}
    results = compare(of, "cka")
    frame = tables.long_frame(results)
    (c,) = tables.configurations_of(frame)
    found = {r.base: r for r in rankings(results, frame, "", c, "calibrated")}
    mine = found["base"]
    rank = dict(zip(mine.members, mine.rank, strict=True))
    letters = dict(zip(mine.members, mine.letters, strict=True))
    assert rank["far"] == 3 and set(letters["near"]) & set(letters["same"])
    assert not set(letters["far"]) & set(letters["near"])
    assert all(low <= r <= high for low, r, high in zip(mine.low, mine.rank, mine.high, strict=True))
    assert not list(rankings(Results(results.table), frame, "", c, "calibrated"))


def test_prompts_of_a_pair_are_those_that_add_most_and_least() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 4))
    y = x.copy()
    y[7] = -5 * x[7]
    of = {name: Representation(m, [f"p{i}" for i in range(30)], name=name) for name, m in (("x", x), ("y", y))}
    (found,) = evidence_of(
        [("d", "x", "y")], lambda _, name: of[name], lambda *_: ({f"p{i}": f"text\n<b>{i}</b>" for i in range(30)}, "")
    )
    assert found.least[0]["id"] == "p7" and found.least[0]["text"] == "text <b>7</b>"
    assert found.least[0]["value"] < found.most[0]["value"] and found.least[0]["left"] and found.least[0]["came"]
    table = Representation(np.eye(3), ["a", "b", "c"], name="small")
    assert not list(evidence_of([("d", "x", "y")], lambda *_: table, lambda *_: ({}, "")))


def test_the_recipe_cites_each_source_once() -> None:
    measures = [Configuration.parse(text) for text in ("cka", "cka(debiased=True)", "rsa", "jaccard", "procrustes")]
    text = recipe.bibtex(measures, "1.2.3")
    keys = re.findall(r"@\w+\{([^,]+),", text)
    assert len(keys) == len(set(keys)) and "kornblith2019" in keys and "likewise" in keys
    assert text.count("10.48550/arXiv.1905.00414") == 1 and "version = {1.2.3}" in text
    assert text.count("{") == text.count("}")
    results = compare({n: np.random.default_rng(i).normal(size=(12, 3)) for i, n in enumerate("ab")}, measures[:1])
    said = recipe.methods(tables.long_frame(results), measures[:1], [], {"likewise": "1.2.3"})
    assert "likewise 1.2.3" in said and "Kornblith et al. 2019" in said and "95 % jackknife intervals" in said


@pytest.mark.parametrize("preset", ["paper", "all"])
def test_no_key_of_a_source_stands_twice_or_needs_more_than_ascii(preset) -> None:
    text = recipe.bibtex(configurations(preset), "1.2.3")
    keys = re.findall(r"@\w+\{([^,]+),", text)
    assert len(keys) == len(set(keys)) and all(key.isascii() for key in keys)
    assert text.count("doi = {10.48550/arXiv.2312.02730}") == 1


def test_the_libraries_are_the_pinned_ones() -> None:
    folder = bundle.HERE / "assets"
    pinned = json.loads((folder / "vendored.json").read_text(encoding="utf-8"))
    assert set(pinned) == set(bundle.LIBRARIES)
    for name, of in pinned.items():
        content = (folder / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == of["sha256"]
        assert "Permission to use, copy, modify" in (folder / f"{name.partition('.')[0]}.LICENSE").read_text()
    assert "</script" not in "".join(bundle.scripts()).lower()


def test_a_report_says_what_moved_since_the_one_before(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    of = {name: rng.normal(size=(12, 3)) for name in "abc"}

    def page(matrices: dict[str, np.ndarray], title: str = "same & <b>") -> str:
        results = compare(matrices, "cka", groups=0)
        return write_report(results, tmp_path, title=title, experiment="", representations=[]).read_text("utf-8")

    assert 'id="moved"' not in page(of)
    assert 'id="moved"' not in page(of)  # nothing did
    of["c"] = of["c"] + of["a"]
    text = page(of)
    assert "2 of 3 scores moved; most: a and c, cka," in text or "2 of 3 scores moved; most: b and c, cka," in text
    assert "2 scores are gone" in page({name: of[name] for name in "ac"})
    assert "2 scores are new" in page(of)
    of["c"] = of["c"] + of["b"]
    assert 'id="moved"' not in page(of, "another")
    (tmp_path / "tables" / "comparisons.parquet").write_bytes(b"damaged")
    assert 'id="moved"' not in page(of, "another")


MEASURES = ["cka", "rsa", "procrustes", "jaccard", "cka(debiased=True)"]


def test_a_page_of_fifty_models_is_small(tmp_path: Path) -> None:
    page = page_of(synthetic(50, 1, MEASURES, np.random.default_rng(0)), tmp_path)
    assert page.stat().st_size < 1.2e6


@pytest.mark.long("200 models, 3 data sets and 10 configurations are 597,000 scores")
def test_a_page_of_two_hundred_models_keeps_its_bound() -> None:
    measures = [*MEASURES, "jaccard(k=5)", "procrustes(center=False)", "aligned_cosine", "rsm_difference", "svcca"]
    columns = Columns()
    head = contents.head_of(tables.long_frame(synthetic(200, 3, measures, np.random.default_rng(0))), columns)
    assert not head["exact"] and len(head["configurations"]) == 10
    assert len(columns.packed(head)) + sum(map(len, bundle.scripts())) < 10e6 - 300_000  # the rest of a page
