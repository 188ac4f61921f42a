"""A score among those of strangers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likewise.errors import InputError
from likewise.inference import panel_test, panel_tests

FEW = st.integers(-3, 3).map(float)  # ties


@given(st.lists(FEW, min_size=1, max_size=60), FEW, st.sampled_from([1, -1]))
def test_counts_are_those_of_the_definition(panel, score, more_alike):
    found = panel_test(score, np.asarray(panel), more_alike)
    as_alike = sum(more_alike * (s - score) >= 0 for s in panel)
    assert found.pvalue == (1 + as_alike) / (1 + len(panel))
    below = sum(more_alike * (s - score) < 0 for s in panel) + sum(s == score for s in panel) / 2
    assert found.percentile == pytest.approx(100 * below / len(panel))
    assert (found.threshold is None) == (len(panel) < 19) == bool(found.limit)
    if found.threshold is not None:
        assert (found.pvalue <= 0.05) == (more_alike * (score - found.threshold) > 0)


@pytest.mark.parametrize("m", [19, 20, 38, 39, 99, 139])
def test_false_alarms_are_at_most_five_percent(m):
    # Each of the m + 1 scores is the model in question in turn: the share of alarms is exact.
    scores = np.random.default_rng(m).normal(size=m + 1)
    alarms = np.mean([panel_test(scores[k], np.delete(scores, k)).pvalue <= 0.05 for k in range(m + 1)])
    assert alarms == int(0.05 * (m + 1) + 1e-9) / (m + 1)


def test_small_panels_say_so():
    panel = np.asarray([0.1, 0.2, 0.3])
    found = panel_tests({"cka": (0.9, panel, 1), "rsa": (0.9, panel, 1)})["cka"]
    assert (found.pvalue, found.corrected) == (0.25, 0.5)
    assert found.limit == (
        "A panel of 3 models can give no p of 2 scores below 0.5; expected 39 or more models for a p of 0.05."
    )


def test_rounding_is_a_tie():
    assert panel_test(0.3, np.asarray([0.1 + 0.2])).pvalue == 1
    assert panel_test(0.1 + 0.2, np.asarray([0.3])).pvalue == 1


def test_holm_by_hand():
    panel = np.arange(99.0)
    found = panel_tests({"a": (200.0, panel, 1), "b": (97.5, panel, 1), "c": (50.5, panel, 1)})
    assert [found[name].pvalue for name in "abc"] == [0.01, 0.02, 0.49]
    assert [found[name].corrected for name in "abc"] == pytest.approx([0.03, 0.04, 0.49])
    assert panel_tests({}) == {}


@pytest.mark.parametrize(("score", "panel"), [(np.nan, [1.0]), (1.0, []), (1.0, [np.inf])])
def test_refusals(score, panel):
    with pytest.raises(InputError, match="finite scores"):
        panel_test(score, np.asarray(panel))
