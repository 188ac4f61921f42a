"""What a text of reasons says is found in every mixture of them, and what a person reads does not depend on company."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likewise.chance import Reason, Reasons
from likewise.chance.reasons import joined
from likewise.report import findings, tables
from likewise.scoring import compare

WHY = st.sampled_from(["", "all rows are equal", "3 groups; expected 5 or more", "a: b"])
GIVEN = st.lists(st.tuples(st.sampled_from(Reason), WHY), unique_by=lambda pair: pair[0], max_size=4)


@given(GIVEN)
def test_reasons_are_found_in_company(several: list[tuple[Reason, str]]) -> None:
    reasons = Reasons(joined(reason.because(why) if why else reason for reason, why in several))
    there = {reason for reason, _ in several}
    assert {reason for reason in Reason if reasons.has(reason)} == there
    assert reasons.has(*Reason) == bool(there)
    # What a note would depend on is another's words.
    if not any(";" in why for reason, why in several):
        assert reasons.is_note == all(reason.is_note for reason in there)


@pytest.mark.parametrize("text", ["rank 0", "no chance level", "no interval of any kind", "NO_CHANCE"])
def test_words_of_others_are_no_reason(text: str) -> None:
    assert not Reasons(text).has(*Reason) and not Reasons(text).is_note


@pytest.mark.parametrize("beside", [[], [Reason.FEW_ROWS], [Reason.NOT_WITHOUT.because("all rows are equal")]])
def test_the_summary_tells_a_missing_chance_level_beside_other_reasons(beside: list[str]) -> None:
    rng = np.random.default_rng(0)
    results = compare([rng.normal(size=(12, 3)), rng.normal(size=(12, 3))], "magnitude_difference", groups=0)
    frame: pd.DataFrame = tables.long_frame(results)
    assert list(frame["reason"]) == [Reason.NO_CHANCE]
    frame["reason"] = joined([Reason.NO_CHANCE, *beside])
    assert "magnitude_difference has no chance level" in findings.summary(frame)
    incomplete = [line for line in findings.warnings_of(frame, [], {}, []) if "incomplete" in line]
    assert bool(incomplete) == any(reason.startswith("no interval") for reason in beside)
