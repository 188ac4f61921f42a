"""Write what can be derived into the pages: the table of measures comes from the registry."""

from typing import Any

from likewise.measures import REGISTRY, Configuration


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the mark by the table, a row for each measure and variant."""
    return markdown.replace("<!-- measures -->", table()) if "<!-- measures -->" in markdown else markdown


def table() -> str:
    """Facts of every configuration that the tests prove."""
    columns = ("configuration", "range", "at identity", "metric", "order counts", "rows paired", "ignores",
               "of the second", "where n < d", "cost")  # fmt: skip
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for measure in REGISTRY.values():
        for variant in measure.variants:
            c = Configuration(measure.name, variant)
            low, high = c.facts.bounds
            cells = (
                f"`{c.label}` {'↑' if c.facts.direction == 'similarity' else '↓'}",
                f"{low:.4g} to {high:.4g}",
                "open" if c.facts.identity is None else f"{c.facts.identity:g}",
                yes(c.facts.metric),
                yes(not c.facts.symmetric),
                yes(c.facts.paired),
                ", ".join(sorted(c.facts.invariances)),
                ", ".join(sorted(c.facts.invariances_of_second)),
                c.facts.regime,
                c.facts.cost,
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(["↑ a higher value means more alike, ↓ a lower one.", "", *lines])


def yes(holds: bool) -> str:
    """A fact that holds, as a cell."""
    return "yes" if holds else ""
