"""The page in a real browser, from disk, without a network: its controls, its numbers, and who can use it."""

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import axe_playwright_python
import pyarrow.parquet as pq
import pytest
from page import fill, timed

import pages
from likewise import report
from likewise.measures import Configuration
from likewise.naming import depth_of, inert
from likewise.report import write_answer_page, write_report
from likewise.report.experiment import report_experiment
from likewise.scoring import compare
from likewise.studies import Answer, Line, Lines, Table

pytestmark = pytest.mark.xdist_group("browser")  # one browser, and the reports that it opens, for the whole file

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
WIDTHS = (1400, 768, 390)
SMALLEST = 11.0
NUMBER = r"-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?"


@pytest.fixture(autouse=True)
def quiet(window: Any) -> Iterator[None]:
    """Whatever a test does, the page says nothing, opens nothing, and asks for nothing but its own file."""
    window.page.emulate_media(color_scheme="light")
    window.resize(1400)
    yield
    own = window.page.evaluate("location.href.split('#')[0]")
    assert window.said == []
    assert {url.split("#")[0] for url in window.asked if not url.startswith("blob:")} == {own}


@pytest.fixture
def page(window: Any, layered: Path) -> Any:
    """The page with every picture, opened anew."""
    window.open(layered)
    return window.page


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The table of results that lies beside a page, with its names as they are shown, and labels of configurations."""
    rows = pq.read_table(path.parent / "tables/comparisons.parquet").to_pylist()
    return [
        {**r, "label": Configuration.from_json(r["measure"], r["parameters"]).label}
        | {side: inert(r[side], keep="") for side in ("a", "b")}
        for r in rows
    ]


def text_of(value: str) -> float | None:
    """A number as the page tells it; none where it tells none."""
    return None if value == "–" else float(value.replace(",", "").removeprefix("< "))


def near(told: str, value: float | None) -> bool:
    """Whether a number is told rightly, in the digits that it is told with."""
    if value is None:
        return told == "–"
    shown = text_of(told)
    return shown is not None and shown == pytest.approx(value, rel=0.055 if "e" in told else 1e-3, abs=5.1e-4)


def table_of(page: Any, where: str = "#pairs") -> list[list[str]]:
    """The cells of the rows that a table shows."""
    found: list[list[str]] = page.evaluate(
        "(at) => [...document.querySelector(at).querySelectorAll('tbody tr')]"
        ".map((r) => [...r.cells].map((c) => c.textContent))",
        where,
    )
    return found


def dots(page: Any) -> int:
    return int(page.locator("[data-picture=forest] g[aria-label=dot] circle").count())


def said(window: Any) -> dict[str, list[str]]:
    return parse_qs(window.address.removeprefix("#"), keep_blank_values=True)


def press(locator: Any, way: str) -> None:
    """Use a button, a box or a heading by mouse or by keyboard."""
    if way == "mouse":
        locator.click()
    else:
        locator.focus()
        locator.page.keyboard.press("Space")


def choose(page: Any, control: str, place: int, way: str) -> None:
    """Choose by place in a list."""
    if way == "mouse":
        page.select_option(control, index=place)
    else:
        page.focus(control)
        page.keyboard.press("Home")
        for _ in range(place):
            page.keyboard.press("ArrowDown")


def click(mark: Any) -> None:
    """Click in the middle of a mark of a picture, whatever lies over it there."""
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    mark.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


WAYS = pytest.mark.parametrize("way", ["mouse", "keyboard"])


@WAYS
def test_each_filter_changes_what_is_drawn_and_the_address(way: str, page: Any, window: Any, layered: Path) -> None:
    rows = rows_of(layered)

    def expected(dataset: str, label: str, layers: set[str], without: str = "") -> list[tuple[str, str]]:
        def seen(name: str) -> bool:
            model, _, layer = name.rpartition(" @ ")
            return layer in layers and model != without

        return [
            (r["a"], r["b"]) for r in rows
            if (r["dataset"], r["label"]) == (dataset, label) and seen(r["a"]) and seen(r["b"])
        ]  # fmt: skip

    def drawn() -> list[tuple[str, str]]:
        return [(a, b) for a, b, *_ in table_of(page)]

    models = {name.rpartition(" @ ")[0] for r in rows for name in (r["a"], r["b"])}
    labels = page.locator("#measure option").all_text_contents()
    assert labels == list(dict.fromkeys(r["label"] for r in rows)) and len(models) == len(pages.MODELS)
    start = drawn()
    assert sorted(start) == sorted(expected("stories", "cka", {"3"})) and dots(page) == 15

    before = page.locator("[data-picture=heatmap] svg").last.inner_html()
    choose(page, "#dataset", 1, way)
    assert said(window)["data"] == ["code"]
    assert page.locator("[data-picture=heatmap] svg").last.inner_html() != before
    cells = table_of(page)[0]
    (row,) = [r for r in rows if (r["dataset"], r["label"], r["a"], r["b"]) == ("code", "cka", *cells[:2])]
    assert near(cells[2], row["value"])

    choose(page, "#measure", labels.index("linear_predictivity"), way)
    assert said(window)["measure"] == ["linear_predictivity"] and said(window)["score"] == ["calibrated"]
    assert sorted(drawn()) == sorted(expected("code", "linear_predictivity", {"3"})) and len(drawn()) == 30
    choose(page, "#measure", 0, way)

    legend = page.locator("[data-picture=heatmap] .legend")
    assert "calibrated score" in legend.text_content()
    choose(page, "#score", 1, way)
    assert said(window)["score"] == ["raw"] and "cka, a similarity" in legend.text_content()

    press(page.locator("#models summary"), way)
    page.locator("#models input[type=search]").click()
    page.keyboard.type("LARGE")
    assert page.locator("#models .ticks label:visible").all_text_contents() == [" large"]
    press(page.locator("#models input[value=large]"), way)
    assert said(window)["without"] == ["large"]
    assert sorted(drawn()) == sorted(expected("code", "cka", {"3"}, "large")) and dots(page) == 10
    press(page.locator("#models .all"), way)
    assert dots(page) == 15
    page.keyboard.press("Escape")
    assert not page.locator("#models input[type=search]").is_visible()

    press(page.locator("#layers summary"), way)
    press(page.locator("#layers input[value='2']"), way)
    assert said(window)["layers"] == ["2\n3"]
    assert sorted(drawn()) == sorted(expected("code", "cka", {"2", "3"})) and len(drawn()) == 66
    press(page.locator("#layers .none"), way)
    assert drawn() == [] and page.locator("#forest").is_hidden()
    press(page.locator("#layers .all"), way)
    assert len(drawn()) == 100 and "153 of 153 rows" in page.locator("#pairs").text_content()
    page.keyboard.press("Escape")

    names = page.locator("#base option").evaluate_all("(all) => all.map((one) => one.value)")
    choose(page, "#base", names.index("small @ 3"), way)
    assert said(window)["with"] == ["small @ 3"] and dots(page) == 17

    ticks = page.locator("[data-picture=heatmap] g[aria-label='y-axis tick label']")
    by_likeness = ticks.text_content()
    choose(page, "#order", 1, way)
    assert said(window)["order"] == ["given"] and ticks.text_content() != by_likeness

    choose(page, "#layers-of", 2, way)
    assert page.locator("[data-picture=layers] g[aria-label=cell] rect").count() == 9
    chosen = page.locator("#layers-of option:checked").text_content()
    assert " – ".join([said(window)["down"][0], said(window)["across"][0]]) == chosen

    press(page.locator("#reset"), way)
    assert drawn() == start and set(said(window)) == {"data", "measure", "score", "layers"}


def state_of(page: Any) -> dict[str, Any]:
    """All that a choice decides, as a reader sees it."""
    return dict(
        page.evaluate(
            """(drawn) => ({
              selects: [...document.querySelectorAll("select")].map((s) => [s.id, s.value]),
              ticks: [...document.querySelectorAll(".ticks input")].map((b) => [b.value, b.checked]),
              table: document.querySelector("#pairs tbody").textContent,
              captions: [...document.querySelectorAll(`${drawn} figcaption`)].map((c) => c.textContent),
              pictures: [...document.querySelectorAll(`${drawn} .plot > svg`)].map((s) => s.textContent),
              evidence: document.querySelector("#evidence").open ? document.querySelector("#evidence").textContent : "",
            })""",
            "figure[data-picture]:not([hidden])",
        )
    )


CHOICES: dict[str, Callable[[Any], object]] = {
    "as it opens": lambda page: page.select_option("#order", "alike"),
    "all layers": lambda page: page.evaluate("document.querySelector('#layers .all').click()"),
    "no layer": lambda page: page.evaluate("document.querySelector('#layers .none').click()"),
    "few models": lambda page: page.evaluate(
        "for (const name of ['large', 'small', 'other', 'x'])"
        " [...document.querySelectorAll('#models input[type=checkbox]')].find((b) => b.value === name)?.click()"
    ),
    "raw distances of a base": lambda page: (
        page.select_option("#measure", label="procrustes"), page.select_option("#score", "raw"),
        page.select_option("#base", "other @ 3"), page.select_option("#order", "given"),
    ),
    "other data, another map of layers": lambda page: (
        page.select_option("#dataset", index=1), page.select_option("#layers-of", index=3),
    ),
    "evidence": lambda page: page.locator("#pairs button.link").nth(4).click(),
    "evidence of a hostile name": lambda page: page.locator("#pairs button.link").last.click(),
}  # fmt: skip


def test_an_address_shows_what_its_sender_saw(page: Any, window: Any, layered: Path) -> None:
    first = state_of(page)
    for what, choice in CHOICES.items():
        choice(page)
        sent = state_of(page)
        assert what == "as it opens" or sent != first, what
        window.open(layered, window.address)
        assert state_of(page) == sent, what
        window.escape()
        page.evaluate("document.querySelector('#reset').click()")
        assert state_of(page) == first, what


def test_an_address_that_says_nothing_here_shows_the_start_of_the_page(page: Any, window: Any, layered: Path) -> None:
    first = state_of(page)
    nothing = "#data=nothing&measure=%00&score=1&with=me&without=you&down=1&a=1&b=2"
    for address in (nothing, "#%E0%A4%A", "#a=small @ 3", "#&&==&"):
        page.evaluate("(address) => { location.hash = address; }", address)
        window.settle()
        assert state_of(page) == first, address
    window.open(layered, nothing)
    assert state_of(page) == first


PAIR_COLUMNS = {
    "value": "value", "from": "low", "to": "high", "chance": "null_mean", "z": "z", "p corrected": "pvalue_holm",
    "calibrated": "calibrated",
}  # fmt: skip


def downloaded(page: Any, use: Callable[[], object]) -> list[dict[str, str]]:
    with page.expect_download() as waiting:
        use()
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_table_and_its_csv_have_the_numbers_of_the_parquet(page: Any, layered: Path) -> None:
    page.evaluate("document.querySelector('#layers .all').click()")
    rows = rows_of(layered)
    for label in page.locator("#measure option").all_text_contents():
        page.select_option("#measure", label=label)
        check_table(page, {(r["a"], r["b"]): r for r in rows if (r["dataset"], r["label"]) == ("stories", label)})


def test_the_page_has_layers_in_the_same_order(page: Any) -> None:
    forms = ("{}", "layer{}", "layers.{}.mlp", "block-{:03d}")
    layers = [
        "last",
        "norm",
        "embedding",
        "constructor",
        "0.25",
        "0.125",
        "-1",
        "-2",
        *(form.format(k) for form in forms for k in (12, 3, 100, 7)),
    ]
    source = (Path(report.__file__).parent / "templates/page/state.js").read_text(encoding="utf-8")
    found = page.evaluate(f"(layers) => {{ {source}; return layers.sort(byDepth); }}", layers)
    assert found == sorted(layers, key=depth_of)


def check_table(page: Any, wanted: dict[tuple[str, str], dict[str, Any]]) -> None:
    """The table and its CSV tell these rows."""
    heads = page.locator("#pairs thead button").all_text_contents()
    assert heads[:2] == ["first", "second"] and set(PAIR_COLUMNS) < set(heads)
    shown = [dict(zip(heads, row, strict=True)) for row in table_of(page)]
    whole = downloaded(page, page.locator("#pairs .csv").click)
    assert len(shown) == 100 and len(whole) == len(wanted)
    for row in shown:
        of = wanted[row["first"], row["second"]]
        assert all(near(row[head], of[column]) for head, column in PAIR_COLUMNS.items())
        assert row.get("note", "") == of["reason"]
    # A column of remarks that no row has is not shown.
    assert ("note" in heads) is any(of["reason"] for of in wanted.values())
    unquoted = {(a.removeprefix("'"), b.removeprefix("'")): r for (a, b), r in wanted.items()}
    for row in whole:
        of = unquoted[row["first"].removeprefix("'"), row["second"].removeprefix("'")]
        for head, column in PAIR_COLUMNS.items():
            known = of[column]
            assert (row[head] == "") if known is None else float(row[head]) == pytest.approx(known, rel=1e-6, abs=1e-16)
        if of["calibrated"] is not None:
            ends = [
                (of[end] - of["null_mean"]) * of["calibrated"] / (of["value"] - of["null_mean"])
                for end in ("low", "high")
            ]
            assert [float(row[f"calibrated {end}"]) for end in ("from", "to")] == pytest.approx(
                sorted(ends), rel=1e-4, abs=1e-6
            )


@WAYS
def test_tables_sort_filter_and_give_what_they_show(way: str, page: Any) -> None:
    heads = page.locator("#pairs thead button").all_text_contents()
    where = heads.index("calibrated")
    heading, button = page.locator("#pairs thead th").nth(where), page.locator("#pairs thead button").nth(where)
    for order, sign in (("descending", -1), ("ascending", 1)):
        press(button, way)
        assert heading.get_attribute("aria-sort") == order
        column = [sign * text_of(row[where]) for row in table_of(page)]
        assert column == sorted(column) and len(set(column)) > 5
    press(page.locator("#pairs thead button").first, way)
    assert [h.get_attribute("aria-sort") for h in page.locator("#pairs thead th").all()].count("none") == len(heads) - 1
    names = [row[0] for row in table_of(page)]
    assert len(names) == 15 and [list(group) for _, group in itertools.groupby(names)] == [
        [name] * names.count(name) for name in dict.fromkeys(names)
    ]
    search = page.locator("#pairs input[type=search]")
    search.click()
    page.keyboard.type("Large @")
    assert page.locator("#pairs [role=status]").text_content() == "5 of 15 rows"
    assert len(table_of(page)) == 5 and all("large @ 3" in row[:2] for row in table_of(page))
    given = downloaded(page, lambda: press(page.locator("#pairs .csv"), way))
    assert [(r["first"].removeprefix("'"), r["second"].removeprefix("'")) for r in given] == [
        (a.removeprefix("'"), b.removeprefix("'")) for a, b, *_ in table_of(page)
    ]
    search.fill("nobody is called so")
    assert table_of(page) == [] and page.locator("#pairs [role=status]").text_content() == "0 of 15 rows"


def test_what_is_missing_stands_last_in_either_order(window: Any, report: Path) -> None:
    window.open(report, "#data=code&measure=aligned_cosine(center=False, normalize=False)&score=raw")
    page = window.page
    where = page.locator("#pairs thead button").all_text_contents().index("value")
    for _ in range(2):
        page.locator("#pairs thead button").nth(where).click()
        assert [row[where] for row in table_of(page)].count("–") == 3
        assert all(row[where] == "–" for row in table_of(page)[-3:])


def test_tables_of_studies_hold_their_files(page: Any, layered: Path) -> None:
    held = page.locator("section[id^=study] [data-table]")
    assert held.count() >= 3
    for k in range(held.count()):
        box = held.nth(k)
        link = box.locator("xpath=ancestor::details/following-sibling::p[1]//a")
        file = layered.parent / link.get_attribute("href")
        assert page.locator(f"a[href='{link.get_attribute('href')}']").count() == 1
        with file.open(encoding="utf-8", newline="") as opened:
            expected = list(csv.reader(opened))
        page.evaluate(
            "(k) => { document.querySelectorAll('section [data-table]')[k].closest('details').open = true; }",
            k,
        )
        given = downloaded(page, box.locator("button.csv").click)
        assert [head.replace("_", " ") for head in expected[0]] == list(given[0])
        assert len(given) == len(expected) - 1
        for row, known in zip(given, expected[1:], strict=True):
            for cell, other in zip(row.values(), known, strict=True):
                if re.fullmatch(NUMBER, other):
                    assert float(cell) == pytest.approx(float(other), rel=1e-12)
                else:
                    assert cell.lower() == other.lower()


CELLS = """(picture) => {
  const root = document.querySelector(`[data-picture=${picture}]`), at = (axis, of) =>
    [...root.querySelectorAll(`g[aria-label='${axis}-axis tick label'] text`)]
      .map((t) => [t.getScreenCTM()[of], t.textContent]);
  const nearest = (ticks, to) => ticks.reduce((u, v) => (Math.abs(v[0] - to) < Math.abs(u[0] - to) ? v : u))[1];
  const [xs, ys] = [at("x", "e"), at("y", "f")];
  return [...root.querySelectorAll("g[aria-label=cell] rect")].map((r) => r.getBoundingClientRect())
    .map((r) => [r.x + r.width / 2, r.y + r.height / 2]).map(([x, y]) => [x, y, nearest(ys, y), nearest(xs, x)]);
}"""
"""The middle of each cell, and the names that stand at its row and at its column."""


def short(name: str, longest: int = 28) -> str:
    """A name as pictures write it."""
    half = (longest - 1) // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


def test_each_cell_says_the_pair_of_its_row_and_column_with_its_numbers(page: Any, window: Any, layered: Path) -> None:
    rows = {
        frozenset((r["a"], r["b"])): r for r in rows_of(layered) if (r["dataset"], r["label"]) == ("stories", "cka")
    }
    for layers, count in (("one", 30), ("all", 306)):
        if layers == "all":  # on a phone, where cells are as small as they get
            page.evaluate("document.querySelector('#layers .all').click()")
            window.resize(390)
        page.evaluate("document.querySelector('[data-picture=heatmap]').scrollIntoView()")
        cells = page.evaluate(CELLS, "heatmap")
        assert len(cells) == count
        inside = [cell for cell in cells if cell[0] < page.viewport_size["width"] - 40]
        assert len(inside) >= 30
        for x, y, row, column in [*inside[:: count // 30], *inside[-10:]]:
            page.mouse.move(x, y)
            told = page.locator("[data-picture=heatmap] .live").text_content()
            found = re.fullmatch(
                rf"(.+) – (.+): ({NUMBER}) \(({NUMBER}) to ({NUMBER})\); "
                rf"chance ({NUMBER}), p corrected ((?:< )?{NUMBER})",
                told,
            )
            assert found, told
            pair = frozenset(found.group(1, 2))
            assert {short(name) for name in pair} == {row, column}
            assert near(found[3], rows[pair]["calibrated"]) and near(found[6], rows[pair]["null_mean"])
            assert near(found[7], rows[pair]["pvalue_holm"])


def check_evidence(page: Any, path: Path) -> None:
    """The open evidence tells the rows of its pair, and nothing else."""
    title = page.locator("#evidence-title").text_content()
    told = page.evaluate(
        """() => [...document.querySelectorAll("#evidence .measure")].map((one) => ({
          title: one.querySelector("h3").textContent,
          ...Object.fromEntries([...one.querySelectorAll("dd")].map((d) => [d.dataset.of, d.textContent])),
        }))"""
    )
    rows = [
        r
        for r in rows_of(path)
        if title in (f"{a} and {b} on {r['dataset']}" for a, b in itertools.permutations((r["a"], r["b"])))
    ]
    assert rows and len(told) == len(rows)
    for row in told:
        (of,) = [
            r for r in rows
            if row["title"] in (f"{r['label']} a {r['direction']}", f"{r['label']} a {r['direction']}, from {r['a']}")
        ]  # fmt: skip
        p, _, z = row.get("p, z", "–, –").partition(", ")
        for head, column, text in (
            ("value", "value", row["value"]),
            ("z", "z", z),
            ("p", "pvalue", p),
            ("p corrected", "pvalue_holm", row.get("p corrected", "–")),
            ("calibrated", "calibrated", row.get("calibrated", "–")),
            ("chance", "null_mean", row["chance"].replace("none", "–")),
        ):
            first = re.match(rf"(?:< )?{NUMBER}|–", text)
            assert first and near(first[0], of[column]), (head, row, of[column])
        low, high = re.search(rf"\(({NUMBER}) to ({NUMBER})\)", row["value"]).groups()
        assert near(low, of["low"]) and near(high, of["high"])
        assert row.get("note", "") == of["reason"]


def test_clicks_open_the_evidence_and_escape_closes_it(page: Any, window: Any, layered: Path) -> None:
    evidence = page.locator("dialog#evidence")
    openers = {
        "a cell": page.locator("[data-picture=heatmap] g[aria-label=cell] rect").nth(3),
        "a dot": page.locator("[data-picture=forest] g[aria-label=dot] circle").nth(2),
        "a cell of layers": page.locator("[data-picture=layers] g[aria-label=cell] rect").nth(5),
        "a row": page.locator("#pairs button.link").nth(6),
    }
    for what, opener in openers.items():
        click(opener)
        assert evidence.is_visible(), what
        check_evidence(page, layered)
        a, b = said(window)["a"][0], said(window)["b"][0]
        assert page.locator("#evidence-title").text_content().startswith(f"{a} and {b} on ")
        window.escape()
        assert not evidence.is_visible() and "a" not in said(window), what
    openers["a row"].click()
    page.locator("#evidence button", has_text="Close").click()
    assert not evidence.is_visible()


def test_keys_alone_reach_a_cell_and_its_evidence(page: Any, window: Any, layered: Path) -> None:
    evidence = page.locator("dialog#evidence")
    for picture in ("heatmap", "layers"):
        page.focus(f"[data-picture={picture}] .plot")
        for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowLeft", "ArrowUp"):
            page.keyboard.press(key)
        told = page.locator(f"[data-picture={picture}] .live").text_content()
        page.keyboard.press("Enter")
        assert evidence.is_visible()
        assert told.split(":")[0] == page.locator("#evidence-title").text_content().split(" on ")[0].replace(
            " and ", " – "
        )
        check_evidence(page, layered)
        window.escape()
        assert not evidence.is_visible()
        assert page.evaluate("document.activeElement.closest('figure')?.dataset.picture") == picture
    page.locator("#pairs button.link").nth(1).focus()
    page.keyboard.press("Enter")
    assert evidence.is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate(
        "[document.body, ...document.querySelectorAll('#evidence *')].includes(document.activeElement)"
    )
    page.locator("#evidence button", has_text="Close").focus()
    page.keyboard.press("Enter")
    assert not evidence.is_visible()


def test_the_tab_key_visits_every_control(page: Any) -> None:
    wanted = {
        "#dataset", "#measure", "#score", "#models summary", "#layers summary", "#base", "#order", "#reset",
        "[data-picture=heatmap] .plot", "[data-picture=heatmap] .svg", "#layers-of", "[data-picture=layers] .plot",
        "#pairs input[type=search]", "#pairs .csv", "#pairs thead button", "#pairs button.link", "#pairs .scroll",
    }  # fmt: skip
    visited = set()
    page.focus("nav a")
    for _ in range(140):
        page.keyboard.press("Tab")
        visited |= set(
            page.evaluate("(all) => all.filter((one) => document.activeElement.matches(one))", sorted(wanted))
        )
        if visited == wanted:
            return
    assert visited == wanted


def test_the_first_finding_is_of_what_the_picture_shows(page: Any, window: Any, layered: Path) -> None:
    for k, dataset in enumerate(("stories", "code")):
        row = page.locator("tr.headline").nth(k)
        if k:
            row.locator("a").click()
            window.settle()
        assert said(window).get("data", ["stories"]) == [dataset] and "layer 3" in row.text_content()
        best = max(table_of(page), key=lambda cells: text_of(cells[8]))  # of what is chosen
        assert row.locator(".finding strong").text_content() == f"{best[0]} and {best[1]}"
        assert row.locator(".finding .score").text_content() == best[8]
        assert row.locator(".finding .soft").text_content() == f"({best[9]} to {best[10]})"
        cell = next(at for at in page.evaluate(CELLS, "heatmap") if set(at[2:]) == set(best[:2]))
        page.mouse.move(*cell[:2])
        assert f": {best[8]} ({best[9]} to {best[10]})" in page.locator("[data-picture=heatmap] .live").text_content()


def test_evidence_opens_without_drawing_the_pictures_again_and_needs_no_sideways_scroll(page: Any, window: Any) -> None:
    page.evaluate("document.querySelectorAll('.plot svg').forEach((svg) => { svg.dataset.old = 'yes'; })")
    page.locator("#pairs button.link").nth(2).click()
    for width in (1400, 390):
        if width == 390:
            window.resize(width)  # pictures follow the width
        wider = page.evaluate(
            "[...document.querySelectorAll('#evidence, #evidence .measures, #evidence .measure, #evidence .measure *')]"
            ".filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth).map((one) => one.className)"
        )
        assert wider == [], width
        if width == 1400:
            assert page.locator(".plot svg:not([data-old])").count() == 0


@pytest.mark.parametrize("picture", ["heatmap", "layers"])
def test_what_is_pointed_at_is_the_cell_that_is_drawn(picture: str, page: Any, window: Any) -> None:
    where = f"[data-picture={picture}] svg rect"
    boxes = """(at) => [...document.querySelectorAll(at)].map((r) => r.getBoundingClientRect())
      .map((r) => [r.x, r.y, r.right, r.bottom])"""
    for width in (1400, 390):
        window.resize(width)
        page.evaluate("(at) => document.querySelector(at).scrollIntoView()", f"[data-picture={picture}]")
        cells = page.evaluate(boxes, where.replace("svg", "g[aria-label=cell]"))
        for cell in (cells[0], cells[-1]):
            if cell[2] < width - 30:
                page.mouse.move(cell[2] - 2, cell[3] - 2)  # where rounding and wrong margins show first
                (mark,) = page.evaluate(boxes, f"{where}[pointer-events=none]")
                assert mark == pytest.approx(cell, abs=2.1), (width, cell)


def test_a_link_of_the_contents_leaves_what_is_chosen(page: Any) -> None:
    page.select_option("#measure", label="procrustes")
    page.locator("nav a[href='#forest']").click()
    assert page.locator("#measure option:checked").text_content() == "procrustes"


def test_a_study_without_a_number_has_no_place_in_the_contents(page: Any) -> None:
    assert "No measure here that fits has a held-out score." in page.locator("#not-measured").text_content()
    shown = page.locator("nav a").all_text_contents()
    assert "Do measures agree?" in shown and not any("Overfitting" in text for text in shown)


def test_two_models_have_an_answer_without_a_picture(window: Any, tmp_path: Path) -> None:
    results = compare(pages.matrices(9, ["base", "copy"]), ["cka"])
    window.open(write_report(results, tmp_path, title="Two", experiment="", representations=[]))
    assert window.page.locator("#answers .headline").is_visible()
    assert not window.page.locator("[data-picture=heatmap]").is_visible()
    assert dots(window.page) == 1 and len(table_of(window.page)) == 1


def test_pictures_are_saved_with_their_words(page: Any) -> None:
    with page.expect_download() as waiting:
        page.locator("[data-picture=forest] .svg").click()
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert text.startswith("<svg") and "small @ 3" in text and waiting.value.suggested_filename == "forest-1.svg"


@pytest.mark.parametrize("which", ["report", "layered"])
def test_hostile_names_are_only_text(which: str, window: Any, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(which)
    window.open(path)
    page = window.page
    page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
    names = {name for r in rows_of(path) for name in (r["a"], r["b"])}
    shown = page.evaluate("document.body.innerText")
    hostile = [name for name in names if "<" in name or "onmouseover" in name or "very-long" in name]
    assert hostile and all(name in shown for name in hostile if "@" not in name or name.endswith("@ 3"))
    odd = page.evaluate(
        """() => ({
          elements: document.querySelectorAll("b, img, iframe, object, embed, link, base, u").length,
          italic: document.querySelectorAll("i:not(.swatches i)").length,
          scripts: document.querySelectorAll("script").length,
          handlers: [...document.querySelectorAll("*")].flatMap((e) => e.getAttributeNames())
            .filter((name) => name.startsWith("on")),
          links: [...document.querySelectorAll("a")].map((a) => a.protocol)
            .filter((protocol) => !["file:", "https:"].includes(protocol)),
        })"""
    )
    assert odd == {"elements": 0, "italic": 0, "scripts": 4, "handlers": [], "links": []}
    assert page.title() == (pages.HOSTILE if which == "report" else "Six models")
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", page.evaluate("document.body.textContent"))
    page.locator("#pairs button.link").last.click()
    assert page.locator("#evidence").is_visible()


def test_prompts_of_the_evidence_are_only_text(page: Any) -> None:
    # The pair of the first finding has prompts.
    names = page.evaluate(
        "[...document.querySelector('.finding strong').textContent.matchAll(/(.+) and (.+)/g)][0].slice(1)"
    )
    page.evaluate("([a, b]) => { location.hash = new URLSearchParams({ a, b }); }", names)
    page.wait_for_selector("dialog#evidence[open]")
    assert [q.text_content() for q in page.locator("#evidence q").all()] == [pages.HOSTILE] * 2
    assert pages.QUOTES in page.locator("#evidence").text_content()


def test_only_what_can_be_drawn_has_a_section(window: Any, report: Path) -> None:
    window.open(report)
    for of, there in (("forest", True), ("models-map", True), ("depth", False), ("layer-map", False)):
        assert window.page.locator(f"#{of}").is_visible() == there
        assert window.page.locator(f"nav a[href='#{of}']").is_visible() == there


def faults(page: Any) -> list[str]:
    """What axe finds serious or critical."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'], preload: false })")["violations"]
    return [
        f"{f['impact']} {f['id']}: {node['target']} {node['html'][:200]}"
        for f in found if f["impact"] in ("serious", "critical") for node in f["nodes"]
    ]  # fmt: skip


SMALL_TEXT = """() => [...document.querySelectorAll("body *")].filter((e) =>
  [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.textContent.trim()) && e.getClientRects().length
).flatMap((e) => {
  const svg = e.closest("svg"), box = svg?.viewBox?.baseVal;
  const scale = box?.width ? svg.getBoundingClientRect().width / box.width : 1;
  const size = parseFloat(getComputedStyle(e).fontSize) * scale;
  return size < %s ? [`${e.tagName} ${size} ${e.textContent.slice(0, 30)}`] : [];
})"""


CUT = """() => [...document.querySelectorAll("figure .plot")].flatMap((plot) => {
  const frame = plot.getBoundingClientRect();
  const right = Math.max(frame.right, ...[...plot.querySelectorAll("svg")].map((s) => s.getBoundingClientRect().right));
  return [...plot.querySelectorAll("svg text")].filter((t) => t.textContent).flatMap((t) => {
    const box = t.getBoundingClientRect();
    return box.width && (box.left < frame.left - 1 || box.right > right + 1) ? [t.textContent] : [];
  });
})"""


TICKS = """() => {
  const ticks = [...document.querySelectorAll("[data-picture=heatmap] g[aria-label='y-axis tick label'] text")];
  const boxes = ticks.map((t) => t.getBoundingClientRect()).sort((a, b) => a.y - b.y);
  return [boxes.length, boxes.filter((b, k) => k && b.top < boxes[k - 1].bottom - 1).length];
}"""
"""Names beside the heatmap, and how many of them lie over the one above."""


def test_everybody_can_read_it_at_any_width_in_light_and_dark(page: Any, window: Any) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
    for scheme, width in itertools.product(("light", "dark"), WIDTHS):
        page.emulate_media(color_scheme=scheme)
        window.resize(width)
        page.evaluate("document.querySelector('#choose').open = true")
        page.select_option("#base", "" if scheme == "light" else "small @ 3")
        window.settle()
        assert faults(page) == [], (scheme, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (scheme, width)
        assert page.evaluate(SMALL_TEXT % (SMALLEST - 0.01)) == [], (scheme, width)
        assert page.evaluate(CUT) == [], (scheme, width)
    page.evaluate("document.querySelector('#layers .all').click()")
    assert page.evaluate(TICKS) == [18, 0] and page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#pairs button.link").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert faults(page) == [], "with its evidence"


def test_the_page_of_one_answer_is_for_everybody_too(window: Any, tmp_path: Path) -> None:
    line = Line(label=pages.LONG, x=(1.0, 2.0), y=(0.5, 0.7), low=(0.4, 0.6), high=(0.6, 0.8))
    rows = ((pages.HOSTILE, 2.4, 3, 0.01), (pages.QUOTES, None, 4, 0.5), ("c", 10.25, 5, 0.25))
    answer = Answer(
        "Did the `copies` move?", f"One moved: 2.4 (2.1 to 2.7). {pages.HOSTILE}",
        tables=(Table("copies", ("copy", "ratio", "n", "p"), rows),),
        drawings=(Lines(name="l", title="t", heading="h", alt="Ratios by layer", across="x", up="y", lines=(line,)),),
    )  # fmt: skip
    window.open(write_answer_page(answer, tmp_path, {"copies": "copies.csv"}, {"likewise": "1"}))
    page = window.page
    page.locator("thead button", has_text="ratio").click()
    assert [row[1] for row in table_of(page, ".table")] == ["10.250", "2.400", "–"]
    assert page.locator(".drawings svg").count() == 1
    for scheme, width in (("light", 390), ("dark", 1400)):
        page.emulate_media(color_scheme=scheme)
        window.resize(width)
        window.settle()
        assert faults(page) == [] and page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(SMALL_TEXT % (SMALLEST - 0.01)) == []


MB = {12: 1.5, 50: 3.0, 200: 10.0}
SECONDS = 3.0
SLACK = 4  # The machine may have other work.

LONG = pytest.mark.long("a report of many models is written")


@pytest.mark.parametrize("models", [12, pytest.param(50, marks=LONG), pytest.param(200, marks=LONG)])
def test_pages_of_many_models_are_small_and_soon_drawn(models: int, window: Any, tmp_path: Path) -> None:
    store = fill(tmp_path / "store", models)
    path = report_experiment(store, "many", store.folder)
    assert path.stat().st_size <= MB[models] * 1e6
    window.open(path)
    assert window.page.evaluate(TICKS) == [models if models <= 60 else 0, 0]
    seconds = timed(window.page, path)
    assert max(seconds.values()) <= SLACK * SECONDS, seconds
    assert window.page.locator("#evidence-title").text_content().startswith("organisation/model-")
