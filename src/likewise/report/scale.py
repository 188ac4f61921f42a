"""What scores of models mean: which models are damaged copies of others, random, or known to be unrelated."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from likewise.about import Source
from likewise.errors import InputError
from likewise.naming import canonical_json, parse_call, parts_of
from likewise.report.saved import Saved, panel_in
from likewise.studies import Rung
from likewise.studies.lineage import RANDOM


def roles_of(representations: Sequence[Mapping[str, Any]], saved: Iterable[Saved] = ()) -> dict[str, dict[str, Any]]:
    """Return what is known of models that makes a scale for the scores of others, by their names.

    ``copy_of`` and ``damage`` of a copy with noise, pruning or fewer bits, whose model as it is stands in the table
    too; ``random`` of one with random weights; ``unrelated`` of a panel, where an answer on lineage says so: the bases
    that it is unrelated to, for of other models nothing is known.

    Examples
    --------
    >>> from likewise.about import Source
    >>> rows = [{"name": "m", "source": Source(model="hub/m")},
    ...         {"name": "c", "source": Source(model="hub/m", variant="prune(fraction=0.3)")}]
    >>> roles_of(rows)
    {'c': {'copy_of': 'm', 'damage': '30 % pruned', 'kind': 'prune', 'amount': 0.3}}
    """
    sources = [(parts_of(r["name"])[0], r["source"]) for r in representations]
    whole = {_without_variant(source): name for name, source in sources if source.model and not source.variant}
    found: dict[str, dict[str, Any]] = {}
    for answer in saved:
        for name in panel_in(answer) if answer.base else ():
            bases = found.setdefault(name, {"unrelated": []})["unrelated"]
            bases += [answer.base] if answer.base not in bases else []
    for name, source in sources:
        try:
            call, _ = parse_call(str(source.variant)) if source.variant else ("", {})
            if call == RANDOM:
                found[name] = {"random": True}
            elif call and (base := whole.get(_without_variant(source))):
                rung = Rung.of(name, str(source.variant))
                found[name] = {"copy_of": base, "damage": rung.words, "kind": rung.kind, "amount": rung.amount}
        except InputError:  # another kind of variant, which is no step of a ladder
            continue
    return found


def _without_variant(source: Source) -> str:
    """What a model and its damaged copies have in common, and no other model: not the name alone."""
    told = {name: of for name, of in (source.model_identity or {}).items() if name != "variant"}
    # What identifies a model may say less than what was run, and nothing is said of what others made.
    return canonical_json([told or source.model, source.revision, source.backend, source.dtype, source.pooling])
