"""The page: verdicts, pictures, tables and the recipe put into one file that needs nothing else."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
import markupsafe
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from likewise.chance import too_few_shuffles
from likewise.errors import InputError
from likewise.naming import cell_text, counted, inert, parts_of, slug
from likewise.report import bundle, crowd, findings, headlines, recipe, tables
from likewise.report.block import Columns
from likewise.report.contents import head_of
from likewise.report.evidence import Evidence
from likewise.report.files import Folder
from likewise.report.findings import shown
from likewise.report.headlines import Headline
from likewise.report.moved import moved
from likewise.report.ranks import rankings
from likewise.report.saved import Saved, curve_of, link_to
from likewise.report.scale import roles_of
from likewise.scoring import ALL, Pairs, Results
from likewise.store import write_text
from likewise.studies import Answer, Dots, Forest, Lines, Study, Table, Triangle, answers
from likewise.studies.answer import NONE_GIVEN, is_p

CODE = re.compile(r"`([^`]+)`")
"""What a sentence shows as code."""

TEMPLATES = Path(__file__).parent / "templates"

SOURCES = 100
"""Representations up to which the page says of each where it is from; the table beside it says it of all."""

OPEN = 2
"""Odd things that stand open on the first screen; more are folded."""


def write_report(
    results: Results,
    folder: Path,
    *,
    title: str,
    experiment: str,
    representations: Sequence[Mapping[str, Any]],
    pairs: Pairs = ALL,
    warnings: Sequence[str] = (),
    unfinished: str = "",
    made_with: Mapping[str, str] = {},
    evidence: Callable[[Sequence[tuple[str, str, str]]], Iterable[Evidence]] | None = None,
    store: str = "",
    asked: Iterable[Study] = (),
    saved: Sequence[Saved] = (),
) -> Path:
    """Write a page that a person can read, and every table in it as files.

    Parameters
    ----------
    results : Results
        The long table. With replicates, the page ranks the others of each representation.
    folder : Path
        Receives ``report.html`` and ``tables/`` (CSV, and the long table as Parquet).
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
    unfinished : str
        What of the experiment is missing; it stands on top.
    made_with : mapping of str to str
        Versions by library.
    evidence : callable, optional
        Returns the prompts of some pairs, given as data set and two names, the most wanted first.
    store : str
        The name of the folder of the store: commands on the page are for where that lies.
    asked : iterable of Study
        Studies that know more than the table, instead of those of their names.
    saved : sequence of Saved
        Answers of other commands that the page tells of.

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
    out, changes = Folder(Path(folder)), moved(results, Path(folder), inert(title))
    kept, results, representations = results.table, tables.inert_results(results), tables.inert_tree(representations)
    representations = [tables.described(r) for r in representations]
    title, experiment, warnings = inert(title), inert(experiment), [inert(text) for text in warnings]
    pairs = pairs.renamed(lambda name: inert(name, keep=""))
    frame = tables.long_frame(results)
    datasets = tables.datasets_by_key(frame)
    configurations = tables.configurations_of(frame)
    about = tables.representation_table(representations, datasets)
    found, failed = answers(results, asked)
    few = filter(None, [too_few_shuffles(results.table)])
    first = headlines.headlines(frame, pairs)
    odd = findings.warnings_of(frame, representations, datasets, [*few, *warnings, *map(inert, failed)])
    summaries = tables.pair_summary(frame)
    csv: dict[str, Any] = {
        "pairs": out.frame(summaries, "pairs"),
        "comparisons": out.long_table(results.table, "comparisons"),
        "parquet": out.parquet(kept, "comparisons"),
        "datasets": [
            (shown(dataset), out.long_table(_of(results, dataset), f"comparisons-{slug(dataset)}"))
            for dataset in dict.fromkeys(frame["dataset"])
        ],
        "representations": out.frame(about, "representations"),
        "measures": out.frame(tables.measure_table(configurations), "measures"),
    }
    # Last, so that no table of a study takes the name of one of these.
    studies = [_answer(out, name, answer) for name, answer in found.items()]
    curves = [_study(f"curve-{k}", answer, {}) for k, answer in enumerate(map(curve_of, saved)) if answer is not None]
    wanted = _wanted(frame, first, summaries)
    kept_rows, clusters = crowd.kept_of(frame, first, pairs)
    sections, prompts = [*studies, *curves], evidence(wanted) if evidence else ()
    block = _block(results, frame, kept_rows, pairs, first, sections, prompts) | {
        "store": store, "experiment": title if store else "",
        "shown_models": _shown_models(clusters, first),
    }  # fmt: skip
    roles = roles_of(representations, saved)
    for name in block["names"]:
        name |= roles.get(name["model"], {})
    context = {
        "title": title,
        "line": _line(frame),
        "unfinished": unfinished,
        "summary": findings.summary(frame),
        "told_apart": findings.told_apart(summaries),
        "headlines": [(line, _address(line)) for line in first],
        "same_scale": len({line.scale for line in first}) == 1,
        "unclear": any(line.unclear for line in first),
        "headline_notes": _notes(first),
        "not_to_conclude": headlines.not_to_conclude(frame, first),
        "odd": odd,
        "open": OPEN,
        "studies": studies,
        "curves": curves,
        "saved": [(answer, link_to(answer, out.path)) for answer in saved],
        "csv": csv,
        "moved": changes,
        "clusters": clusters,
        "kept": (int(kept_rows.sum()), len(frame)),
        "nearest": crowd.NEAREST,
        "experiment": experiment,
        "representations": _table(about.drop(columns="source", errors="ignore"), csv["representations"]),
        "sources": list(zip(about["name"], about["data set"], about["source"], strict=True))
        if 0 < len(about) <= SOURCES
        else [],
        "made_with": dict(made_with),
        "definitions": _definitions(configurations),
        "methods": recipe.methods(frame, configurations, representations, made_with),
        "bibtex": recipe.bibtex(configurations, made_with.get("likewise", "")),
        "block": block.pop("columns").packed(block),
    }
    return out.page(render("report.html.j2", context))


def write_answer_page(
    answer: Answer, folder: Path, files: Mapping[str, str], made_with: Mapping[str, str], command: str = ""
) -> Path:
    """Write the page of one answer: its verdict, pictures and tables.

    Parameters
    ----------
    answer : Answer
        What a study found.
    folder : Path
        Receives ``answer.html``.
    files : mapping of str to str
        The file of each table, by the table's name, as seen from the folder.
    made_with : mapping of str to str
        Versions by library.
    command : str
        What was typed to ask, with the base, the prompts or the files; empty where nothing was.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    StoreError
        If the folder cannot be written.
    """
    study = _study("answer", answer, files)
    block = Columns().packed({"answers": [study["block"]]})
    title = inert(answer.question)
    context = {"title": title, "study": study, "command": command, "made_with": dict(made_with), "block": block}
    return write_text(folder / "answer.html", render("answer.html.j2", context))


def render(template: str, context: Mapping[str, Any]) -> str:
    """Fill a template; every text is escaped, what is ours (style, scripts) is not."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_inert,
    )
    environment.filters["marked"] = marked
    environment.filters["sentence"] = sentence
    environment.filters["short"] = tables.short
    ours = {"css": bundle.style(), "scripts": bundle.scripts(), "policy": bundle.policy()}
    return environment.get_template(template).render(**context, **ours)


def _inert(value: Any) -> Any:
    """A text as it is shown: what is in names does nothing. What is ours is marked as safe, and stays."""
    return inert(value) if isinstance(value, str) and not isinstance(value, markupsafe.Markup) else value


def marked(text: str) -> markupsafe.Markup:
    """Return a sentence, escaped, with what stands between backticks as code.

    Examples
    --------
    >>> str(marked("add `a<b` to x"))
    'add <code>a&lt;b</code> to x'
    """
    return markupsafe.Markup(CODE.sub(r"<code>\1</code>", str(markupsafe.escape(inert(text)))))


def sentence(text: str) -> str:
    """Return a text that ends as a sentence does.

    Examples
    --------
    >>> sentence("for these prompts alone"), sentence("Is it so?")
    ('for these prompts alone.', 'Is it so?')
    """
    return text if text.endswith((".", "?", "!", ":", "…")) else f"{text}."


def _of(results: Results, dataset: str) -> Any:
    return results.table.filter(pc.equal(results.table["dataset"], dataset))


def _line(frame: pd.DataFrame) -> str:
    """Models and data as a line."""
    parts = [parts_of(name) for name in tables.names_of(frame)]
    models, layers = (list(dict.fromkeys(p[k] for p in parts)) for k in (0, 2))
    data = [
        f"{shown(dataset)} ({int(frame.loc[frame['dataset'] == dataset, 'n_items'].max()):,} inputs)"
        for dataset in dict.fromkeys(frame["dataset"])
    ]
    at = f", {len(layers)} layers" if len(layers) > 1 else ""
    measures = counted(frame["configuration"].nunique(), "measure")
    return f"{counted(len(models), 'model')}{at}: {findings.some(models)}. Data: {'; '.join(data)}. {measures}."


def _wanted(frame: pd.DataFrame, first: Sequence[Headline], summaries: pd.DataFrame) -> list[tuple[str, str, str]]:
    """The pairs whose prompts a reader wants to see most: those of the first screen, then the most alike."""
    named = [(line.key, pair.a, pair.b) for line in first for pair in (line.first, line.rival) if pair]
    ranked = summaries.sort_values("mean_calibrated", ascending=False, kind="stable")
    ranked = ranked[[tables.comparable(a, b) for a, b in zip(ranked["a"], ranked["b"], strict=True)]]
    others = ranked[["dataset", "a", "b"]].head(200).itertuples(index=False, name=None)
    return list(dict.fromkeys([*named, *others]))


def _address(line: Headline) -> str:
    """The address at which the page shows what a headline says."""
    chosen = {"data": line.dataset, "measure": line.measure, "score": line.score, "layers": "\n".join(line.layers)}
    return f"#{urlencode(chosen)}"


def _notes(first: Sequence[Headline]) -> list[tuple[str, str]]:
    """The notes of all headlines, each once, with the data sets that it holds for where that is not all."""
    where: dict[str, list[str]] = {}
    for line in first:
        for note in line.notes:
            where.setdefault(note, []).append(line.dataset)
    return [(note, "" if len(of) == len(first) else ", ".join(of)) for note, of in where.items()]


def _shown_models(clusters: Sequence[crowd.Cluster], first: Sequence[Headline]) -> list[str]:
    """Of very many models the middles of the clusters and those of the first findings; none where all are shown."""
    named = [name for line in first for pair in (line.first, line.rival) if pair for name in (pair.a, pair.b)]
    return list(dict.fromkeys(parts_of(name)[0] for name in [*(c.middle for c in clusters), *named] if clusters))


def _block(
    results: Results,
    frame: pd.DataFrame,
    kept: Any,
    pairs: Pairs,
    first: Sequence[Headline],
    studies: Sequence[Mapping[str, Any]],
    evidence: Iterable[Evidence],
) -> dict[str, Any]:
    """What the page's script works on, with its columns still apart."""
    columns = Columns()
    if not kept.all():
        results, frame = Results(results.table.filter(pa.array(kept)), asked=results.asked), frame[kept]
    head = head_of(frame, columns, pairs)
    configurations = tables.configurations_of(frame)
    place = {kind: {one: k for k, one in enumerate(of)} for kind, of in
             (("name", [n["name"] for n in head["names"]]), ("measure", [c["label"] for c in head["configurations"]]),
              ("dataset", list(dict.fromkeys(frame["dataset"]))))}  # fmt: skip
    ranks = [
        {
            "dataset": place["dataset"][line.key], "configuration": place["measure"][line.measure],
            "column": line.column, "base": place["name"][r.base],
            "members": columns.add([place["name"][name] for name in r.members], "u2"),
            "rank": list(r.rank), "low": list(r.low), "high": list(r.high), "letters": list(r.letters),
        }
        for line in first
        for of in configurations
        if of.label == line.measure
        for r in rankings(results, frame.reset_index(drop=True), line.key, of, line.column)
    ]  # fmt: skip
    found = [
        {**asdict(e), "dataset": place["dataset"][e.dataset], "a": place["name"][e.a], "b": place["name"][e.b]}
        for e in evidence
    ]
    return head | {
        "columns": columns,
        "lead": {
            "dataset": 0,
            "configuration": place["measure"][first[0].measure],
            "score": first[0].score,
        },
        "shown_layers": list(first[0].layers),
        "same_layer": headlines.layers_of(frame, pairs)[1],
        "has_calibrated": [bool(rows["calibrated"].notna().any()) for _, rows in _by_label(frame, configurations)],
        "ranks": ranks,
        "evidence": found,
        "evidence_left_out": "The page keeps prompts of some pairs only; the command below shows those of this one.",
        "answers": [study["block"] for study in studies],
        "shown_models": [],
    }


def _by_label(frame: pd.DataFrame, configurations: Sequence[Any]) -> list[tuple[str, pd.DataFrame]]:
    groups = dict(list(frame.groupby("configuration", sort=False)))
    return [(c.label, groups[c.label]) for c in configurations]


def _answer(out: Folder, name: str, answer: Answer) -> dict[str, Any]:
    """One section of a report, the tables of the answer written beside it."""
    return _study(name, answer, {table.name: out.frame(table.to_pandas(), slug(table.name)) for table in answer.tables})


def _study(name: str, answer: Answer, files: Mapping[str, str]) -> dict[str, Any]:
    """What a page shows of an answer; ``files`` holds that of each table by its name."""
    kinds = {Triangle: "triangle", Dots: "dots", Lines: "lines", Forest: "forest"}
    block = {
        "name": name,
        "drawings": [
            {"kind": kinds[type(what)], **asdict(what)} | ({"unsure": _unsure_of(what)} if _unsure_of(what) else {})
            for what in answer.drawings
        ],
        "tables": [_of_table(table, files[table.name]) for table in answer.tables],
    }
    # What has no table, no picture and no number was not measured.
    told = bool(answer.tables or answer.drawings or any(value is not None for value in answer.values.values()))
    return {"name": name, "answer": answer, "told": told, "block": tables.inert_tree(block)}


def _unsure_of(what: Any) -> str:
    """Why numbers of a picture have no interval; a line or a forest has one where its ends are there."""
    if what.unsure or not isinstance(what, Triangle | Dots):
        return str(what.unsure)
    return NONE_GIVEN


def no_interval(table: Table) -> str:
    """Return which columns of a table have no interval, each reason once; nothing where all have one.

    Examples
    --------
    >>> no_interval(Table("fruit", ("weight", "price"), ((0.5, 2.5),), unsure={"price": "it is on the label"}))
    'No interval: weight (none was given); price (it is on the label).'
    """
    why: dict[str, list[str]] = {}
    for head, reason in table.without_interval().items():
        why.setdefault(reason, []).append(head.replace("_", " "))
    told = "; ".join(f"{', '.join(heads)} ({reason})" for reason, heads in why.items())
    return f"No interval: {told}." if why else ""


def _of_table(table: Table, csv: str) -> dict[str, Any]:
    """A table as the script shows it: what its columns hold decides how a cell is written."""
    return {
        "name": table.name,
        "caption": table.caption,
        "columns": list(table.heads),
        "numeric": [_all(table, head, int | float) for head in table.columns],
        "whole": [_all(table, head, int) for head in table.columns],
        "p": [is_p(head) for head in table.columns],
        "no_interval": no_interval(table),
        "rows": [list(row) for row in table.rows],
        "csv": csv,
    }


def _all(table: Table, head: str, kind: Any) -> bool:
    known = [cell for cell in table.column(head) if cell is not None]
    return bool(known) and all(isinstance(cell, kind) and not isinstance(cell, bool) for cell in known)


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
