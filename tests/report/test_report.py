"""The report: complete, self-contained, harmless, and true to its table."""

import base64
import hashlib
import html
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likewise.chance import NO_CHANCE
from likewise.errors import InputError
from likewise.measures import Configuration
from likewise.report import bundle, contents, findings, headlines, tables, write_report
from likewise.report.block import opened
from likewise.report.figures.look import said_of_marks, unsure
from likewise.scoring import ALL, SCHEMA, Pairs, Results, compare, dissimilarities, places, tree
from pages import HOSTILE, NAMES, matrices

pytestmark = pytest.mark.xdist_group("report")  # what is made once for the file is made in one process


class Page(HTMLParser):
    """Tags, what would be fetched, and the text that a person sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.seen = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        if tag == "img":
            self.images.append(named)
        if tag == "a":
            self.links.append(named["href"] or "")
        else:
            self.fetched += [v or "" for k, v in attrs if k in ("src", "href", "srcset", "data", "action", "poster")]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] not in (["script"], ["style"]):
            self.seen += data


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return Page(report.read_text(encoding="utf-8"))


def test_every_file_the_page_links_to_exists_and_is_linked(report: Path, page: Page) -> None:
    local = {link for link in page.links if not link.startswith(("#", "https://doi.org/"))}
    there = {str(p.relative_to(report.parent)) for p in report.parent.rglob("*") if p.is_file()} - {"report.html"}
    assert local == there
    assert {Path(name).suffix for name in there} == {".csv", ".parquet"}
    assert "tables/comparisons.parquet" in there


def test_nothing_is_fetched(report: Path, page: Page) -> None:
    text = report.read_text(encoding="utf-8")
    assert not page.fetched and not page.images
    css = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in css
    assert "@import" not in css
    assert "link" not in page.tags


def test_the_policy_allows_our_scripts_and_no_other(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])
    run = re.findall(r"<script>(.*?)</script>", text, flags=re.S)
    hashes = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in run}
    assert hashes == set(re.findall(r"'sha256-([^']*)'", policy)) and len(run) == 3
    assert policy.startswith("default-src 'none'; script-src 'sha256-") and "connect-src" not in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]


def test_hostile_names_are_only_text(report: Path, page: Page) -> None:
    text = report.read_text(encoding="utf-8")
    # Our three scripts and the block of numbers, and none from a name; no <b> or <i> from a name either.
    assert page.tags.count("script") == 4
    assert not {"b", "i"} & set(page.tags)
    assert "<script>alert" not in text
    assert HOSTILE in page.seen
    assert HOSTILE in [name["name"] for name in opened(text)["names"]]
    for path in (Path(bundle.__file__).parent / "templates" / "page").glob("*.js"):
        assert not re.search(r"innerHTML|outerHTML\s*=|insertAdjacent|document\.write|\beval\b", path.read_text())


def test_the_page_tells_warnings_in_plain_words(page: Page) -> None:
    assert "dimension 3 holds 62 % of the squared norm" in page.seen
    assert "2 rows equal to an earlier one" in page.seen
    assert "1 row of zeros: measures that use angles" in page.seen
    assert "code: 12 items in up to 30 dimensions" in page.seen
    assert re.search(r"undefined for 3 pairs .*row 2 of zero is zero", page.seen)


def test_the_first_screen_names_the_pair_that_was_made_alike(results: Results) -> None:
    common, code = headlines.headlines(tables.long_frame(results), ALL)
    for line in (common, code):
        best = line.first
        assert {best.a, best.b} == {"base", "copy"} and line.unclear == 0
        (row,) = [
            c for c in results
            if {c.a, c.b} == {"base", "copy"} and c.measure == line.measure and (c.dataset or "inputs") == line.dataset
        ]  # fmt: skip
        assert line.column == "calibrated" and best.value == tables.number(row.calibrated)
        low, high = map(float, re.fullmatch(r"(\S+) to (\S+)", best.interval).groups())
        assert low <= row.calibrated <= high
    assert common.agree == "all 3"
    # Of shuffled scores and closed forms together, twenty shuffles cannot give a corrected p of 0.05.
    assert not any("told apart" in note for note in common.notes)


def test_layers_of_others_are_compared_only_where_asked() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(30, 5))
    of = {"m @ 1": base, "m @ 2": base + 0.01 * rng.normal(size=base.shape), "n @ 1": rng.normal(size=(30, 5))}
    of["n @ 2"] = of["n @ 1"] + 0.01 * rng.normal(size=base.shape)
    frame = tables.long_frame(compare(of, "cka"))
    (line,) = headlines.headlines(frame, ALL)
    assert {line.first.a, line.first.b} == {"m @ 2", "n @ 2"} and line.layer == "layer 2" and line.rival is None
    (line,) = headlines.headlines(frame, Pairs.read({"layers": ["m", "n"]}))
    assert line.first.a[0] == line.first.b[0] and line.layer == ""
    one = tables.long_frame(compare({name: of[name] for name in ("m @ 1", "m @ 2")}, "cka"))
    (line,) = headlines.headlines(one, ALL)
    assert line.first and line.rival is None and line.unclear is None and line.agree == ""


def test_measures_without_a_calibrated_score_are_not_counted_as_agreeing() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(30, 5))
    of = {"a": base, "b": base + 0.3 * rng.normal(size=base.shape), "c": rng.normal(size=(30, 5))}

    def agree(wanted: list[str], **chance: int) -> str:
        return headlines.headlines(tables.long_frame(compare(of, wanted, groups=0, **chance)), ALL)[0].agree

    assert agree(["cka", "procrustes", "magnitude_difference"], permutations=20) == (
        "all 2; 1 measure without calibrated scores not counted"
    )
    assert agree(["cka", "magnitude_difference"], permutations=20) == (
        "cka alone; 1 measure without calibrated scores not counted"
    )
    assert agree(["magnitude_difference"], permutations=20) == ""
    (line,) = headlines.headlines(tables.long_frame(compare(of, "cka", permutations=0)), ALL)
    assert line.notes[0] == "Told apart from chance are only: a and b."


def test_pairs_that_differ_from_shuffled_inputs_are_counted(results: Results) -> None:
    frame = tables.long_frame(results)
    here = frame[frame["dataset"] == "code"]
    expected = sum(rows["pvalue_bh"].min() <= 0.05 for _, rows in here.groupby(["a", "b"]))
    said = findings.told_apart(tables.pair_summary(here))
    assert expected == 1
    assert said.startswith("code: 1 of 6 pairs differs from shuffled inputs")


@pytest.mark.parametrize(
    ("corrected", "said"),
    [
        ([0.05, 0.01, 0.2], "2 of 3 pairs differ from"),
        ([0.01, 0.01], "All 2 pairs differ from"),
        ([0.2, 0.051], "None of 2 pairs differs from"),
        ([0.01], "The pair differs from"),
        ([0.9], "The pair does not differ from"),
    ],
)
def test_the_corrected_p_decides_which_pairs_differ(corrected: list[float], said: str) -> None:
    pairs = pd.DataFrame(
        {
            "dataset": "d", "a": "a", "b": [str(i) for i in range(len(corrected))], "mean_calibrated": 0.5,
            "smallest_p": 0.001, "smallest_p_bh": corrected, "calibrated_of": 1, "configurations": 1, "null": "moments",
            "shuffles": 0,
        }
    )  # fmt: skip
    assert findings.told_apart(pairs).startswith(f"d: {said}")


def test_too_few_shuffles_are_told() -> None:
    frame = tables.long_frame(compare(matrices(9, NAMES), "cka", permutations=18, null="shuffles"))
    assert any("smallest possible p is 0.053" in line for line in findings.warnings_of(frame, [], {}, []))
    frame = tables.long_frame(compare(matrices(9, NAMES), "cka", permutations=19, null="shuffles"))
    assert not any("smallest possible p" in line for line in findings.warnings_of(frame, [], {}, []))


def test_how_many_shuffles_are_too_few_is_known_of_the_whole_table() -> None:
    """With closed forms beside, each kind of p has half of the level: 39 shuffles, and not 19."""
    results = compare(matrices(30, NAMES), ["cka", "procrustes"], permutations=25, groups=0)
    part = results.where(measure="procrustes")
    assert part.too_few.all() and not results.where(measure="cka").too_few.any()
    assert not any(map(unsure, part.scores())) and all(s.too_few for s in part.scores())
    assert tables.long_frame(results)["too_few"].sum() == len(part) == tables.inert_results(results).too_few.sum()
    told = said_of_marks(results.scores(), "o")
    assert f"With so few shuffles no p of {len(part)} can reach 0.05" in told and "All differ" not in told


@pytest.mark.parametrize(("permutations", "few"), [(18, True), (19, False)])
def test_where_no_p_can_be_small_nothing_is_called_no_more_alike_than_chance(permutations: int, few: bool) -> None:
    results = compare(matrices(9, NAMES), ["jaccard(k=2)", "procrustes"], permutations=permutations, groups=0)
    frame = tables.long_frame(results)
    assert frame["too_few"].all() is np.bool_(few)
    told = findings.told_apart(tables.pair_summary(frame))
    assert ("With so few shuffles no pair can be told apart from shuffled inputs." in told) is few
    three = frame[frame["a"].isin(NAMES[:3]) & frame["b"].isin(NAMES[:3])]
    assert bool(list(headlines._not_above_chance(three))) is not few
    scores = results.where(measure="procrustes").scores()
    marks = said_of_marks(scores, "o")
    assert any(map(unsure, scores)) is not few and ("no p can reach 0.05" in marks) is few
    # A closed form is small or not, however many shuffles others have.
    mixed = tables.long_frame(compare(matrices(30, NAMES), ["cka", "procrustes"], permutations=permutations, groups=0))
    assert not (mixed["too_few"] & (mixed["measure"] == "cka")).any()
    assert "no pair can be told" not in findings.told_apart(tables.pair_summary(mixed))


def test_measures_whose_raw_scores_are_mostly_chance_are_named() -> None:
    rng = np.random.default_rng(0)
    unrelated = {name: rng.normal(size=(30, 200)) for name in "abc"}
    results = compare(unrelated, ["cka", "rsa", "procrustes", "jaccard(k=3)"], permutations=9, groups=0)
    frame = tables.long_frame(results)
    (line,) = [w for w in findings.warnings_of(frame, [], {}, []) if "shuffled rows reach most" in w]
    cka = frame[frame["measure"] == "cka"]
    procrustes = frame[frame["measure"] == "procrustes"]
    shares = [
        cka["null_mean"].mean() / cka["value"].mean(),
        (2**0.5 - procrustes["null_mean"].mean()) / (2**0.5 - procrustes["value"].mean()),
    ]
    assert f"cka ({100 * min(1, shares[0]):.0f} %), procrustes ({100 * min(1, shares[1]):.0f} %)" in line
    alike = tables.long_frame(compare({"a": unrelated["a"], "b": 2 * unrelated["a"]}, "jaccard(k=3)", groups=0))
    assert not any("shuffled rows reach most" in w for w in findings.warnings_of(alike, [], {}, []))


def test_csv_and_parquet_equal_the_table(results: Results, report: Path) -> None:
    parquet = pq.read_table(report.parent / "tables/comparisons.parquet")
    assert parquet.to_pylist() == results.table.to_pylist()
    assert parquet.schema.metadata[b"likewise.schema"] == SCHEMA.metadata[b"likewise.schema"]
    options = pa.csv.ConvertOptions(column_types=SCHEMA, strings_can_be_null=True, quoted_strings_can_be_null=False)
    csv = pa.csv.read_csv(report.parent / "tables/comparisons.csv", convert_options=options)
    assert csv.to_pylist() == results.table.to_pylist()
    per_dataset = sorted((report.parent / "tables").glob("comparisons-*.csv"))
    assert sum(len(pd.read_csv(path)) for path in per_dataset) == len(results)


NUMBERS = {
    "value": "value", "low": "low", "high": "high", "chance": "null_mean", "sd": "null_std", "z": "z", "p": "pvalue",
    "corrected": "pvalue_holm", "calibrated": "calibrated",
}  # fmt: skip


def test_the_page_holds_the_numbers_of_the_table(results: Results, report: Path) -> None:
    head = opened(report.read_text(encoding="utf-8"))
    table = head["table"]
    expected = {
        (c.dataset, c.a, c.b, results.configurations[c.measure, c.parameters].label): c for c in results
    }  # fmt: skip
    assert len(table["a"]) == len(results) == len(expected)
    for i in range(len(results)):
        where = head["datasets"][table["dataset"][i]]["name"], *(head["names"][table[side][i]]["name"] for side in "ab")
        row = expected.pop((*where, head["configurations"][table["configuration"][i]]["label"]))
        assert head["reasons"][table["reason"][i]] == row.reason
        for name, column in NUMBERS.items():
            value = getattr(row, column)
            assert table[name][i] == pytest.approx(np.nan if value is None else value, rel=1e-6, abs=1e-16, nan_ok=True)
    assert not expected


def test_large_tables_keep_four_digits(results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "EXACT", 10)
    page = write_report(results, tmp_path, title="", experiment="", representations=[]).read_text(encoding="utf-8")
    head = opened(page)
    assert not head["exact"] and not {"sd", "p"} & set(head["table"])
    known = sorted(c.value for c in results if c.value is not None)
    assert sorted(v for v in head["table"]["value"].tolist() if v == v) == pytest.approx(known, rel=5e-5)


def test_trees_and_maps_put_alike_things_together(results: Results, report: Path) -> None:
    head = opened(report.read_text(encoding="utf-8"))
    assert head["pictures"]
    for of in head["pictures"]:
        dataset = head["datasets"][of["dataset"]]["name"]
        chosen = results.where(dataset=dataset, measure=head["configurations"][of["configuration"]]["label"])
        given = dissimilarities(chosen.scores(calibrated=of["of"] == "calibrated"), of["of"] == "calibrated")
        drawn, plane = tree(given), places(given)  # what figures draw
        assert of["stress"] == round(plane.stress, 4)
        assert of["height"].tolist() == pytest.approx(drawn.merges[:, 2].tolist(), rel=1e-3)
        assert [head["names"][of["members"][k]]["name"] for k in of["order"]] == [given.names[k] for k in drawn.order]
        order = [head["names"][of["members"][k]]["name"] for k in of["order"]]
        assert abs(order.index("base") - order.index("copy")) == 1
        at = dict(zip(order, np.stack([of["x"], of["y"]], axis=1)[of["order"]], strict=True))
        others = [name for name in order if name not in ("base", "copy")]
        near = np.linalg.norm(at["base"] - at["copy"])
        assert all(near < np.linalg.norm(at["base"] - at[other]) for other in others)


def test_two_representations_one_data_set_no_shuffles(tmp_path: Path) -> None:
    results = compare(matrices(9, ["base", "copy"]), ["cka"], null="none")
    seen = Page(
        write_report(results, tmp_path, title="Two", experiment="", representations=[]).read_text(encoding="utf-8")
    ).seen
    assert "Do measures agree?" not in seen and "Do data sets agree?" not in seen and "Overfitting" not in seen
    assert not {"between-measures.csv", "between-datasets.csv"} & {p.name for p in tmp_path.glob("tables/*")}
    assert "a raw similarity without a chance level" in seen and "no other pair" in seen


def test_the_same_results_give_the_same_files(tmp_path: Path) -> None:
    results = compare(matrices(9, ["base", "copy"]), ["cka"], permutations=20)
    for name in ("first", "second"):
        write_report(results, tmp_path / name, title="Twice", experiment="", representations=[])
    first = {p.relative_to(tmp_path / "first"): p.read_bytes() for p in (tmp_path / "first").rglob("*") if p.is_file()}
    assert len(first) > 5
    for name, content in first.items():
        assert (tmp_path / "second" / name).read_bytes() == content, name


def test_no_comparisons_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one pair is needed"):
        write_report(Results.of([]), tmp_path, title="", experiment="", representations=[])
    assert not list(tmp_path.iterdir())


def test_two_data_sets_whose_names_differ_in_signs_get_their_own_files(tmp_path: Path) -> None:
    parts = [compare(matrices(9, NAMES[:2]), "cka", permutations=0, dataset=d).table for d in ("a b", "a/b")]
    write_report(Results(pa.concat_tables(parts)), tmp_path, title="", experiment="", representations=[])
    assert len(list(tmp_path.glob("tables/comparisons-*.csv"))) == 2


@pytest.mark.parametrize(
    ("invariances", "expected"),
    [
        ("procrustes(center=False)", "rotation and scale"),
        ("procrustes", "rotation, scale and shift"),
        ("procrustes(center=False, normalize=False)", "rotation"),
    ],
)
def test_class_labels(invariances: str, expected: str) -> None:
    assert tables.class_label(Configuration.parse(invariances)) == expected


def test_a_missing_library_gives_the_install_line() -> None:
    code = """
import importlib, sys
from likewise.errors import MissingDependencyError
for library, room in (("pandas", ""), ("jinja2", ""), ("matplotlib", ".figures")):
    there = sys.modules.pop(library, None)
    sys.modules[library] = None
    try:
        importlib.import_module(f"likewise.report{room}")
    except MissingDependencyError as error:
        print(error)
    del sys.modules[library]
    if there:
        sys.modules[library] = there
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == [
        f'{library} is needed here and is not installed: pip install "likewise[report]"'
        for library in ("pandas", "jinja2", "matplotlib")
    ]


@pytest.fixture
def mixed(unusual: tuple[str, ...]) -> Results:
    """Symmetric and asymmetric configurations of one class, one without fixed identity, one without chance level."""
    names = ["base", "copy", "third"]
    measures = ["cka", "explained", "ridge", "norm_gap", "procrustes(center=False, normalize=False)"]
    return compare(matrices(40, names), measures, permutations=20, dataset="inputs")


def test_the_page_holds_both_orders(mixed: Results, tmp_path: Path) -> None:
    page = write_report(mixed, tmp_path, title="", experiment="", representations=[]).read_text(encoding="utf-8")
    head = opened(page)
    places = [c["label"] for c in head["configurations"]]
    table, of = head["table"], places.index("explained")
    assert not head["configurations"][of]["symmetric"]
    found = {
        (head["names"][a]["name"], head["names"][b]["name"]): value
        for a, b, c, value in zip(table["a"], table["b"], table["configuration"], table["value"], strict=True)
        if c == of
    }
    assert found == pytest.approx({(c.a, c.b): c.value for c in mixed if c.measure == "explained"}, rel=1e-6)
    assert not head["has_calibrated"][places.index("norm_gap")] and head["has_calibrated"][of]
    assert NO_CHANCE in head["reasons"]


def test_an_undefined_order_is_told_of_its_pair(mixed: Results) -> None:
    gone = [
        replace(c, value=None, status="undefined", reason="none")
        if (c.a, c.b, c.measure) == ("base", "third", "explained")
        else c
        for c in mixed
    ]
    (told,) = [w for w in findings.warnings_of(tables.long_frame(Results.of(gone)), [], {}, []) if "undefined" in w]
    assert told == "inputs: undefined for 1 pair (base and third) in explained: none."


def test_a_pair_is_one_pair_in_either_order(mixed: Results) -> None:
    frame = tables.long_frame(mixed)
    pairs = tables.pair_summary(frame)
    assert list(zip(pairs["a"], pairs["b"], strict=True)) == [("base", "copy"), ("base", "third"), ("copy", "third")]
    assert pairs["configurations"].tolist() == [5, 5, 5]
    assert pairs["calibrated_of"].tolist() == [4, 4, 4]
    mine = [c for c in mixed if {c.a, c.b} == {"base", "copy"} and c.calibrated is not None]
    by_measure = [
        np.mean([c.calibrated for c in mine if c.measure == m]) for m in dict.fromkeys(c.measure for c in mine)
    ]
    assert len(mine) == 6
    assert pairs["mean_calibrated"][0] == pytest.approx(np.mean(by_measure))
    assert "(40 items, 3 pairs)" in findings.summary(frame)


def test_a_configuration_with_one_calibrated_order_is_not_in_the_mean(mixed: Results) -> None:
    changed = [replace(c, calibrated=None) if (c.a, c.measure) == ("third", "explained") else c for c in mixed]
    pairs = tables.pair_summary(tables.long_frame(Results.of(changed)))
    assert pairs["calibrated_of"].tolist() == [4, 3, 3]


def test_no_chance_level_is_neither_trouble_nor_chance(mixed: Results, tmp_path: Path) -> None:
    frame = tables.long_frame(mixed)
    said = findings.summary(frame)
    assert (
        "Chance levels come from a closed form over all shuffles of the prompts, or from 20 shuffles of the prompts."
        in said
    )
    assert "norm_gap has no chance level" in said
    assert not any("norm_gap" in line for line in findings.warnings_of(frame, [], {}, []))
    only = Results.of([c for c in mixed if c.measure == "norm_gap"])
    assert "No shuffles" not in findings.summary(tables.long_frame(only))
    assert not tables.pair_summary(tables.long_frame(only))["smallest_p"].notna().any()
    page = write_report(only, tmp_path, title="", experiment="", representations=[]).read_text(encoding="utf-8")
    assert "a raw distance without a chance level" in page or "a raw similarity without a chance level" in page


def test_a_page_of_every_kind_of_measure(mixed: Results, tmp_path: Path) -> None:
    write_report(mixed, tmp_path, title="", experiment="", representations=[])
    measures = pd.read_csv(tmp_path / "tables/measures.csv").set_index("configuration")["at identity"]
    assert measures["ridge"] == "depends on the data"
    assert float(measures["cka"]) == 1
