"""Write what can be derived into the pages: the table of measures comes from the registry."""

from typing import Any

from likewise.measures import REGISTRY, Configuration


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the mark by the table, a row for each measure and variant."""
    return markdown.replace("<!-- measures -->", table()) if "<!-- measures -->" in markdown else markdown


def table() -> str:
    """Facts of every configuration that the tests prove."""
    lines = ["| configuration | direction | range | at identity | metric | ignores |", "|---|---|---|---|---|---|"]
    for measure in REGISTRY.values():
        for variant in measure.variants:
            c = Configuration(measure.name, variant)
            low, high = c.facts.bounds
            ignores = ", ".join(sorted(c.facts.invariances))
            metric = "yes" if c.facts.metric else "no"
            cells = (
                f"`{c.label}`",
                c.facts.direction,
                f"{low:.4g} to {high:.4g}",
                f"{c.facts.identity:g}",
                metric,
                ignores,
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
