"""Figures for papers: what they draw is the table, texts are large enough and stay inside, bad requests are told."""

import doctest
import itertools
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.text
import numpy as np
import pyarrow as pa
import pytest
from matplotlib.collections import QuadMesh

from likewise.errors import InputError
from likewise.report.figures import FORMATS, KINDS, draw, drawing, look, rendered
from likewise.report.figures.grids import Grid
from likewise.report.figures.look import short_names
from likewise.scoring import Results, compare, relabelled

pytestmark = pytest.mark.xdist_group("report figures")

NAMES = ["RedPajama-INCITE-7B-Base", "bloom", "falcon", "galactica $x$ <b>", "名前"]


def matrices(n: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, 8))
    return {name: base + (0.3 + 0.5 * i) * rng.normal(size=(n, 8)) for i, name in enumerate(NAMES)}


@pytest.fixture(scope="module")
def results() -> Results:
    measures = ["procrustes", "cka", "rsa", "linear_predictivity"]
    found = [
        compare(matrices(30, i), measures, permutations=19, dataset=name) for i, name in enumerate(("code", "talk"))
    ]
    deep = {
        f"{model} @ {layer}": rows + depth * np.random.default_rng(depth).normal(size=rows.shape)
        for model, rows in list(matrices(30, 2).items())[:3]
        for depth, layer in enumerate(("2", "10", "last"))
    }
    deep = {name.removesuffix(" @ last"): rows for name, rows in deep.items()}
    return Results.joined([*found, compare(deep, "cka", dataset="deep")]).corrected()


def asked(kind: str, results: Results, **choices: Any) -> Any:
    """A figure of a kind, of scores that it can draw."""
    if kind == "paper-datasets":
        return draw(kind, Results.joined([results.where(dataset=d) for d in ("code", "talk")]), **choices)
    if kind == "by-layer":
        return draw(kind, results, dataset="deep", **choices)
    if kind in ("agreement", "paper-heatmaps"):
        return draw(kind, results, dataset="code", **choices)
    return draw(kind, results, dataset="code", measure=choices.pop("measure", "cka"), **choices)


@pytest.mark.parametrize("width", [3.3, 6.5])
@pytest.mark.parametrize("kind", KINDS)
def test_texts_have_eight_points_and_stay_inside(results: Results, kind: str, width: float) -> None:
    figure = asked(kind, results, width=width)
    assert figure.get_size_inches()[0] == width and figure.get_size_inches()[1] < 30
    with drawing.style():
        figure.canvas.draw()
    right, top = figure.canvas.get_width_height()
    boxes = [text.get_window_extent() for text in figure.texts]
    boxes += [axes.get_tightbbox(figure.canvas.get_renderer()) for axes in figure.axes if axes.axison]
    for box in boxes:
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= right + 1 and box.y1 <= top + 1
    sizes = {text.get_fontsize() for text in figure.findobj(matplotlib.text.Text) if text.get_text().strip()}
    assert min(sizes) >= 8
    assert figure.caption and figure.data.num_rows
    said = figure.caption.lower()
    assert "interval" in said or "chance" in said


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "form", [pytest.param(f, marks=() if f == "svg" else pytest.mark.long("draws all kinds again")) for f in FORMATS]
)
def test_the_same_scores_give_the_same_bytes(results: Results, kind: str, form: str) -> None:
    first = rendered(asked(kind, results), form)
    assert first == rendered(asked(kind, results), form)
    assert first.startswith({"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}[form])


@pytest.mark.parametrize("calibrated", [True, False])
@pytest.mark.parametrize("measure", ["procrustes", "cka", "linear_predictivity"])
def test_a_heatmap_draws_the_table(results: Results, measure: str, calibrated: bool) -> None:
    some = results.where(dataset="code", measure=measure)
    figure = some.heatmap(calibrated=calibrated)
    (axes,) = [a for a in figure.axes if a.get_label()[: len(measure)] == measure]
    mesh = next(child for child in axes.get_children() if isinstance(child, QuadMesh))
    symmetric = next(iter(some.configurations.values())).facts.symmetric
    drawn = (
        np.ma.asarray(mesh.get_array()).reshape(4, 4) if symmetric else np.ma.asarray(mesh.get_array()).reshape(5, 5)
    )
    down, across = (NAMES[1:], NAMES[:-1]) if symmetric else (NAMES, NAMES)
    for row in some:
        value = row.calibrated if calibrated else row.value
        place = (down.index(row.b), across.index(row.a)) if symmetric else (down.index(row.a), across.index(row.b))
        assert drawn[place] == value
    assert int((~np.ma.getmaskarray(drawn)).sum()) == len(some)
    red, green, blue, _ = np.moveaxis(mesh.cmap(mesh.norm(drawn)), -1, 0)
    bright = np.where(np.ma.getmaskarray(drawn), -1, 0.299 * red + 0.587 * green + 0.114 * blue)
    sign = 1 if calibrated else next(iter(some.configurations.values())).facts.more_alike
    assert bright.argmax() == np.where(np.ma.getmaskarray(drawn), -np.inf, sign * drawn).argmax()


def panel(figure: Any, label: str) -> tuple[Any, np.ma.MaskedArray, Any]:
    """The axes of a configuration, the scores that they show, and the cells."""
    axes = next(a for a in figure.axes if a.get_label() == label)
    mesh = next(child for child in axes.get_children() if isinstance(child, QuadMesh))
    return axes, np.ma.asarray(mesh.get_array()).reshape(np.shape(mesh.get_array())), mesh


def hatched(axes: Any) -> list[tuple[float, float]]:
    """Column and row of each hatched cell."""
    of = [c for c in axes.collections if c.get_hatch()]
    return sorted(tuple(path.vertices.min(axis=0).tolist()) for c in of for path in c.get_paths())


@pytest.mark.parametrize("measure", ["cka", "procrustes"])
def test_a_pair_given_the_other_way_round_lands_in_the_same_cell(results: Results, measure: str) -> None:
    scores = results.where(dataset="code", measure=measure).scores()
    grid = Grid.of(scores, NAMES)
    for some in ([scores[0]], scores[3:6], scores):
        turned = [replace(s, a=s.b, b=s.a) if s in some else s for s in scores]
        assert Grid.of(turned, NAMES).down == grid.down and Grid.of(turned, NAMES).across == grid.across
        assert np.array_equal(Grid.of(turned, NAMES).values, grid.values, equal_nan=True)
    assert np.array_equal(grid.cells, np.tril(np.ones((4, 4), bool)))


def test_two_sides_make_a_rectangle_whichever_stands_first_in_a_pair(results: Results) -> None:
    scores = [
        s for s in results.where(dataset="code", measure="cka").scores() if len({s.a, s.b} & {NAMES[1], NAMES[3]}) == 1
    ]
    assert {s.a for s in scores} & {s.b for s in scores}
    grid = Grid.of(scores, NAMES)
    assert grid.down == (NAMES[0], NAMES[2], NAMES[4]) and grid.across == (NAMES[1], NAMES[3]) and grid.cells.all()
    for s in scores:
        side, other = (s.a, s.b) if s.a in grid.down else (s.b, s.a)
        assert grid.values[grid.down.index(side), grid.across.index(other)] == s.value
    chain = [s for s in scores if abs(NAMES.index(s.a) - NAMES.index(s.b)) == 1]
    assert Grid.of(chain, NAMES).down == tuple(NAMES[1:])  # has two sides too, and is none
    one = Results.of([c for c in results.where(dataset="code", measure="cka") if NAMES[2] in (c.a, c.b)]).heatmap("cka")
    assert f"Column 2 is {NAMES[2]}." in one.caption  # the second in order of appearance
    both = Results.of([c for c in results.where(dataset="code") if len({c.a, c.b} & {NAMES[1], NAMES[3]}) == 1])
    caption = both.figure("paper-heatmaps").caption
    assert f"1 is {NAMES[1]}. 2 is {NAMES[3]}." in caption


def test_panels_beside_each_other_share_the_names_of_their_rows(unusual: tuple[str, ...]) -> None:
    """A triangle has no row for the first name, a square has one."""
    measures = ["cka", "explained", "rsa", "ridge", "norm_gap"]
    some = compare(dict([*matrices(30, 0).items()][:3]), measures, permutations=19)
    figure = some.figure("paper-heatmaps")
    seen = {label: panel(figure, label)[0] for label in measures[:4]}
    starts = {}
    for label, axes in seen.items():
        box = axes.get_position()
        rows = [t.get_text() for t in axes.get_yticklabels()]
        starts.setdefault(round(box.y1, 6), []).append((len(panel(figure, label)[1]), rows))
    for row in starts.values():
        assert len({size for size, _ in row}) == 1 and sum(bool(rows) for _, rows in row) == 1
    assert [t.get_text()[-1] for t in seen["cka"].get_yticklabels()] == ["2", "3"]
    assert [t.get_text()[-1] for t in seen["explained"].get_yticklabels()] == ["1", "2", "3"]
    values = {(c.a, c.b): c.calibrated for c in some if c.measure == "explained"}
    drawn = panel(figure, "explained")[1]
    assert {(a, b): drawn[i, j] for i, a in enumerate(NAMES[:3]) for j, b in enumerate(NAMES[:3]) if i != j} == values
    assert "Where both halves of a square are filled, the first of a pair is the row." in figure.caption
    assert "No calibrated score of norm_gap." in figure.caption
    assert "The first of a pair is the row." in some.heatmap("explained").caption
    assert (
        "first of a pair"
        not in some.heatmap("cka").caption + some.where(measure="cka").figure("paper-heatmaps").caption
    )


@pytest.mark.parametrize("kind", ["heatmap", "paper-heatmaps"])
def test_calibrated_scores_beyond_chance_and_identity_have_colours_of_their_own(results: Results, kind: str) -> None:
    some = [*results.where(dataset="code", measure="procrustes")]
    inside = Results.of([replace(c, calibrated=c.calibrated and min(1 + 1e-12, max(0, c.calibrated))) for c in some])
    figure = inside.figure(kind)
    assert "below 0" not in figure.caption and "above 1" not in figure.caption
    beyond = [replace(c, calibrated=v) for c, v in zip(some, [-0.25, 1.5, 1 + 1e-12, -0.1], strict=False)]
    figure = Results.of(beyond).figure(kind)
    said = (
        "Of 4 scores, 2 below 0 (lowest -0.25) and 1 above 1 (highest 1.5) lie beyond the end of the bar, in a colour "
        "of their own."
    )
    assert said in figure.caption
    _, _, mesh = panel(figure, next(iter(results.where(measure="procrustes").configurations.values())).label)
    assert (mesh.norm.vmin, mesh.norm.vmax) == (0, 1)
    colours = [mesh.cmap(mesh.norm(v)) for v in (-0.25, 0.0, 1.0, 1.5)]
    assert len(set(colours)) == 4
    bright = [0.299 * r + 0.587 * g + 0.114 * b for r, g, b, _ in colours]
    assert bright == sorted(bright)


@pytest.mark.parametrize("count", [2, 3, pytest.param(40, marks=pytest.mark.long("draws 780 cells"))])
@pytest.mark.parametrize("kind", ["heatmap", "paper-heatmaps"])
def test_labels_do_not_overlap(kind: str, count: int) -> None:
    rng = np.random.default_rng(0)
    measures = ["cka"] if kind == "heatmap" else ["cka", "procrustes", "jaccard(k=3)"]
    given = {f"organisation/model-{i}": rng.normal(size=(8, 3)) for i in range(count)}
    figure = compare(given, measures, permutations=0, groups=0).figure(
        kind, calibrated=False, width=6.5 if count < 40 else 20
    )
    with drawing.style():
        figure.canvas.draw()
    panels = [axes for axes in figure.axes if axes.get_label() and axes.collections]
    assert len([a for a in panels if a.get_label().partition("(")[0] in ("cka", "procrustes", "jaccard")]) == len(
        measures
    )
    for axes in panels:
        for labels in (axes.get_yticklabels(), axes.get_xticklabels()):
            boxes = [label.get_window_extent() for label in labels if label.get_text()]
            assert not any(a.overlaps(b) for a, b in itertools.pairwise(b.shrunk(1, 0.9) for b in boxes))
    titles = [axes.title.get_window_extent() for axes in panels if axes.title.get_text()]
    titles += [text.get_window_extent() for text in figure.texts if text.get_text()]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(titles, 2))


@pytest.mark.parametrize("measure", ["procrustes", "cka"])
def test_intervals_and_chance_move_with_the_score_to_the_calibrated_scale(results: Results, measure: str) -> None:
    some = results.where(dataset="code", measure=measure)
    identity = 0.0 if measure == "procrustes" else 1.0
    for row, raw, score in zip(some, some.scores(calibrated=False), some.scores(), strict=True):
        assert (raw.value, raw.low, raw.high, raw.chance) == (row.value, row.low, row.high, row.null_mean)
        ends = sorted((end - row.null_mean) / (identity - row.null_mean) for end in (row.low, row.high))
        assert [score.low, score.high] == pytest.approx(ends, rel=1e-9)
        assert score.low <= score.value <= score.high and score.chance == 0
        wide = 2 * row.null_std / abs(identity - row.null_mean)
        assert [score.chance_low, score.chance_high] == pytest.approx([-wide, wide], rel=1e-9)


def test_a_forest_has_the_most_alike_first(results: Results) -> None:
    for calibrated, sign in ((True, 1), (False, -1)):
        data = results.where(dataset="code", measure="procrustes").forest(calibrated=calibrated).data
        values = [sign * value for value in data["value"].to_pylist()]
        assert values == sorted(values, reverse=True) and len(values) == 10


def test_layers_stand_in_depth_and_the_last_at_the_end(results: Results) -> None:
    figure = results.by_layer(dataset="deep")
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["2", "10", "last"]
    assert figure.data.num_rows == 9
    for row in figure.data.to_pylist():
        one = results.where(dataset="deep", models=[row["a"], row["b"]])
        assert row["value"] in [c.calibrated for c in one]


def test_a_pair_that_stands_the_other_way_round_at_a_layer_is_on_the_same_curve() -> None:
    rng = np.random.default_rng(0)
    mixed = {name: rng.normal(size=(20, 3)) for name in ("one @ 1", "two @ 1", "two @ 2", "one @ 2")}
    figure = compare(mixed, "cka", permutations=0).by_layer(calibrated=False)
    assert figure.data.num_rows == 2 and len(figure.axes) == 2  # the curve, and its line in the key


def test_a_map_keeps_distances_and_tells_its_stress(results: Results) -> None:
    figure = results.map("cka", dataset="code")
    points = np.stack([figure.data["x"].to_numpy(), figure.data["y"].to_numpy()], axis=1)
    far = 1 - results.matrix("cka", dataset="code").to_numpy()
    near = np.linalg.norm(points[:, None] - points, axis=2)
    stress = np.sqrt(((near - far) ** 2).sum() / (near**2).sum())
    assert figure.data["stress"][0].as_py() == pytest.approx(stress)
    assert f"stress-1 is {stress:.3g}" in figure.caption


def test_the_range_of_relabellings_is_that_of_the_p_value(results: Results) -> None:
    rng = np.random.default_rng(0)
    pairs = list(itertools.combinations("abcde", 2))
    left, right = ({pair: float(rng.normal()) for pair in pairs} for _ in "xy")
    observed, moved = relabelled(left, right, "abcde")
    import scipy

    assert observed == pytest.approx(scipy.stats.spearmanr([*left.values()], [*right.values()]).statistic)
    assert len(moved) == 119 and abs(moved.mean()) < 0.1
    row = asked("paper-datasets", results).data.to_pylist()[0]
    assert -1 <= row["chance_low"] < row["chance_high"] <= 1


def test_undefined_scores_are_hatched_and_told(results: Results) -> None:
    given = matrices(30, 0)
    given["bloom"][3] = 0
    some = compare(given, "aligned_cosine(center=False, normalize=False)", permutations=0)
    figure = some.heatmap(calibrated=False)
    assert "Hatched: 4 of 10 have no score: " in figure.caption
    # The row of bloom, the second name, and its column.
    assert hatched(figure.axes[0]) == [(0, 0), (1, 1), (1, 2), (1, 3)]
    ordered = [*results.where(dataset="code", measure="linear_predictivity")]
    gone = [replace(c, calibrated=None) if (c.a, c.b) == (NAMES[0], NAMES[2]) else c for c in ordered]
    assert hatched(Results.of(gone).heatmap().axes[0]) == [(2, 0)]
    assert "×: 4 of 10 have no score" in some.forest(calibrated=False).caption
    with pytest.raises(InputError, match=r"no calibrated scores: no chance levels were asked for; choose raw scores"):
        some.where(models=[name for name in NAMES if name != "bloom"]).heatmap()
    with pytest.raises(InputError, match=r"no calibrated scores: no chance level: .*choose raw scores"):
        compare(matrices(30, 0), "magnitude_difference").heatmap()
    with pytest.raises(InputError, match="have no score of aligned_cosine"):
        some.map(calibrated=False)


@pytest.mark.parametrize(
    ("kind", "choices", "said"),
    [
        ("heatmp", {}, 'did you mean "heatmap"'),
        ("heatmap", {}, r"which data set\? expected one of: code, talk, deep"),
        ("heatmap", {"dataset": "cod"}, "no data set 'cod' among the scores; did you mean \"code\""),
        ("heatmap", {"dataset": "code"}, r"which measure\? expected one of: procrustes, cka, rsa, linear_predictivity"),
        ("heatmap", {"dataset": "code", "measure": "ckaa"}, "no scores of the measure 'ckaa'; did you mean \"cka\""),
        ("heatmap", {"dataset": "code", "measure": "cka("}, "no scores of the measure"),
        ("heatmap", {"dataset": "code", "measure": "cka", "models": ["blom"]}, 'did you mean "bloom"'),
        ("heatmap", {"dataset": "code", "measure": "cka", "models": ["bloom"]}, "no pair has all of these names"),
        ("heatmap", {"dataset": "deep", "layer": 3}, "no layer '3' among the scores"),
        ("heatmap", {"dataset": "deep", "layer": 2, "measure": "cka", "width": 0.5}, r"width=0.5: expected 1.5 to 40"),
        ("heatmap", {"dataset": "deep", "order": "clustered"}, "order='clustered'"),
        ("forest", {"dataset": "deep", "order": "given"}, "forest has an order of its own"),
        ("by-layer", {"dataset": "code", "measure": "cka"}, "expected pairs of two models at the same layer"),
        ("agreement", {"dataset": "deep"}, "no correlation of measures: expected two or more configurations"),
        ("agreement", {"dataset": "code", "calibrated": True}, "agreement rests on raw scores"),
        ("paper-datasets", {"dataset": "code"}, "expected scores on two or more data sets"),
        ("map", {"dataset": "code", "measure": "cka", "models": ["bloom", "falcon"]}, "expected three or more"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_one_line(
    results: Results, kind: str, choices: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said) as told:
        draw(kind, results, **choices)
    assert "\n" not in str(told.value)


@pytest.mark.long("draws 40 models in every kind")
def test_forty_models_fit_a_page_or_are_refused() -> None:
    rng = np.random.default_rng(0)
    many = compare({f"organisation/model-{i}": rng.normal(size=(8, 3)) for i in range(40)}, "cka", groups=0)
    assert "No intervals: none were asked for" in many.heatmap().caption
    with pytest.raises(InputError, match=r"39 columns need a width of \d.\d inches at eight points, got 3.3"):
        many.heatmap(width=3.3)
    with pytest.raises(InputError, match="a forest of 780 pairs cannot be read"):
        many.forest()


def test_examples_run() -> None:
    found = [doctest.testmod(module) for module in (drawing, look)]
    assert sum(one.attempted for one in found) >= 4 and not sum(one.failed for one in found)


def test_names_stay_different_when_they_are_shortened() -> None:
    names = [f"organisation/model-{'x' * 40}-{i}" for i in range(3)] + ["a" * 60 + "b" + "a" * 60, "a" * 121]
    short = short_names(names, 0.8)
    assert len(set(short)) == 5
    assert short_names(["organisation/model-7b-base"], 0.8)[0].count("…") == 1


def test_looks_are_ours_whatever_the_user_has_set(results: Results) -> None:
    import matplotlib

    ours = rendered(asked("heatmap", results), "png")
    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "figure.facecolor": "red"}):
        assert rendered(asked("heatmap", results), "png") == ours
    assert dict(matplotlib.rcParams) == before


def test_letters_that_the_font_lacks_are_written_out(results: Results) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = rendered(asked("forest", results), "svg").decode()
    assert drawing.legible("名前") == "\\u540d\\u524d"
    assert "<script" not in svg


def test_tables_go_to_other_libraries_without_a_copy(results: Results, tmp_path: Path) -> None:
    assert pa.table(results).equals(results.table)
    import pandas

    if hasattr(pandas.DataFrame, "from_arrow"):
        assert pandas.DataFrame.from_arrow(results)["value"].tolist() == results.table["value"].to_pylist()


def test_a_matrix_is_the_table(results: Results) -> None:
    some = results.where(dataset="code", measure="linear_predictivity")
    square = some.matrix(calibrated=False)
    assert [*square.index] == [*square.columns] == NAMES
    for row in some:
        assert square.loc[row.a, row.b] == row.value
    distances = results.matrix("procrustes", dataset="code", calibrated=False)
    assert (np.diag(distances) == 0).all() and (distances == distances.T).all(axis=None)
    assert (np.diag(results.matrix("procrustes", dataset="code")) == 1).all()


def test_results_show_themselves_and_hostile_names_do_nothing(results: Results) -> None:
    html = results._repr_html_()
    hostile = results.where(models=NAMES[2:])._repr_html_()
    assert "<b>" not in hostile and "&lt;b&gt;" in hostile
    assert f"{len(results):,} comparisons" in html and "<th>data set</th>" in html
    assert f"{len(results) - 10:,} more rows" in html
