"""Scripts and style of the page: libraries that lie here byte for byte, and our own, with what a browser may run."""

import base64
import functools
import hashlib
from pathlib import Path

HERE = Path(__file__).parent

LIBRARIES = ("d3.min.js", "plot.min.js")
"""Observable Plot and what it draws with; assets/vendored.json says from where."""

OWN = ("data.js", "state.js", "pictures.js", "tables.js", "evidence.js", "main.js")
"""Files of the page's own script, in their order."""


@functools.cache
def scripts() -> tuple[str, ...]:
    """Return the texts of all scripts of the page, in their order."""
    read = [(HERE / "assets" / name).read_text(encoding="utf-8") for name in LIBRARIES]
    own = "".join((HERE / "templates" / "page" / name).read_text(encoding="utf-8") for name in OWN)
    # In a function, so that nothing of it gets a name in the window.
    return *read, f'(() => {{\n"use strict";\n{own}}})();\n'


@functools.cache
def style() -> str:
    """Return the style of the page."""
    return (HERE / "templates" / "report.css").read_text(encoding="utf-8")


@functools.cache
def policy() -> str:
    """Return what the browser may do: run these scripts, show pictures made in the page, and nothing else.

    No request leaves the page, and no other script runs, whatever the names in it hold.
    """
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts()
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
