"""How to repeat and to cite what a page says: a paragraph of methods, and BibTeX ready to paste."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from likewise.measures import Configuration
from likewise.naming import counted
from likewise.report.findings import shown, summary

CITED = re.compile(r"(?P<who>[^;:()\n]+?)\s*\((?P<year>\d{4})\),\s*doi:(?P<doi>10\.[^\s;,]+[^\s;,.])")
"""A source as docstrings have it: authors, year, DOI."""

OF_PAPER = "10.48550/arXiv.2312.02730"

PAPER = (
    "@misc{klabunde2023,\n"
    "  author = {Klabunde, Max and Ben Amor, Mehdi and Granitzer, Michael and Lemmerich, Florian},\n"
    "  title = {Towards Measuring Representational Similarity of Large Language Models},\n  year = {2023},\n"
    f"  doi = {{{OF_PAPER}}}\n}}"
)


def cited(configuration: Configuration) -> list[tuple[str, str, str]]:
    """Return authors, year and DOI of the sources of a measure; of a DOI that its docstring does not name, that alone.

    Examples
    --------
    >>> cited(Configuration.parse("cka"))[0]
    ('Kornblith et al.', '2019', '10.48550/arXiv.1905.00414')
    """
    about = configuration.about
    text = "" if configuration.stored else " ".join((about.function.__doc__ or "").partition("References\n")[2].split())
    known = {m["doi"]: (m["who"].lstrip("- ").strip(), m["year"]) for m in CITED.finditer(text)}
    return [(*known.get(doi, ("", "")), doi) for doi in about.references]


def bibtex(configurations: Iterable[Configuration], version: str) -> str:
    """Return the sources of the measures, of the experiment's design, and of the software, as BibTeX."""
    entries: dict[str, str] = {}
    for c in configurations:
        for who, year, doi in cited(c):
            if doi in entries or doi == OF_PAPER:
                continue
            names = re.split(r",\s*|\s+and\s+", who.replace(" et al.", ", others")) if who else []
            first = unicodedata.normalize("NFKD", names[0] if names else doi).encode("ascii", "ignore").decode()
            key, taken = re.sub(r"\W", "", first.lower()) + year, "\n".join([PAPER, *entries.values()])
            key += "" if f"{{{key}," not in taken else f"-{c.measure}"
            fields = {"author": " and ".join(n for n in names if n), "year": year, "doi": doi, "note": c.about.title}
            body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
            entries[doi] = f"@misc{{{key},\n{body}\n}}"
    ours = (
        "@software{likewise,\n  author = {The likewise authors},\n  title = {likewise},\n"
        f"  version = {{{version}}}\n}}"
    )
    return "\n\n".join([*entries.values(), PAPER, ours])


def methods(
    frame: pd.DataFrame,
    configurations: Sequence[Configuration],
    representations: Sequence[Mapping[str, object]],
    made_with: Mapping[str, str],
) -> str:
    """Return a paragraph for the methods section of a paper."""
    items = ", ".join(
        f"{shown(str(dataset))} ({int(rows['n_items'].max()):,} inputs)"
        for dataset, rows in frame.groupby("dataset", sort=False)
    )
    poolings = sorted({str(r["source"].pooling) for r in representations if r["source"].pooling})  # type: ignore[attr-defined]
    rows = f" One row per input ({', '.join(poolings)})." if poolings else ""
    measures = "; ".join(
        f"{c.label}"
        + (
            f" ({', '.join(f'{who} {year}'.strip() or f'doi:{doi}' for who, year, doi in cited(c))})"
            if c.about.references
            else ""
        )
        for c in configurations
    )
    chance = summary(frame).partition("scores. ")[2]
    together = {bool(r["source"].groups) for r in representations}  # type: ignore[attr-defined]
    runs = any(r["audit"].following_alike and not r["source"].groups for r in representations)  # type: ignore[attr-defined]
    alone = "inputs (over stretches of neighbouring inputs where these are alike)" if runs else "inputs"
    over = {True: "groups of inputs that belong together", False: alone}
    of = " or ".join(over[grouped] for grouped in sorted(together)) or over[False]
    ends = f" Intervals are 95 % jackknife intervals over {of}." if frame["low"].notna().any() else ""
    if True in together and frame["n_permutations"].any():
        ends += " Such groups are shuffled as a whole."
    corrected = (
        " P-values are corrected for all scores of the experiment (Holm, or Westfall and Young's step-down)."
        if frame["pvalue_holm"].notna().any()
        else ""
    )
    calibrated = (
        " Calibrated scores are (score - chance) / (score of identical representations - chance)."
        if frame["calibrated"].notna().any()
        else ""
    )
    version = made_with.get("likewise", "")
    count = counted(len({*frame["a"], *frame["b"]}), "representation")
    return (
        f"We compared {count} on {items} with likewise {version}".rstrip()
        + f".{rows} Measures: {measures}. {chance}{calibrated}{ends}{corrected}"
    )
