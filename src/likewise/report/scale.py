"""What scores of models mean: which models are damaged copies of others, random, or known to be unrelated."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from likewise.errors import InputError
from likewise.naming import parse_call, parts_of
from likewise.report.saved import Saved, panel_in
from likewise.studies import Rung
from likewise.studies.lineage import RANDOM


def roles_of(representations: Sequence[Mapping[str, Any]], saved: Iterable[Saved] = ()) -> dict[str, dict[str, Any]]:
    """Return what is known of models that makes a scale for the scores of others, by their names.

    ``copy_of`` and ``damage`` of a copy with noise, pruning or fewer bits, whose model as it is stands in the table
    too; ``random`` of one with random weights; ``unrelated`` of a panel, where an answer on lineage says so.

    Examples
    --------
    >>> from likewise.about import Source
    >>> rows = [{"name": "m", "source": Source(model="hub/m")},
    ...         {"name": "c", "source": Source(model="hub/m", variant="prune(fraction=0.3)")}]
    >>> roles_of(rows)
    {'c': {'copy_of': 'm', 'damage': '30 % pruned', 'kind': 'prune', 'amount': 0.3}}
    """
    sources = {parts_of(r["name"])[0]: r["source"] for r in representations}
    whole = {source.model: name for name, source in sources.items() if source.model and not source.variant}
    found: dict[str, dict[str, Any]] = {name: {"unrelated": True} for answer in saved for name in panel_in(answer)}
    for name, source in sources.items():
        try:
            call, _ = parse_call(str(source.variant)) if source.variant else ("", {})
            if call == RANDOM:
                found[name] = {"random": True}
            elif call and source.model in whole:
                rung = Rung.of(name, str(source.variant))
                base = whole[source.model]
                found[name] = {"copy_of": base, "damage": rung.words, "kind": rung.kind, "amount": rung.amount}
        except InputError:  # another kind of variant, which is no step of a ladder
            continue
    return found
