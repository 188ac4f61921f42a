"""Audits of rows: what moved, from which layer on, by how much, and who is nearest; no model is run."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import likewise
from likewise.about import Source
from likewise.errors import InputError, UndefinedError
from likewise.inference import LeftOut
from likewise.representation import Representation
from likewise.scoring import interval
from likewise.studies import Audit

N, D = 80, 12
LAYERS = ["embedding", "1", "2", "3", "last"]


class Models:
    """Rows of a base by layer, and copies of it with noise of some size from some layer on."""

    def __init__(self, seed: int, n: int = N, groups: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.x = {layer: self.rng.normal(size=(n, D)) for layer in LAYERS}
        self.ids = [f"p{i}" for i in range(n)]
        self.groups = [str(i % groups) for i in range(n)] if groups else ()

    def copy(
        self, sd: float, since: str = "embedding", only: str = "", features: int = D
    ) -> Mapping[str, Representation]:
        found = {}
        for place, layer in enumerate(LAYERS):
            there = layer == only if only else place >= LAYERS.index(since)
            noise = sd * there * self.rng.normal(size=self.x[layer].shape)
            rows = (self.x[layer] + noise)[:, :features]
            found[layer] = Representation(rows, ids=self.ids, groups=self.groups)
        return found


def asked(copies: Mapping[str, Any], models: Models, **more: Any) -> Any:
    given = {"base": models.copy(0), "again": models.copy(1e-6), "bf16": models.copy(0.01), **copies}
    return Audit("base", ("again", "bf16"), **more).answer(given, dict.fromkeys(models.ids, "a text"))


def test_copies_are_told_from_noise_with_the_layer_where_it_begins() -> None:
    models = Models(0)
    answer = asked(
        {
            "equal": models.copy(0),
            "tiny": models.copy(0.001),
            "like the floor": models.copy(0.01),
            "all": models.copy(0.1),
            "late": models.copy(0.1, since="2"),
            "one": models.copy(0.1, only="2"),
        },
        models,
    )
    of = {
        (name, part): answer.values[f"{name}.{part}"]
        for name in answer.tables["copies"].column("copy")
        for part in ("moved", "first_layer", "times_floor", "low", "high")
    }
    assert [of[name, "moved"] for name in ("equal", "tiny", "like the floor")] == [False] * 3
    assert [of[name, "first_layer"] for name in ("all", "late", "one")] == ["embedding", "2", "2"]
    assert of["equal", "times_floor"] == of["equal", "high"] == 0
    assert of["all", "low"] < 10 < of["all", "high"] and of["all", "low"] > 9 and of["one", "low"] > 9
    assert answer.values["moved"] is True and answer.failed("moved") and answer.failed('"like the floor.high" > 1')
    with pytest.raises(UndefinedError, match="moved in no layer"):
        answer.failed("tiny.first_layer == 'last'")
    said = answer.verdict
    assert "Within noise: equal is equal to base." in said
    assert re.search(
        r"Changed: all is \S+ times \(\S+ to \S+\) numeric noise at the last layer, from the embedding on",
        said,
    )
    assert "from block 2 on" in said
    assert re.search(r"Changed: one is \S+ times \(\S+ to \S+\) numeric noise at block 2, first at block 2\.", said)


def test_the_ratio_is_that_of_the_means() -> None:
    models = Models(1)
    copy, bf16, base = models.copy(0.3), models.copy(0.1), models.copy(0)
    given = {"base": base, "a": bf16, "x": copy}
    table = Audit("base", ("a",)).answer(given).tables["layers"].records()
    for row in table:
        x, y, f = (of[row["layer"]].matrix for of in (base, copy, bf16))
        own, noise = ((np.linalg.norm(m - x, axis=1) / np.linalg.norm(x, axis=1)).mean() for m in (y, f))
        assert np.isclose(row["times_floor"], own / noise, rtol=1e-12) and np.isclose(row["error"], own, rtol=1e-12)
        assert row["low"] < row["times_floor"] < row["high"]


@pytest.mark.parametrize("groups", [0, 16])
def test_reruns_are_seldom_called_changed(groups: int) -> None:
    """Of a copy that is one more re-run: at most 2.5 %, here 5 of 60 with a probability below 0.002."""
    alarms = 0
    for seed in range(60):
        models = Models(seed, groups=groups)
        given = {"base": models.copy(0), "a": models.copy(0.01), "x": models.copy(0.01)}
        alarms += Audit("base", ("a",)).answer(given).values["moved"]
    assert alarms < 6


def test_whole_groups_are_left_out() -> None:
    """Prompts of one group err alike: an interval that takes them for independent is too narrow."""
    rng = np.random.default_rng(0)
    group = np.arange(N) % 8
    x = rng.normal(size=(N, D))
    away = rng.normal(size=(N, D)) * (0.1 + rng.chisquare(1, size=8)[group])[:, None]
    rows = {"base": x, "a": x + 0.1 * rng.normal(size=x.shape), "x": x + away}

    def width(groups: Any) -> float:
        given = {name: {"rows": Representation(m, groups=groups)} for name, m in rows.items()}
        values = Audit("base", ("a",)).answer(given).values
        return values["x.high"] - values["x.low"]

    assert width([str(g) for g in group]) > 2 * width(())


def test_where_prompts_that_follow_each_other_are_alike_stretches_are_left_out() -> None:
    """As wide as by the groups that nobody named, in all layers, also where one layer alone has such rows."""
    rng = np.random.default_rng(0)
    group = np.arange(N) // (N // 8)
    runs, x = 3 * rng.normal(size=(8, D))[group] + rng.normal(size=(N, D)), rng.normal(size=(N, D))
    order = rng.permutation(N)

    def answer(groups: Any = (), order: Any = slice(None)) -> Any:
        sizes = np.random.default_rng(1).chisquare(1, size=8)[group][:, None]
        noise = np.random.default_rng(2).normal(size=(3, N, D))
        given = {}
        for name, sd, z in (("base", 0 * sizes, noise[0]), ("a", 0.1, noise[1]), ("x", 0.1 + sizes, noise[2])):
            layers = {"1": runs + sd * z, "2": x + sd * z}
            given[name] = {
                layer: Representation(m[order], groups=list(np.asarray(groups)[order]) if len(groups) else ())
                for layer, m in layers.items()
            }
        return Audit("base", ("a",)).answer(given)

    def width(of: Any) -> float:
        return of.values["x.high"] - of.values["x.low"]

    alone, named, mixed = answer(), answer(group.astype(str)), answer(order=order)
    assert 0.7 * width(named) < width(alone) < 1.5 * width(named) and width(alone) > 1.5 * width(mixed)
    told = [any("leave out stretches" in limit for limit in of.limits) for of in (alone, named, mixed)]
    assert told == [True, False, False]


def test_groups_that_are_named_somewhere_stay_what_is_left_out() -> None:
    """Of outputs alone, where they are those of the outputs; layers that name others are refused."""
    rng = np.random.default_rng(0)
    runs, logits = 3 * rng.normal(size=(8, D))[np.arange(N) // 10] + rng.normal(size=(N, D)), rng.normal(size=(N, 6))
    named = tuple(str(i % 16) for i in range(N))

    def run(sd: float, groups: Any) -> Mapping[str, Representation]:
        noisy = logits + sd * np.random.default_rng(1).normal(size=logits.shape)
        rows = noisy - np.log(np.exp(noisy).sum(axis=1, keepdims=True))
        outputs = Representation(rows, groups=groups, kind="log_probabilities")
        return {"1": Representation(runs + sd * rng.normal(size=runs.shape)), "logits": outputs}

    def low(groups: Any) -> Any:
        given = {"base": run(0, groups), "a": run(0.01, groups), "x": run(0.5, groups)}
        return Audit("base", ("a",), outputs=("kl_divergence",)).answer(given).tables["outputs"].records()[0]["low"]

    x, y = (np.asarray(run(sd, ())["logits"].matrix) for sd in (0, 0.5))
    each = LeftOut.of_mean((np.exp(x) * (x - y)).sum(axis=1), named)
    ends = interval(np.asarray([each.value]), each.values[:, None], (0.0, np.inf), each.sizes)
    assert low(named) == pytest.approx(ends[0][0]) and low(()) != pytest.approx(ends[0][0])
    given = {
        name: {"1": Representation(runs + sd), "2": Representation(runs + sd, groups=named)}
        for name, sd in (("base", 0.0), ("a", 0.1), ("x", 0.2))
    }
    with pytest.raises(InputError, match="expected the same parts"):
        Audit("base", ("a",)).answer(given)


def test_copies_that_no_test_tells_apart_share_a_letter() -> None:
    models = Models(12)
    answer = asked({"near": models.copy(0.1), "near too": models.copy(0.1), "far": models.copy(0.5)}, models)
    table = {row["copy"]: row for row in answer.tables["copies"].records()}
    assert table["near"]["letters"] == table["near too"]["letters"] == "a" and table["far"]["letters"] == "b"
    assert [(table[n]["rank_low"], table[n]["rank_high"]) for n in ("near", "near too", "far")] == [
        (1, 2),
        (1, 2),
        (3, 3),
    ]
    assert answer.values["nearest_told_apart"] is False and "not told apart from near" in answer.verdict
    alone = asked({"near": models.copy(0.1), "far": models.copy(0.5)}, models)
    assert alone.values["nearest"] == "near" and alone.values["nearest_told_apart"] is True
    assert "Nearest to base at the last layer: near, and that is more than luck." in alone.verdict


def test_prompts_that_changed_most_stand_first() -> None:
    models = Models(3)
    copy = {
        layer: r.changed(matrix=r.matrix + 5.0 * (np.arange(N) == 17)[:, None]) for layer, r in models.copy(0.1).items()
    }
    given = {"base": models.copy(0), "a": models.copy(0.01), "x": copy}
    texts = {name: f"text of {name}" for name in models.ids}
    table = Audit("base", ("a",), count=3).answer(given, texts).tables["prompts"].records()
    assert len(table) == 3 and (table[0]["id"], table[0]["prompt"]) == ("p17", "text of p17")
    assert [row["error"] for row in table] == sorted((row["error"] for row in table), reverse=True)


def test_where_reruns_are_equal_any_difference_counts() -> None:
    models = Models(4)
    given = {"base": models.copy(0), "a": models.copy(0.01, since="2"), "x": models.copy(1e-7), "y": models.copy(0)}
    answer = Audit("base", ("a",)).answer(given)
    assert answer.values["x.first_layer"] == "embedding" and answer.values["y.moved"] is False
    assert answer.tables["layers"].records()[0]["times_floor"] is None
    alone = Audit("base", ("a",)).answer({"base": models.copy(0), "a": models.copy(0), "x": models.copy(0.1)})
    assert alone.values["x.moved"] is True and alone.values["x.times_floor"] is None and alone.reasons["x.low"]
    assert "re-runs are equal to the base" in alone.verdict
    assert any("check that they come from a second run" in limit for limit in alone.limits)
    assert not any("check that they come from a second run" in limit for limit in answer.limits)


@pytest.mark.parametrize(("noise", "said"), [(0.01, False), (3.0, True)])
def test_a_rerun_that_looks_like_another_model_is_told(noise, said) -> None:
    models = Models(4)
    given = {"base": models.copy(0), "a": models.copy(noise), "x": models.copy(0.1)}
    limits = Audit("base", ("a",)).answer(given).limits
    assert any("as between two models" in line for line in limits) == said


@pytest.mark.parametrize(("sd", "order", "said"), [(0.3, "same", False), (0.3, "another", True), (5.0, "same", True)])
def test_rows_in_another_order_and_other_models_are_told(sd, order, said) -> None:
    models = Models(3)
    copy = models.copy(sd)
    if order == "another":
        moved = models.rng.permutation(N)
        copy = {layer: Representation(r.matrix[moved], ids=r.ids) for layer, r in copy.items()}
    limits = asked({"copy": copy, "near": models.copy(0.02)}, models).limits
    assert [line for line in limits if "in another order" in line] == [
        "copy is farther from base than the rows of base are from their mean: this is another model, or its rows are "
        "in another order or on another scale."
    ] * said


def test_a_second_run_in_another_order_is_told_beside_a_large_offset() -> None:
    """The offset makes every relative error small."""
    rng = np.random.default_rng(0)
    x = 100 + rng.normal(size=(N, D))
    given = {"base": x, "again": x[rng.permutation(N)], "copy": x + 0.1 * rng.normal(size=x.shape)}
    limits = Audit("base", ("again",)).answer({k: {"": Representation(v)} for k, v in given.items()}).limits
    assert [line.split(" is farther")[0] for line in limits if "in another order" in line] == ["again"]


def test_massive_features_are_left_out_of_means_alone() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(N, 40))
    x[:, 3] += 5000
    away = 0.3 * rng.normal(size=x.shape)

    def times(pooling: str) -> tuple[float, str]:
        def rows(matrix: np.ndarray) -> Any:
            return {"last": Representation(matrix, source=Source(pooling=pooling, model="m"))}

        given = {"base": rows(x), "a": rows(x + 0.1 * rng.normal(size=x.shape)), "x": rows(x + away)}
        answer = Audit("base", ("a",)).answer(given)
        return answer.values["x.error"], " ".join(answer.limits)

    error, said = times("mean(skip=1)")
    assert 0.25 < error < 0.36 and "1 massive features" in said
    error, said = times("last_token")
    assert error < 0.001 and "massive" not in said


HOSTILE = ["a\x1b[31m", "x.moved", 'say "no"', "and", "a @ 3", "<b>", "moved", "‮turned", "名前"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_may_be_anything(name: str) -> None:
    models = Models(6)
    answer = asked({name: models.copy(0.5), "b": models.copy(0)}, models)
    quoted = '"{}.moved"'.format(name.replace('"', '""'))
    assert answer.failed(quoted) is True
    assert answer.values["moved"] is True


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda m: {"base": m.copy(0), "a": m.copy(1)}, "no copies"),
        (lambda m: {"base": m.copy(0), "x": m.copy(1)}, "re-run 'a'"),
        (lambda m: {"a": m.copy(0), "x": m.copy(1)}, "base 'base'"),
        (
            lambda m: {"base": m.copy(0), "a": m.copy(1), "x": m.copy(1, features=5)},
            "x has 5 features at the embedding",
        ),
        (lambda m: {"base": m.copy(0), "a": m.copy(1), "x": {"7": m.copy(1)["1"]}}, "no layer"),
        (lambda m: {"base": m.copy(0), "a": m.copy(1), "x": Models(0, n=5).copy(1)}, "rows"),
    ],
)
def test_what_is_no_audit_is_refused(given: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Audit("base", ("a",)).answer(given(Models(7)))


def test_a_row_of_zeros_and_too_few_prompts_are_refused() -> None:
    x = np.ones((6, 3))
    x[2] = 0
    with pytest.raises(InputError, match="the row of '2' is zero"):
        likewise.audit(x, {"c": x + 1}, floor={"again": x + 0.1})
    few = np.ones((4, 3))
    with pytest.raises(InputError, match="expected 5 or more"):
        likewise.audit(few, {"c": few + 1}, floor={"again": few + 0.1})


def test_files_alone_are_audited(cli: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=(60, 9))
    for name, sd in {"base": 0, "again": 0.01, "same": 0.001, "worse": 0.1}.items():
        np.save(tmp_path / f"{name}.npy", x + sd * rng.normal(size=x.shape))
    code, out, _ = cli("audit", "base.npy", "same.npy", "--floor", "again.npy", "--fail-if", "moved")
    assert code == 0 and "Within noise: same" in out
    words = (
        "audit",
        "base.npy",
        "same.npy",
        "q8=worse.npy",
        "--floor",
        "again.npy",
        "--fail-if",
        "moved",
        "--output",
        "out",
    )
    code, out, err = cli(*words)
    assert code == 3 and "Changed: q8 is" in out and "failed: moved" in err
    assert (tmp_path / "out" / "answer.json").exists()
    assert cli("audit", "base.npy", "same.npy")[0] == 2
    assert cli("audit", "base.npy", "same.npy", "--floor", "again.npy", "--layer", "3")[0] == 2
    assert cli("audit", "gpt2", "same.npy")[0] == 2


def test_the_page_says_what_the_command_says(cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text().partition("## Files alone")[2]
    monkeypatch.chdir(tmp_path)
    made, said = (re.findall(rf"```{kind}\n(.*?)```", page, flags=re.S)[0] for kind in ("python", "text"))
    exec(made, {})  # of our own page
    words = shlex.split(re.findall(r"^    likewise (.*)$", page, flags=re.M)[0])
    code, out, _ = cli(*words)
    assert code == 3 and " ".join(said.split()) in " ".join(out.split())


def test_outputs_are_told_by_their_own_measures() -> None:
    """Their rows are log-probabilities, which have no relative error."""
    rng = np.random.default_rng(9)
    models, logits = Models(9), rng.normal(size=(N, 6))

    def run(sd: float) -> Mapping[str, Representation]:
        noisy = logits + sd * rng.normal(size=logits.shape)
        rows = noisy - np.log(np.exp(noisy).sum(axis=1, keepdims=True))
        return {**models.copy(sd), "logits": Representation(rows, ids=models.ids, kind="log_probabilities")}

    given = {"base": run(0), "a": run(0.01), "x": run(0.5), "y": run(0)}
    answer = Audit("base", ("a",), outputs=("cosine", "no_such_measure")).answer(given)
    x, y = answer.tables["outputs"].records()
    rows = [given[name]["logits"].matrix for name in ("base", "x")]
    rows = [r / np.linalg.norm(r, axis=1, keepdims=True) for r in rows]
    assert np.isclose(x["value"], (rows[0] * rows[1]).sum(axis=1).mean()) and x["low"] < x["value"] < x["high"]
    assert np.isclose(y["value"], 1) and x["value"] < x["floor"] < 1 and answer.values["x.cosine"] == x["value"]
    assert answer.tables["layers"].column("layer") == 2 * LAYERS
    turned = np.roll(given["base"]["logits"].matrix, 1, axis=0)
    given["z"] = {**given["x"], "logits": given["x"]["logits"].changed(matrix=turned)}
    told = Audit("base", ("a",), outputs=("equal_top", "kl_divergence")).answer(given).tables["outputs"].records()
    assert all(0 <= row["low"] <= row["value"] <= row["high"] for row in told)
    assert all(row["high"] <= 1 for row in told if row["measure"] == "equal_top")
    with pytest.raises(InputError, match="expected a layer of hidden states"):
        Audit("base", ("a",)).answer({name: {"logits": of["logits"]} for name, of in given.items()})


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 20])
def test_reruns_that_differ_on_few_prompts_are_a_floor_too(count: int) -> None:
    """Of most prompts a re-run is often equal to the last bit."""
    rng = np.random.default_rng(count)
    x = rng.normal(size=(200, 6))
    again = x.copy()
    again[:count] += 0.001 * rng.normal(size=(count, 6))
    answer = likewise.audit(x, {"unrelated": rng.normal(size=x.shape), "same": again.copy()}, floor={"again": again})
    assert "Changed: unrelated" in answer.verdict and "Within noise: same" in answer.verdict
    assert answer.values["same.moved"] is False and answer.values["unrelated.moved"] is True


def test_all_first_choices_equal_on_a_few_prompts_says_little() -> None:
    rng = np.random.default_rng(0)
    states, logits = rng.normal(size=(8, 3)), rng.normal(size=(8, 5)) + 9 * np.eye(5)[np.arange(8) % 5]

    def run(noise: float) -> Mapping[str, Representation]:
        noisy = logits + noise * rng.normal(size=logits.shape)
        rows = noisy - np.log(np.exp(noisy).sum(axis=1, keepdims=True))
        moved = states + noise * rng.normal(size=states.shape)
        return {"last": Representation(moved), "logits": Representation(rows, kind="log_probabilities")}

    given = {"base": run(0), "again": run(1e-6), "copy": run(0.01)}
    (row,) = Audit("base", ("again",), outputs=("equal_top",)).answer(given).tables["outputs"].records()
    assert (row["value"], row["low"], row["high"]) == (1, pytest.approx(0.025 ** (1 / 8)), 1)


def test_a_layer_in_which_a_copy_is_equal_to_the_base_is_told_so() -> None:
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 40, 6))
    layers = {"base": (x, x), "again": (x + 0.01 * noise, x), "copy": (x + 0.001 * noise, x)}
    given = {name: {"1": Representation(a), "2": Representation(b)} for name, (a, b) in layers.items()}
    verdict = Audit("base", ("again",)).answer(given).verdict
    assert verdict.startswith("Within noise: copy is equal to the base at block 2, and moved at no layer.")


def test_files_have_no_first_layer_and_a_gate_says_so() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 6))
    again, far = (x + sd * rng.normal(size=x.shape) for sd in (0.01, 0.5))
    answer = likewise.audit(x, {"far": far}, floor={"again": again})
    assert answer.values["far.first_layer"] is None and answer.values["far.moved"]
    with pytest.raises(UndefinedError, match=r"far.first_layer has no value: the files hold one layer"):
        answer.failed("far.first_layer == '3'")
