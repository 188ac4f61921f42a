"""What the report says of the table: counts by corrected p-values, shares of chance."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from likewise.report import findings, tables
from likewise.scoring import compare

RNG = np.random.default_rng(8)
THREE = {name: RNG.normal(size=(15, 4)) for name in "abc"}


def frame_of(measures: list[str], **columns: Any) -> pd.DataFrame:
    """A table of three pairs on which columns were changed."""
    frame = tables.long_frame(compare(THREE, measures, permutations=20, null="shuffles", groups=0))
    return frame.assign(**columns)


def corrected(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame if name.startswith("pvalue_")]


@pytest.mark.parametrize(
    ("p", "after", "who"),
    [
        (0.001, 0.051, "None of 3 pairs differs"),  # small as it is, and not after the correction for all scores
        (0.001, 0.05, "All 3 pairs differ"),  # the level itself is small enough, as the sentence says
        (0.001, 0.001, "All 3 pairs differ"),
        (0.9, 0.9, "None of 3 pairs differs"),
    ],
)
def test_pairs_are_told_from_chance_by_corrected_p(p: float, after: float, who: str) -> None:
    frame = frame_of(["cka", "rsa"], pvalue=p)
    assert corrected(frame)
    frame = frame.assign(**dict.fromkeys(corrected(frame), after))
    assert f": {who} from shuffled inputs" in findings.told_apart(tables.pair_summary(frame))


def test_each_pair_is_counted_by_the_smallest_of_its_corrected_ps() -> None:
    frame = frame_of(["cka", "rsa"], pvalue=0.001)
    small = (frame["a"] == "a") & (frame["configuration"] == "rsa")
    frame = frame.assign(**dict.fromkeys(corrected(frame), np.where(small, 0.04, 0.06)))
    assert ": 2 of 3 pairs differ from shuffled inputs" in findings.told_apart(tables.pair_summary(frame))


@pytest.mark.parametrize(("chance", "share"), [(0.5, "100 %"), (0.4, "80 %"), (0.75, "100 %")])
def test_shuffled_rows_reach_all_of_a_raw_score_and_never_more(chance: float, share: str) -> None:
    frame = frame_of(["cka"], value=0.5, null_mean=chance)
    (line,) = [w for w in findings.warnings_of(frame, [], {}, []) if "shuffled rows reach most" in w]
    assert f"cka ({share})" in line


def test_what_pairs_differ_from_is_said_as_it_was_asked() -> None:
    x = RNG.normal(size=(15, 12))
    of = {"x": x, "copy": x + 0.1 * RNG.normal(size=x.shape)}
    frame = tables.long_frame(compare(of, ["feature_correlation", "cka"], chance="features", groups=0))
    said = findings.told_apart(tables.pair_summary(frame))
    assert ": The pair differs from shuffled features in at least one configuration" in said
    assert said.endswith("over all scores).")  # row shuffles alone say nothing of relatives
    text = findings._chance(frame)
    assert text == (
        "Chance levels come from a closed form over all shuffles of the features of one model. cka has no chance "
        "level: it does not compare each feature with itself."
    )
    assert findings._chance(frame[frame["measure"] == "cka"]).startswith("cka has no chance level")
