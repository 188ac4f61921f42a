"""Verdicts on matrices whose kinship is known: what is said, what is not, and why."""

import numpy as np
import pytest

from likewise.errors import InputError
from likewise.representation import Representation
from likewise.studies import Answer, Lineage, Place

N, D = 100, 32

RNG = np.random.default_rng(11)
SEEN = RNG.normal(size=(N, 12))
"""What all models see in the prompts: strangers are alike by it."""


def trained(seed: int, width: int = D) -> np.ndarray:
    """A model that was trained apart: the prompts in axes of its own, and what is its own."""
    rng = np.random.default_rng([seed, width])
    return SEEN @ rng.normal(size=(12, width)) / 3 + rng.normal(size=(N, width))


BASE = trained(0)


def turn(x: np.ndarray, seed: int = 5) -> np.ndarray:
    gaussian = np.random.default_rng(seed).normal(size=(x.shape[1], x.shape[1]))
    return x @ np.linalg.svd(gaussian)[0]


def copied(sd: float, seed: int = 1) -> np.ndarray:
    return BASE + sd * np.random.default_rng(seed).normal(size=BASE.shape)


def panel(count: int, first: int = 100) -> dict[str, np.ndarray]:
    return {f"stranger {i}": trained(first + i, D + i % 3) for i in range(count)}


def asked(
    model: np.ndarray,
    panel: dict[str, np.ndarray] | None = None,
    relatives: dict[str, np.ndarray] | None = None,
    source: dict[str, dict[str, str]] | None = None,
    base: np.ndarray = BASE,
) -> Answer:
    def named(rows: dict[str, np.ndarray] | None) -> dict[str, Representation]:
        return {n: Representation(x, name=n, source=(source or {}).get(n, {})) for n, x in (rows or {}).items()}

    both = named({"model": model, "base": base})
    return Lineage().answer([Place(both["model"], both["base"], named(panel), named(relatives))])


def test_features_in_another_order_are_told_from_prompts_of_few_directions() -> None:
    """Strangers that see twelve directions match after any rotation; a copy in another order does not."""
    rng = np.random.default_rng(3)
    seen = rng.normal(size=(N, 12))
    base, stranger = (seen @ rng.normal(size=(12, 576)) for _ in "ab")
    order = rng.permutation(576)
    for model, remarked in ((stranger, False), (turn(base), False), (base[:, order], True)):
        told = " ".join(asked(model, base=base).limits)
        assert ("stand in another order" in told) is remarked


@pytest.mark.parametrize("width", [2, 3, 4, 6])
def test_strangers_of_few_features_are_no_family(width: int) -> None:
    """Among 190 pairs some share axes by chance: no order of so few features is rare enough."""
    rows = {f"stranger {i}": trained(100 + i, width) for i in range(20)}
    answer = asked(trained(1, width), rows, base=trained(0, width))
    assert answer.values["panel.size"] == 20 and "family" not in " ".join(answer.limits)


@pytest.mark.parametrize("width", [200, 576])
def test_of_as_many_features_as_models_have(width: int) -> None:
    base, other = trained(0, width), trained(1, width)
    strangers = {f"stranger {i}": trained(100 + i, width) for i in range(2)}
    copy = base + 0.1 * np.random.default_rng(1).normal(size=base.shape)
    assert asked(copy, strangers, base=base).values["verdict"] == "derived"
    assert asked(other, strangers, base=base).values["verdict"] == "cannot tell"


@pytest.mark.parametrize("sd", [0.0, 0.1, 1.0])
def test_copies_are_derived_without_a_panel(sd: float) -> None:
    answer = asked(copied(sd))
    assert answer.values["verdict"] == "derived"
    assert answer.values["shared_axes.z"] > 10
    assert answer.failed("derived") and not answer.failed("independent")
    assert answer.failed("verdict == 'derived' and shared_axes.p < 0.001")
    assert "derived: model has the axes of base" in answer.verdict


@pytest.mark.parametrize("seed", range(8))
def test_strangers_are_not_derived_and_not_independent_without_a_panel(seed: int) -> None:
    answer = asked(trained(20 + seed))
    assert answer.values["verdict"] == "cannot tell"
    assert "no panel" in answer.verdict
    assert answer.values["panel.p"] is None
    assert "no panel" in answer.reasons["panel.p"]


def test_strangers_see_the_same_prompts_and_no_shuffle_of_prompts_says_more() -> None:
    """The reference that is not used: it would call a stranger a relative."""
    from likewise.inference import rotated_cosine

    found = rotated_cosine(trained(20), BASE)
    assert found.z is not None
    assert found.z > 5


@pytest.mark.parametrize("model", [turn(copied(0.3)), copied(0.3)[:, ::-1], turn(copied(0.3))[:, :20]])
def test_other_axes_or_widths_need_a_panel_and_it_finds_them(model: np.ndarray) -> None:
    assert asked(model).values["verdict"] == "cannot tell"
    answer = asked(model, panel(19))
    assert answer.values["verdict"] == "derived"
    assert answer.values["panel.p"] == pytest.approx(0.05)
    assert answer.values["panel.rank"] == 1


def test_a_panel_of_three_cannot_tell_and_says_what_would() -> None:
    answer = asked(turn(copied(0.3)), panel(3))
    assert answer.values["verdict"] == "cannot tell"
    assert "a panel of 3 models can give no p below 0.25; expected 19 or more" in answer.verdict
    assert answer.values["panel.smallest_p"] == 0.25
    assert any("19 or more" in limit for limit in answer.limits)


def test_a_permuted_copy_is_remarked_on_without_a_panel() -> None:
    limits = " ".join(asked(copied(0.3)[:, ::-1]).limits)
    assert "stand in another order" in limits
    assert "stand in another order" not in " ".join(asked(trained(20)).limits)


def test_independent_needs_a_panel_and_known_relatives_that_it_finds() -> None:
    kin = {"tuned": copied(0.5, 2), "turned": turn(copied(0.5, 3))}
    stranger = trained(20)
    assert asked(stranger, panel(19)).values["verdict"] == "cannot tell"
    assert asked(stranger, None, kin).values["verdict"] == "cannot tell"
    answer = asked(stranger, panel(19), kin)
    assert answer.values["verdict"] == "independent"
    assert answer.values["relatives.lowest"] > answer.values["rotation.cosine"]
    assert any("changed more than these" in limit for limit in answer.limits)


def test_no_verdict_where_the_panel_overlaps_the_known_relatives() -> None:
    answer = asked(turn(copied(0.3)), panel(19), {"hardly one": trained(77)})
    assert answer.values["verdict"] == "cannot tell"
    assert "overlaps the known relatives: hardly one" in answer.verdict


def test_relatives_of_the_base_and_random_weights_are_no_panel() -> None:
    given = {**panel(19), "copy": copied(0.5, 4), "fresh": trained(300)}
    answer = asked(trained(20), given, source={"fresh": {"variant": "reinitialize(seed=3)"}})
    assert answer.values["panel.size"] == 19
    roles = {row["model"]: row["role"] for row in answer.tables["models"].records()}
    assert roles["copy"] == "shares axes with the base, left out"
    assert roles["fresh"] == "random weights, left out"
    said = " ".join(answer.limits)
    assert "copy: shares axes with the base" in said
    assert "fresh: random weights are no stand-in" in said


def test_a_model_is_no_stranger_to_itself() -> None:
    """As in a panel that was kept with the model in question: it would always be among the most alike."""
    model, strangers = turn(copied(0.3)), panel(19)
    answer = asked(model, {**strangers, "again": model.copy()})
    alone = asked(model, strangers)
    assert answer.values == alone.values and answer.values["verdict"] == "derived"
    assert {r["model"]: r["role"] for r in answer.tables["models"].records()}["again"].startswith(
        "the model in question"
    )
    assert "again: the same rows as model" in " ".join(answer.limits)


def test_a_family_counts_once() -> None:
    one = trained(400)
    family = {f"child {i}": one + 0.3 * np.random.default_rng(i).normal(size=one.shape) for i in range(19)}
    answer = asked(turn(copied(0.3)), family)
    assert answer.values["panel.size"] == 1
    assert answer.values["verdict"] == "cannot tell"
    assert any("one family" in limit and "whole panel" in limit for limit in answer.limits)


def test_false_alarms_of_the_panel_are_as_many_as_it_says() -> None:
    """Each of 20 strangers against the other 19: one is the most alike, and only that one is called derived."""
    strangers = panel(20)
    said = [asked(x, {n: y for n, y in strangers.items() if n != name}) for name, x in strangers.items()]
    assert sum(answer.values["verdict"] == "derived" for answer in said) == 1


def test_places_are_corrected_and_the_panel_is_asked_once() -> None:
    rows = {"model": turn(copied(0.3)), **panel(19)}
    places = []
    for layer in ("1", "2"):
        named = {name: Representation(x, name=name) for name, x in rows.items()}
        model = named.pop("model")
        places.append(Place(model, Representation(BASE, name="base"), named, layer=layer))
    answer = Lineage().answer(places)
    assert answer.values["verdict"] == "derived"
    assert answer.values["panel.p"] == pytest.approx(0.05)
    assert answer.tables["places"].column("panel p corrected") == pytest.approx([0.1, 0.1])
    assert len(answer.tables["places"].rows) == 2


def test_dead_features_are_left_out_and_said() -> None:
    model, base = copied(0.3), BASE.copy()
    model[:, 3] = 0
    base[:, 7] = 2
    answer = asked(model, base=base)
    assert answer.values["verdict"] == "derived"
    assert answer.tables["places"].column("note") == ["2 features are constant"]


def test_what_cannot_be_asked() -> None:
    base = Representation(BASE, name="base")
    with pytest.raises(InputError, match="no rows"):
        Lineage().answer([])
    with pytest.raises(InputError, match="relative and in the panel"):
        Lineage().answer([Place(base, base, {"a": base}, {"a": base})])
    with pytest.raises(InputError, match="100 rows"):
        Lineage().answer([Place(Representation(BASE[:50], name="half"), base)])
    table = Representation(np.zeros((N, N)), name="table", kind="distances")
    with pytest.raises(InputError, match="table of distances"):
        Lineage().answer([Place(table, base)])
    with pytest.raises(InputError, match="other models"):
        Lineage().answer([Place(base, base), Place(base, base, {"a": base}, layer="2")])


def test_features_that_all_follow_one_do_not_look_like_a_copy() -> None:
    """Those of one number correlate as highly as those that are matched: nothing stands in another order."""
    rng = np.random.default_rng(4)
    common = 3 * rng.normal(size=(N, 1))
    base, model = (common + rng.normal(size=(N, 40)) for _ in "ab")
    assert "looks like a copy" not in " ".join(asked(model, base=base).limits)
    copy = (base + 0.02 * rng.normal(size=base.shape))[:, rng.permutation(40)]
    assert "looks like a copy" in " ".join(asked(copy, base=base).limits)


def test_why_axes_cannot_be_told_is_said() -> None:
    constant = " ".join(asked(np.ones((N, D)), base=BASE).limits)
    assert "No shared axes: fewer than two features vary" in constant and "another width" not in constant
    assert "a relative of another width is not found" in " ".join(asked(trained(3, D + 2), base=BASE).limits)
