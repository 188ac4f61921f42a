"""What a reader should see first: the numbers of the study, what stands out, and what makes it hard to trust."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from likewise.about import Audit
from likewise.chance import IN_RUNS, LEVEL, NoReference, Reason, ShuffledRows, is_small, kind_of
from likewise.naming import counted
from likewise.report.tables import dataset_of, missing, number, one_order, says

MOSTLY = 0.5
"""Share of the way from no likeness to a raw score that is most of it."""

DOMINATES = 0.5
"""A feature with more than this share of the squared norm dominates."""

FEW_DIRECTIONS = 0.05
"""An effective rank below this share of its largest possible value is very low; that of noise is most of it."""

ONE_DIRECTION = 0.9
"""Above this mean cosine between rows, all rows point nearly the same way."""

NUMBERS = re.compile(r"\(.*?\)|[\d.,%]+|s\b|(?<=ha)(s|ve)\b")
"""The parts of a sentence that differ between representations of which the same is true."""

NAMED = 3
"""A sentence names so many pairs, representations or prompts, and counts the others."""


def shown(dataset: str) -> str:
    """Return what a data set is called in a sentence; one without a name is just the inputs."""
    return dataset or "inputs"


def some(items: Sequence[str]) -> str:
    """Return the first items, and how many more there are."""
    rest = len(items) - NAMED
    return ", ".join(items[:NAMED]) + (f" and {rest} more" if rest > 0 else "")


def summary(frame: pd.DataFrame) -> str:
    """Return the numbers of the study in one paragraph."""
    datasets = list(dict.fromkeys(frame["dataset"]))
    names = {*frame["a"], *frame["b"]}
    parts = []
    for dataset in datasets:
        here = frame[frame["dataset"] == dataset]
        parts.append(
            f"{shown(dataset)} ({_range(here['n_items'])} items, "
            f"{counted(len(one_order(here)[['a', 'b']].drop_duplicates()), 'pair')})"
        )
    return (
        f"{counted(len(names), 'representation')} compared on {counted(len(datasets), 'data set')}: "
        f"{', '.join(parts)}. "
        f"Each pair is compared by {counted(frame['measure'].nunique(), 'measure')} in "
        f"{counted(frame['configuration'].nunique(), 'configuration')}: {len(frame):,} scores. {_chance(frame)}"
    )


def _chance(frame: pd.DataFrame) -> str:
    """Where the chance level of the scores comes from, and which have none."""
    without = says(frame, lambda reasons: reasons.has(Reason.NO_CHANCE))
    unmatched = says(frame, lambda reasons: reasons.has(Reason.NO_FEATURES))
    said = []
    if not (without | unmatched).all():
        drawn = frame[frame["null"] != NoReference.name]
        # What nothing was drawn for stands first.
        order = drawn.groupby("null")["n_permutations"].max().sort_values(kind="stable")
        sources = [
            kind_of(name).source(_range(drawn.loc[drawn["null"] == name, "n_permutations"])) for name in order.index
        ]
        said.append(
            f"Chance levels come from {', or from '.join(sources)}." if sources else "No chance levels were asked for."
        )
    if without.any():
        labels = ", ".join(dict.fromkeys(frame.loc[without, "configuration"]))
        said.append(f"{labels} has no chance level: its score is the same for shuffled prompts.")
    if unmatched.any():
        labels = ", ".join(dict.fromkeys(frame.loc[unmatched, "configuration"]))
        said.append(f"{labels} has no chance level: it does not compare each feature with itself.")
    return " ".join(said)


def told_apart(pairs: pd.DataFrame) -> str:
    """Return how many pairs differ from chance, by data set, and what that does not mean.

    Parameters
    ----------
    pairs : pandas.DataFrame
        From `tables.pair_summary`.
    """
    said = []
    for dataset in dict.fromkeys(pairs["dataset"]):
        tested = pairs[(pairs["dataset"] == dataset) & pairs["smallest_p_bh"].notna()]
        if len(tested):
            nulls = sorted({name for names in tested["null"] for name in names.split()})
            if tested["shuffles"].between(1, 1 / LEVEL - 1, inclusive="left").all():
                beside = dict.fromkeys(kind_of(name).beside for name in nulls)
                count = f"With so few shuffles no pair can be told apart from {' or '.join(beside)}."
            else:
                count = _told_apart(int(tested["smallest_p_bh"].map(is_small).sum()), len(tested), nulls)
            said.append(f"{shown(dataset)}: {count}")
    return " ".join(said)


def _told_apart(differ: int, tested: int, nulls: Sequence[str]) -> str:
    """How many pairs are more alike than chance, such as shuffled inputs, and what that does not mean."""
    beside = list(dict.fromkeys(kind_of(name).beside for name in nulls))
    inputs = ShuffledRows.beside in beside
    if tested == 1:
        who = "The pair differs" if differ else "The pair does not differ"
    elif differ == tested:
        who = f"All {tested:,} pairs differ"
    else:
        who = f"{differ or 'None'} of {tested:,} pairs differ{'s' if differ <= 1 else ''}"
    return (
        f"{who} from {' or '.join(beside)} in at least one configuration (p of {LEVEL} or less, corrected by Benjamini "
        "and Hochberg over all scores)."
        + " This does not mean that the models are related: most models that read the same inputs differ from chance."
        * inputs
    )


def warnings_of(
    frame: pd.DataFrame,
    representations: Sequence[Mapping[str, Any]],
    datasets: Mapping[tuple[str, str], str],
    passed: Sequence[str],
) -> list[str]:
    """Return all that makes the scores hard to trust, as sentences.

    Parameters
    ----------
    frame : pandas.DataFrame
        The long table.
    representations : sequence of mapping
        As `write_report` takes them.
    datasets : mapping of (name, key) to str
        What the long table calls the inputs of a representation.
    passed : sequence of str
        Warnings of the caller, told last.
    """
    return [
        *_belonging_together(representations, datasets),
        *_in_runs(representations, datasets),
        *_few_inputs(representations, datasets),
        *_mostly_chance(frame),
        *_few_shuffles(frame),
        *_few_rows(frame),
        *_odd_representations(representations, datasets),
        *_without_value(frame),
        *passed,
    ]


def _few_inputs(representations: Sequence[Mapping[str, Any]], datasets: Mapping[tuple[str, str], str]) -> Iterator[str]:
    by_dataset: dict[str, list[Mapping[str, Any]]] = {}
    for r in representations:
        by_dataset.setdefault(shown(dataset_of(r, datasets)), []).append(r)
    for dataset, here in by_dataset.items():
        if few := [r for r in here if r["n_items"] < r["n_features"]]:
            most = max(r["n_features"] for r in few)
            yield (
                f"{dataset}: {min(r['n_items'] for r in few):,} items in up to {most:,} dimensions "
                f"({len(few)} of {counted(len(here), 'representation')} with fewer items than dimensions). With "
                "so few, even unrelated representations can be rotated onto each other: raw scores of alignment "
                "measures and of CKA are then mostly chance. Read the calibrated scores."
            )


def _mostly_chance(frame: pd.DataFrame) -> Iterator[str]:
    """Configurations of which shuffled rows reach most of the raw score."""
    for dataset, here in frame[frame["null_mean"].notna()].groupby("dataset", sort=False):
        shares = {}
        for label, rows in here.groupby("configuration", sort=False):
            facts = rows["known"].iloc[0].facts
            unlike = 0.0 if facts.direction == "similarity" else facts.bounds[1]
            if math.isfinite(unlike) and facts.identity is not None:
                reached = (rows["null_mean"] - unlike).mean() / (rows["value"] - unlike).mean()
                if reached > MOSTLY:
                    shares[str(label)] = min(1.0, float(reached))
        if shares:
            each = ", ".join(f"{label} ({100 * share:.0f} %)" for label, share in shares.items())
            yield (
                f"{shown(str(dataset))}: shuffled rows reach most of these raw scores, as they do where items are few, "
                f"or belong to few groups: {each}. Read the calibrated scores."
            )


def _few_shuffles(frame: pd.DataFrame) -> Iterator[str]:
    tested = frame[(frame["n_permutations"] > 0) & (frame["n_permutations"] + 1 < 1 / LEVEL)]
    if not tested.empty:
        most = int(tested["n_permutations"].max())
        yield (
            f"With {counted(most, 'shuffle')} the smallest possible p is {number(1 / (1 + most))}: no score can reach "
            f"{LEVEL}. Use at least {round(1 / LEVEL) - 1} shuffles."
        )


def _few_rows(frame: pd.DataFrame) -> Iterator[str]:
    """Scores that hang on a few prompts, by data set."""
    few = frame[says(frame, lambda reasons: reasons.has(Reason.FEW_ROWS, Reason.BOUND))]
    for dataset, rows in one_order(few).groupby("dataset", sort=False):
        where = ", ".join(dict.fromkeys(rows["configuration"]))
        yield (
            f"{shown(str(dataset))}: {counted(len(rows), 'score')} in {where} depend on few prompts: there are "
            "few prompts, or some rows are much longer than the others. The closed form of chance cannot be trusted "
            "there. p comes from shuffles or is an upper bound; the note in the table says which."
        )


def _odd_representations(
    representations: Sequence[Mapping[str, Any]], datasets: Mapping[tuple[str, str], str]
) -> Iterator[str]:
    found: dict[str, list[tuple[str, str]]] = {}
    for r in representations:
        audit: Audit = r["audit"]
        where = f"{r['name']} on {shown(dataset_of(r, datasets))}"
        for said in (*_odd_prompts(audit), *_odd_rows(audit), *_odd_directions(r, audit)):
            # Numbers apart, a sentence is the same for all that it holds for.
            found.setdefault(NUMBERS.sub("", said), []).append((where, said))
    for alike in found.values():
        if len(alike) <= NAMED:
            yield from (f"{where}: {said}" for where, said in alike)
        else:
            (where, said), *others = alike
            yield f"{where}: {said} Also: {some([o for o, _ in others])}."


def _odd_prompts(audit: Audit) -> Iterator[str]:
    # What a store of an older version lacks, or what has no value, is nothing to warn of.
    if cut := audit.truncated_prompts:
        ids = ", ".join(audit.truncated_ids[:NAMED])
        named = f" ({ids}{', …' if cut > NAMED else ''})" if ids else ""
        yield (
            f"{counted(cut, 'prompt')} cut to the length that the model takes{named}: the row of a cut prompt "
            "stands for a part of it only. Take shorter prompts, or a model that takes longer ones."
        )
    n = audit.prompts or 0
    if 0 < (begun := audit.begin_with_bos or 0) < n:
        yield (
            f"{begun:,} of {counted(n, 'prompt')} begin with the beginning-of-text token (BOS), the others do not. "
            "Rows can differ for this reason alone. `likewise check` shows how the tokenizer begins."
        )
    if spans := audit.unaligned_spans:
        ids = ", ".join(audit.unaligned_ids[:NAMED])
        yield f"{counted(spans, 'span')} without a token ({ids}), left out for all models on this data set."
    if spans := audit.straddled_spans:
        yield f"{counted(spans, 'span')} share a token with other words, so their rows stand for these words too."


ALIKE = 0.1
"""Share of the prompts that may be much like others before the report says so."""


def _belonging_together(
    representations: Sequence[Mapping[str, Any]], datasets: Mapping[tuple[str, str], str]
) -> Iterator[str]:
    """Data sets whose prompts are much like each other, with no word of which belong together."""
    told: dict[str, tuple[int, int]] = {}
    for r in representations:
        audit: Audit = r["audit"]
        alike, prompts = audit.alike_prompts or 0, audit.prompts or 0
        if not audit.prompt_groups and alike > ALIKE * prompts:
            told[shown(dataset_of(r, datasets))] = alike, prompts
    for dataset, (alike, prompts) in told.items():
        yield (
            f"{dataset}: {alike:,} of {counted(prompts, 'prompt')} share half of their wording with others, like "
            "prompts from one template. Chance levels and intervals assume independent inputs, so intervals can be too "
            "short and p too small. Name the groups of inputs: groups: COLUMN in the data set."
        )


def _in_runs(representations: Sequence[Mapping[str, Any]], datasets: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Data sets of which rows that follow each other are alike, with no word of which belong together."""
    alone = (r for r in representations if not (r["audit"].prompt_groups or r["source"].groups))
    for dataset in dict.fromkeys(shown(dataset_of(r, datasets)) for r in alone if r["audit"].following_alike):
        yield f"{dataset}: {IN_RUNS}groups: COLUMN in the data set."


def _odd_rows(audit: Audit) -> Iterator[str]:
    if values := audit.non_finite:
        yield (
            f"{counted(values, 'value')} not finite (NaN or infinite): no score with them can be trusted. "
            "Extract again with dtype float32."
        )
    if rows := audit.zero_rows:
        yield (
            f"{counted(rows, 'row')} of zeros: measures that use angles cannot score a row without direction. "
            "Leave these prompts out."
        )
    if rows := audit.repeated_rows:
        yield (
            f"{counted(rows, 'row')} equal to an earlier one: repeated prompts count more than once, and are each "
            "other's nearest neighbours. Leave out repeated prompts."
        )
    if rows := audit.near_repeated_rows:
        yield (
            f"{counted(rows, 'row')} within a thousandth of an earlier one: near copies count more than once, and "
            "rounding can decide which neighbour is nearer. Leave them out, or name them as groups."
        )


def _odd_directions(r: Mapping[str, Any], audit: Audit) -> Iterator[str]:
    if columns := audit.constant_features:
        yield (
            f"{counted(columns, 'dimension')} with the same value for every prompt. "
            "They add nothing once the rows are centred."
        )
    if (share := audit.largest_feature_share or 0.0) > DOMINATES:
        largest = "?" if audit.largest_feature is None else audit.largest_feature
        yield (
            f"dimension {largest} holds {100 * share:.0f} % of the squared norm and dominates every measure that does "
            "not rescale dimensions. Read one that does not hang on it beside: rsa, or jaccard."
        )
    most = min(r["n_items"] - 1, r["n_features"])
    if (rank := audit.effective_rank) is not None and rank < FEW_DIRECTIONS * most:
        yield (
            f"effective rank {number(rank)} of at most {most:,}: rows differ in few directions, and scores depend on "
            "these alone. Take more varied prompts, or an earlier layer."
        )
    if (cosine := audit.anisotropy or 0.0) > ONE_DIRECTION:
        yield (
            f"mean cosine between rows {number(cosine)}: all rows share one large direction. Measures that do not "
            "centre the rows see mostly this direction. Read those that centre: cka, rsa, procrustes."
        )


def _without_value(frame: pd.DataFrame) -> Iterator[str]:
    """Rows without a value, and rows where something that derives from it is missing, by reason."""
    # That a measure has no chance level is no trouble of the data; the summary tells it. So is a note of where chance
    # comes from.
    told = one_order(frame[~says(frame, lambda reasons: reasons.is_note)])
    for _, rows in told.groupby(["dataset", "status", "reason"], sort=False):
        first = rows.iloc[0]
        pairs = list(dict.fromkeys(f"{a} and {b}" for a, b in zip(rows["a"], rows["b"], strict=True)))
        where = ", ".join(dict.fromkeys(rows["configuration"]))
        what = "undefined" if first["status"] == "undefined" else "incomplete"
        told_of = f"{counted(len(pairs), 'pair')} ({some(pairs)}) in {where}"
        yield f"{shown(first['dataset'])}: {what} for {told_of}: {first['reason']}."


def _range(values: pd.Series) -> str:
    seen = [int(v) for v in values.unique() if not missing(v)]
    if not seen:
        return "no"
    return f"{seen[0]:,}" if len(seen) == 1 else f"{min(seen):,} to {max(seen):,}"
