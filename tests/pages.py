"""Small reports that tests of the page share: what they are made of, and how."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from likewise.report import write_report
from likewise.report.evidence import Evidence
from likewise.scoring import Results, compare

HOSTILE = "</script><script>alert(1)</script>$x$<b>y</b>"
MEASURES = ["procrustes", "aligned_cosine(center=False, normalize=False)", "cka"]
NAMES = ["base", "copy", HOSTILE, "zero"]

QUOTES = """"' onmouseover='document.title="got you"' `${1}` &amp; \\"""
TURNED = "right \u202eto left\u202c \u2067again\u2069"
LONG = "organisation/" + "very-long-name-" * 20 + "7B"


def matrices(n: int, names: Sequence[str], *, zero_row: bool = False) -> dict[str, np.ndarray]:
    """Base, a near copy, then unrelated ones, the last with a row of zeros where asked."""
    rng = np.random.default_rng(n)
    base = rng.normal(size=(n, 6)) + 0.5
    made = [base, base + 0.1 * rng.normal(size=(n, 6))] + [rng.normal(size=(n, 30)) for _ in names[2:]]
    if zero_row:
        made[-1][2] = 0
    return dict(zip(names, made, strict=True))


def about(name: str, n: int, d: int, dataset: str, **audit: float) -> dict[str, object]:
    return {
        "name": name, "key": "", "n_items": n, "n_features": d,
        "source": {"model": f"org/{name}", "dataset": dataset, "layer": -1}, "audit": audit,
    }  # fmt: skip


def two_datasets() -> Results:
    parts = [
        compare(matrices(25, NAMES), MEASURES, permutations=20, dataset="common <i>sense</i>"),
        compare(matrices(12, NAMES, zero_row=True), MEASURES, permutations=20, dataset="code"),
    ]
    return Results(pa.concat_tables([part.table for part in parts]))


def write_two_datasets(results: Results, folder: Path) -> Path:
    described = [
        about(n, 25, 6, "common <i>sense</i>", largest_feature=3, largest_feature_share=0.62) for n in NAMES[:1]
    ]
    described += [about(NAMES[3], 12, 30, "code", zero_rows=1, repeated_rows=2)]
    return write_report(
        results, folder, title=HOSTILE, experiment=f"name: {HOSTILE}",
        representations=described, warnings=[HOSTILE], made_with={"numpy": HOSTILE},
    )  # fmt: skip


MODELS = ["small", "large", "other", QUOTES, TURNED, LONG]
LAYERS = ["1", "2", "3"]


def layered() -> Results:
    """Every picture: layers of all models, measures of which one takes the order into account, replicates for ranks.

    Of a hundred items most scores are computed without each of them once only: a quarter of the time of thirty.
    """
    rng = np.random.default_rng(7)
    parts = []
    for dataset, n in (("stories", 110), ("code", 100)):
        shared = rng.normal(size=(n, 5))
        of = {
            f"{model} @ {layer}": shared + 0.4 * (k + depth) * rng.normal(size=(n, 5)) + 0.2
            for k, model in enumerate(MODELS)
            for depth, layer in enumerate(LAYERS)
        }
        parts.append(
            compare(
                of,
                ["cka", "procrustes", "magnitude_difference", "linear_predictivity"],
                dataset=dataset,
                permutations=0,
            )
        )
    return Results(
        pa.concat_tables([part.table for part in parts]),
        replicates={
            kind: pa.chunked_array([chunk for part in parts for chunk in part.kept[kind].chunks])
            for kind in set.intersection(*(set(part.kept) for part in parts))
        },
    )


def prompts_of(wanted: Sequence[tuple[str, str, str]]) -> Iterator[Evidence]:
    """Evidence of the first pair that is asked for, in words that would like to be more than text."""
    item = {"id": "p1", "value": 0.25, "text": HOSTILE, "left": [QUOTES], "came": [TURNED]}
    for dataset, a, b in wanted[:1]:
        yield Evidence(dataset, a, b, "jaccard", (item,), ({**item, "id": "p2"},), "Texts are from the test.")


def write_layered(results: Results, folder: Path) -> Path:
    return write_report(
        results, folder, title="Six models", experiment="name: six\n", representations=[],
        evidence=prompts_of, store="runs",
    )  # fmt: skip
