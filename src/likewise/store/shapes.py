"""What the files of a store may hold."""

import re

from likewise.about import Audit, Source
from likewise.kinds import KINDS, METRICS
from likewise.shapes import (
    ANYTHING,
    COUNT,
    COUNT_OR_NOTHING,
    NUMBER,
    NUMBER_OR_NOTHING,
    POSITIVE,
    SHA256,
    TEXT,
    TEXT_OR_NOTHING,
    Each,
    Fields,
    Kind,
    text_of,
)
from likewise.store.keys import LENGTH

KEY = re.compile(rf"[0-9a-f]{{{LENGTH}}}")
"""What a content key looks like."""

EXPERIMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What the name of an experiment looks like: it is the name of a file too."""

IS_KEY = Kind(f"a key of {LENGTH} hexadecimal digits", text_of(KEY))

STORE = Fields({"version": COUNT}, {"what": TEXT})

REPRESENTATION = Fields(
    {
        "version": COUNT,
        "key": IS_KEY,
        "n_items": POSITIVE,
        "n_features": POSITIVE,
        "sha256": SHA256,
        "source": Source.shape(),
        "audit": Audit.shape(),
        "ids": Each(TEXT),
    },
    {
        "kind": Kind(f"one of {', '.join(KINDS)}", lambda v: isinstance(v, str) and v in KINDS),
        "metric": Kind(f"one of {', '.join(METRICS)}", lambda v: isinstance(v, str) and v in METRICS),
    },
)

PIN = Fields(
    {"kind": TEXT, "hub": TEXT, "revision": TEXT, "commit": TEXT},
    {
        "width": COUNT_OR_NOTHING,
        "blocks": COUNT_OR_NOTHING,
        "says": Fields(known={"pooling": TEXT_OR_NOTHING, "why_not": TEXT_OR_NOTHING}),
    },
)

EXPERIMENT_RECORD = Fields(
    {
        "version": COUNT,
        "experiment": Fields({"name": Kind("the name of an experiment", text_of(EXPERIMENT))}, others=ANYTHING),
        "representations": Each(Fields({"name": TEXT, "dataset": TEXT, "key": IS_KEY})),
    },
    {"together": Fields(others=TEXT)},
)

RUN = Fields(
    {
        "experiment": Kind("the name of an experiment", text_of(EXPERIMENT)),
        "shard": TEXT,
        "host": TEXT,
        "pid": POSITIVE,
        "began": NUMBER,
        "told": NUMBER,
        "over": TEXT,
        "done": Fields(others=COUNT),
        "left": Fields(others=COUNT),
        "seconds": Fields(others=NUMBER),
        "running": Each(Fields({"task": TEXT, "since": NUMBER})),
        "failed": Each(Fields({"task": TEXT, "error": TEXT})),
    }
)

SECONDS = Fields({"seconds": Each(NUMBER_OR_NOTHING)})
"""Of version 1; later ones lie in a table."""
