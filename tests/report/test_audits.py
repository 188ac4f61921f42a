"""What the report says of the audits of representations: in warnings, and in their table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from likewise.oddities import audit, audit_tokens
from likewise.prompts import Tokens
from likewise.report import findings, html, tables
from likewise.report.files import Folder
from likewise.scoring import Results

OLD = {
    "zero_rows": 0,
    "repeated_rows": 0,
    "constant_features": 0,
    "largest_feature": 7,
    "largest_feature_share": 0.25,
}
NEW = {
    **OLD,
    **{"n_items": 101, "n_features": 64, "non_finite": 0, "near_repeated_rows": 0, "dominating_features": 9},
    **{"effective_rank": 40.5, "participation_ratio": 20.25, "anisotropy": 0.125, "following_alike": 0.0},
    **{"tokens_total": 2000, "tokens_min": 3, "tokens_median": 12.5, "tokens_max": 1234},
    **{"truncated_prompts": 0, "truncated_ids": [], "begin_with_bos": 101, "unaligned_spans": 0},
    **{"prompts": 101, "unaligned_ids": [], "straddled_spans": 0},
}


def about(audit: dict[str, object] | None, name: str = "model") -> dict[str, object]:
    source = {"model": f"org/{name}", "dtype": "bfloat16"}
    counts = {"n_items": 101, "n_features": 64}
    return tables.described({"name": name, "key": "", **counts, "dataset": "code", "source": source, "audit": audit})


def said(audit: dict[str, object] | None) -> list[str]:
    """The warnings of one representation that was never compared."""
    return findings.warnings_of(tables.long_frame(Results.of([])), [about(audit)], {}, [])


def test_an_ordinary_audit_gives_no_warning() -> None:
    assert said(NEW) == said(OLD) == said({}) == said(None) == []
    assert said(dict.fromkeys(NEW)) == []
    assert said({**NEW, "begin_with_bos": 0}) == []


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"non_finite": 2}, "2 values not finite (NaN or infinite)"),
        ({"zero_rows": 1}, "1 row of zeros: measures that use angles"),
        ({"repeated_rows": 3}, "3 rows equal to an earlier one"),
        ({"near_repeated_rows": 1}, "1 row within a thousandth of an earlier one: near copies"),
        ({"constant_features": 2}, "2 dimensions with the same value for every prompt"),
        ({"largest_feature_share": 0.62}, "dimension 7 holds 62 % of the squared norm"),
        ({"effective_rank": 3.15}, "effective rank 3.150 of at most 64"),
        ({"anisotropy": 0.97}, "mean cosine between rows 0.970:"),
        ({"begin_with_bos": 100}, "100 of 101 prompts begin with the beginning-of-text token (BOS)"),
        ({"begin_with_bos": 1}, "1 of 101 prompts begin with"),
        (
            {"unaligned_spans": 4, "unaligned_ids": ["p[0:1]", "p[4:5]", "q[0:1]", "r[0:1]"]},
            "4 spans without a token (p[0:1], p[4:5], q[0:1]), left out for all models",
        ),
        ({"straddled_spans": 4}, "4 spans share a token with other words"),
        ({"truncated_prompts": 1, "truncated_ids": ["p7"]}, "1 prompt cut to the length that the model takes (p7):"),
        (
            {"truncated_prompts": 12, "truncated_ids": [f"p{i}" for i in range(10)]},
            "12 prompts cut to the length that the model takes (p0, p1, p2, …):",
        ),
    ],
)
def test_what_is_odd_is_told_in_plain_words(odd: dict[str, object], words: str) -> None:
    (line,) = said({**NEW, **odd})
    assert line.startswith(f"model on code: {words}")
    assert line.endswith(".")


@pytest.mark.parametrize("groups", [(), ["a", "b"]])
def test_rows_in_runs_are_told_once_for_a_data_set_without_groups(groups: list[str]) -> None:
    source = {"model": "org/m", **({"groups": groups} if groups else {})}
    both = [
        tables.described(
            {"name": name, "key": "", "n_items": 101, "n_features": 64, "dataset": "code", "source": source}
            | {"audit": {**NEW, "following_alike": 0.3}}
        )
        for name in ("one", "other")
    ]
    lines = findings.warnings_of(tables.long_frame(Results.of([])), both, {}, [])
    assert [line.split(",")[0] for line in lines] == [
        "code: rows that follow each other are more alike than others"
    ] * (not groups)


@pytest.mark.parametrize("fine", [{"effective_rank": 3.25}, {"anisotropy": 0.9}, {"largest_feature_share": 0.5}])
def test_what_is_at_its_limit_is_not_told(fine: dict[str, object]) -> None:
    assert said({**NEW, **fine}) == []


def test_real_audits_are_told() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(101, 1)) * rng.normal(size=64)
    rows[1], rows[2] = rows[0], rows[0] * 1.0001
    names = tuple(f"p{i}" for i in range(101))
    tokens = Tokens(
        ids=names,
        prompts=((1, 2, 3),) * 101,
        names=names,
        truncated=("p1",),
        begins=(True,) * 100 + (False,),
    )
    found = dict(audit(rows) | audit_tokens(tokens))
    lines = said(found)
    told = ("prompt cut", "BOS", "equal to", "thousandth", "effective rank 1.000")
    assert [words in line for words, line in zip(told, lines, strict=True)] == [True] * 5


def test_the_table_shows_the_audit_and_dashes_where_a_store_has_none(tmp_path: Path) -> None:
    described = [about(NEW, "new"), about(OLD, "old"), about(None, "older")]
    frame = tables.representation_table(described, {})
    shown = html._table(frame.drop(columns="source"), Folder(tmp_path).frame(frame, "representations"))
    rows = [dict(zip(shown["heads"], row, strict=True)) for row in shown["rows"]]
    told = {
        "items": "101", "features": "64", "dtype": "bfloat16", "zero rows": "0", "repeated rows": "0",
        "near repeated rows": "0", "constant features": "0", "largest feature": "7", "largest feature share": "0.250",
        "effective rank": "40.500", "anisotropy": "0.125", "tokens min": "3", "tokens median": "12.500",
        "tokens max": "1,234", "truncated prompts": "0", "unaligned spans": "0", "straddled spans": "0",
    }  # fmt: skip
    assert {head: rows[0][head] for head in told} == told
    lacking = [*told][list(told).index("effective rank") :]
    assert {head: rows[1][head] for head in told} == {
        **told, **dict.fromkeys(["near repeated rows", *lacking], "–")
    }  # fmt: skip
    audited = [*told][3:]
    assert {head: rows[2][head] for head in audited} == dict.fromkeys(audited, "–")
    csv = pd.read_csv(tmp_path / "tables/representations.csv", dtype=str, keep_default_na=False)
    assert csv["zero_rows"].tolist() == ["0", "0", ""]
    assert csv["tokens_max"].tolist() == ["1234", "", ""]


def test_a_column_without_any_number_has_dashes_too(tmp_path: Path) -> None:
    frame = tables.representation_table([about(OLD)], {})
    shown = html._table(frame, Folder(tmp_path).frame(frame, "representations"))
    assert shown["rows"][0][shown["heads"].index("tokens max")] == "–"


def test_what_many_representations_have_is_said_once() -> None:
    described = [about({**NEW, "anisotropy": 0.91 + i / 100, "repeated_rows": i}, f"model {i}") for i in range(6)]
    lines = findings.warnings_of(tables.long_frame(Results.of([])), described, {}, [])
    assert [line.partition(":")[0] for line in lines] == ["model 0 on code", "model 1 on code"]
    assert "Also: model 1 on code, model 2 on code, model 3 on code and 2 more." in lines[0]
