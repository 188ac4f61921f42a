"""The page: figures, tables and sentences put into one file that needs nothing else."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import markupsafe
import pandas as pd
import pyarrow.compute as pc

from likewise.chance import Reason, too_few_shuffles
from likewise.errors import InputError
from likewise.naming import cell_text, inert, slug
from likewise.report import figures, findings, interactive, tables
from likewise.report.files import Folder
from likewise.report.findings import shown
from likewise.scoring import ALL, Pairs, Results
from likewise.studies import Answer, answers

CODE = re.compile(r"`([^`]+)`")
"""What a sentence shows as code."""

TEMPLATES = Path(__file__).parent / "templates"


def write_report(
    results: Results,
    folder: Path,
    *,
    title: str,
    experiment: str,
    representations: Sequence[Mapping[str, Any]],
    pairs: Pairs = ALL,
    warnings: Sequence[str] = (),
    made_with: Mapping[str, str] = {},
) -> Path:
    """Write a page that a person can read, and every figure and table in it as files.

    Parameters
    ----------
    results : Results
        The long table.
    folder : Path
        Receives ``report.html``, ``figures/`` (PNG, PDF) and ``tables/`` (CSV, and the long table as Parquet).
    title : str
        The heading.
    experiment : str
        The experiment as YAML, from which it can be done again.
    representations : sequence of mapping
        One each: ``name``, ``key``, ``n_items``, ``n_features``, ``source``, ``audit``, and ``dataset`` where it
        is known. A name comes once per data set.
    pairs : Pairs
        Which pairs were asked for.
    warnings : sequence of str
        What else makes the scores hard to trust.
    made_with : mapping of str to str
        Versions by library.

    Returns
    -------
    Path
        ``folder / "report.html"``. It is written last: where it exists, the files that it links to do too.

    Raises
    ------
    InputError
        If there are no comparisons.
    StoreError
        If the folder cannot be written.
    """
    if not len(results):
        raise InputError("no comparisons to report: the table of results is empty; at least one pair is needed")
    out = Folder(Path(folder))
    kept, results, representations = results.table, tables.inert_results(results), tables.inert_tree(representations)
    representations = [tables.described(r) for r in representations]
    title, experiment, warnings = inert(title), inert(experiment), [inert(text) for text in warnings]
    frame = tables.long_frame(results)
    datasets = tables.datasets_by_key(frame)
    summaries = tables.pair_summary(frame)
    configurations = tables.configurations_of(frame)
    groups = tables.groups(frame, pairs.renamed(lambda name: inert(name, keep="")))
    about = tables.representation_table(representations, datasets)
    found, failed = answers(results)
    few = filter(None, [too_few_shuffles(results.table)])
    context = {
        "title": title,
        "summary": findings.summary(frame),
        "standouts": findings.standouts(summaries),
        "pairs": {"csv": out.frame(summaries, "pairs")},
        "warnings": findings.warnings_of(frame, representations, datasets, [*few, *warnings, *map(inert, failed)]),
        "classes": [_class(out, group) for group in groups],
        "views": [view for group in groups for view in interactive.views(group)],
        "ordered": any(group.ordered and group.sides is None for group in groups),
        "layout": interactive.LAYOUT,
        "long": _long(out, results, frame),
        "csv": out.long_table(results.table, "comparisons"),
        "parquet": out.parquet(kept, "comparisons"),
        "experiment": experiment,
        "representations": _table(about.drop(columns="source", errors="ignore"), out.frame(about, "representations")),
        "sources": list(zip(about["name"], about["data set"], about["source"], strict=True)) if len(about) else [],
        "made_with": dict(made_with),
        "definitions": _definitions(configurations),
        "definitions_csv": out.frame(tables.measure_table(configurations), "measures"),
        # Last, so that no table of a study takes the name of one of these.
        "studies": [_answer(out, name, answer) for name, answer in found.items()],
    }
    return out.page(render(context))


def render(context: Mapping[str, Any]) -> str:
    """Fill the template; every text is escaped, what is ours (style, scripts) is not."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked"] = marked
    ours = {
        "css": (TEMPLATES / "report.css").read_text(encoding="utf-8"),
        "script": (TEMPLATES / "report.js").read_text(encoding="utf-8"),
        "plotly": interactive.library(),
    }
    return environment.get_template("report.html.j2").render(**context, **ours)


def marked(text: str) -> markupsafe.Markup:
    """Return a sentence, escaped, with what stands between backticks as code.

    Examples
    --------
    >>> str(marked("add `a<b` to x"))
    'add <code>a&lt;b</code> to x'
    """
    return markupsafe.Markup(CODE.sub(r"<code>\1</code>", str(markupsafe.escape(text))))


def _class(out: Folder, group: tables.Group) -> dict[str, Any]:
    """Both rows of heatmaps of one class; a row without any number is told, not drawn."""
    stem, pictures, absent = f"{slug(group.dataset)}-{slug(group.label)}", [], []
    for column, kind in (("value", "raw"), ("calibrated", "calibrated")):
        if not group.rows[column].notna().any():
            absent.append(f"No {kind} scores: {_why_absent(group)}.")
            continue
        alt = (
            f"Heatmaps of {kind} scores of {len(group.names)} representations on {shown(group.dataset)}, one per "
            f"configuration ({', '.join(c.label for c in group.configurations)}); brighter is more alike."
        )
        note = " ".join(figures.heatmap_notes(group, column))
        picture = figures.heatmaps(group, column)
        pictures.append(out.figure(picture, f"{stem}-{kind}", title=f"{kind.capitalize()} scores", alt=alt, note=note))
    return {"dataset": shown(group.dataset), "label": group.label, "figures": pictures, "absent": absent}


def _why_absent(group: tables.Group) -> str:
    without = tables.says(group.rows, lambda reasons: reasons.has(Reason.NO_CHANCE))
    if not any(c.facts.paired for c in group.configurations) and without.any():
        return Reason.NO_CHANCE
    undefined = (group.rows["status"] == "undefined").all()
    return (
        "the warnings say why" if undefined or group.rows["null_mean"].notna().any() else "no shuffles were asked for"
    )


def _answer(out: Folder, name: str, answer: Answer) -> dict[str, Any]:
    """One section: the files of an answer written, and what the page shows of it."""
    pictures = []
    for what in answer.drawings:
        stem = slug(what.name) if what.dataset is None else f"{slug(what.dataset)}-{slug(what.name)}"
        pictures.append(out.figure(figures.drawn(what), stem, title=what.title, alt=what.alt, note=what.note))
    shown_tables = []
    for table in answer.tables:
        frame = table.to_pandas()
        shown_tables.append({"about": table, **_table(frame, out.frame(frame, slug(table.name)))})
    return {"name": name, "answer": answer, "figures": pictures, "tables": shown_tables}


def _long(out: Folder, results: Results, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The long table per data set, with the columns a person reads."""
    columns = [
        "a",
        "b",
        "configuration",
        "value",
        "low",
        "high",
        "null_mean",
        "null_std",
        "z",
        "pvalue",
        "pvalue_holm",
        "correction",
        "calibrated",
        "reason",
    ]
    heads = {"null_mean": "chance", "null_std": "sd of chance", "pvalue": "p",
             "pvalue_holm": "p corrected", "reason": "note"}  # fmt: skip
    return [
        {"dataset": shown(dataset), "n": int((frame["dataset"] == dataset).sum())}
        | _table(
            frame.loc[frame["dataset"] == dataset, columns].rename(columns=heads),
            out.long_table(
                results.table.filter(pc.equal(results.table["dataset"], dataset)),
                f"comparisons-{slug(dataset)}",
            ),
        )
        for dataset in dict.fromkeys(frame["dataset"])
    ]


def _definitions(configurations: Sequence[Any]) -> list[dict[str, Any]]:
    """Each measure once, with its configurations."""
    found: dict[str, dict[str, Any]] = {}
    for c in configurations:
        m = c.about
        found.setdefault(
            c.measure,
            {
                "title": m.title,
                "line": tables.definition(c),
                "dois": m.references,
                "version": m.version,
                "used": [],
            },
        )["used"].append({"label": c.label, "direction": c.facts.direction, "class": tables.class_label(c)})
    return list(found.values())


def _text(value: Any) -> str:
    """A cell that is no number."""
    return cell_text(value) if isinstance(value, bool) else str(value)


def _table(frame: pd.DataFrame, csv: str) -> dict[str, Any]:
    """A table as the page shows it: numbers in four digits, aligned right; the CSV has all digits."""
    numeric = [
        pd.api.types.is_numeric_dtype(frame[c]) and not pd.api.types.is_bool_dtype(frame[c]) and not frame.empty
        for c in frame.columns
    ]
    written = [
        [
            tables.told(head, value) if is_number else ("" if tables.missing(value) else _text(value))
            for head, value, is_number in zip(frame.columns, row, numeric, strict=True)
        ]
        for row in frame.astype(object).itertuples(index=False, name=None)
    ]
    return {
        "heads": [c.replace("_", " ") for c in frame.columns],
        "numeric": numeric,
        "rows": written,
        "csv": csv,
    }
