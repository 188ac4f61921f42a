"""The forest and the bar in a browser: the scale that stands behind scores, and the answer first where it is narrow."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likewise.report import write_report
from likewise.report.saved import Saved
from likewise.scoring import compare

pytestmark = pytest.mark.xdist_group("browser")

VARIANTS = {"whole": None, "pruned": "prune(fraction=0.3)", "4 bits": "quantize(bits=4)", "random": "reinitialize"}


def written(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(40, 5))
    of = {name: base + sd * rng.normal(size=base.shape) for name, sd in zip(VARIANTS, (0, 0.2, 0.6, 50), strict=True)}
    of["stranger"] = rng.normal(size=base.shape)
    described = [
        {"name": name, "key": name, "n_items": 40, "n_features": 5, "audit": {},
         "source": {"model": "hub/s" if name == "stranger" else "hub/m", "variant": VARIANTS.get(name)}}
        for name in of
    ]  # fmt: skip
    panel = Saved(
        folder, "answer.html", "Derived?", "No.", {"models": [{"model": "stranger", "role": "panel"}]}, "whole"
    )
    results = compare(of, ["cka", "procrustes"], permutations=0)
    return write_report(
        results, folder, title="scale", experiment="", representations=described, saved=[panel], store="runs"
    )


def test_the_forest_has_its_scale_behind_it_and_the_answer_comes_first(window: Any, tmp_path: Path) -> None:
    page = window.page
    window.resize(1400)
    window.open(written(tmp_path))
    bar = page.evaluate(
        "[...document.querySelectorAll('#filters .bar > :not([hidden])')].map((e) => e.getBoundingClientRect().top)"
    )
    assert max(bar) - min(bar) < 20, bar
    forest = page.locator("#forest")
    assert forest.locator("g[aria-label=rect] rect").count() == 2
    legend = forest.locator(".legend").text_content()
    for words in ("random weights", "unrelated trained models", "damaged copies of whole: 30 % pruned, 4 bits"):
        assert words in legend
    caption = forest.locator("figcaption").text_content()
    table = {tuple(r.split("|")[:2]): r.split("|")[2:] for r in page.locator("#pairs tbody tr").evaluate_all(
        "(rows) => rows.map((row) => [...row.children].map((c) => c.textContent).join('|'))")}  # fmt: skip
    _, *_, of_pruned, low, high = table["whole", "pruned"]
    assert f"30 % pruned {of_pruned} ({low} to {high})" in caption
    strangers = [cells for (a, b), cells in table.items() if {a, b} == {"stranger", "whole"}]
    ends = min(float(c[-2]) for c in strangers), max(float(c[-1]) for c in strangers)
    assert f"with unrelated trained models, {ends[0]:.3f} to {ends[1]:.3f}, intervals included" in caption

    page.select_option("#base", "stranger")
    assert "damaged copies" not in forest.text_content()  # it has none of its own
    assert window.said == []

    window.resize(390, 844)
    window.settle()
    assert page.locator("#dataset").is_hidden()
    assert page.locator(".headline").first.bounding_box()["y"] < 500
    page.locator("#choose > summary").click()
    assert page.locator("#dataset").is_visible() and page.locator("#saved a").get_attribute("href") == "answer.html"
    window.resize(1400)
    window.settle()
    assert page.locator("#dataset").is_visible() and page.locator("#choose > summary").is_hidden()
