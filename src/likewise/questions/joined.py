"""A model that joins those of a store: run as they were, under a record of its own."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from likewise.catalogue import IMPORTED
from likewise.errors import InputError, LikewiseError
from likewise.naming import canonical_json, depth_of, did_you_mean, model_of, parts_of, slug
from likewise.plan import Experiment, Wanted, kept_on, plan
from likewise.questions.through import run_whole
from likewise.questions.versions import entries_of
from likewise.store import Store, content_key

NAMED = re.compile("search-.*-[0-9a-f]{24}")
"""What the experiments of models that joined are called: see `_record_name`."""


def run_like_those(
    store: Store,
    model: Any,
    dataset: str,
    experiment: str | None,
    layer: str | None,
    kept: Mapping[str, str],
    how: Mapping[str, Any],
) -> tuple[str, str]:
    """Run a model as those of a store were run on a data set; return the name and key of its representation.

    Parameters
    ----------
    store : Store
        Whose experiments say how; ``experiment`` names one of several.
    model : str or mapping
        As in an experiment.
    dataset, layer
        Where it is run; by default at the layer of those that are there.
    kept : mapping of str to str
        What is there, to say what is near.
    how : mapping
        Of `run`.

    Raises
    ------
    InputError
        If the rows of the store were imported, its experiments differ, or the name is that of another model.
    LikewiseError
        If it could not be run; what is finished is kept.
    """
    (entry,) = entries_of([model])
    called, of_model = str(entry["name"]), entry.get("layers")
    if layer is not None and of_model is not None:
        raise InputError(f"{called} names its layers itself; leave the layer out")
    at = f" at layer {layer}" if layer is not None else ""
    near = f"{store} keeps no model {model!r}{at}; {_near(called, kept, layer)}"
    among = [experiment] if experiment else [n for n in store.experiments() if not NAMED.fullmatch(n)]
    asked = [Experiment.stored(store.experiments()[n]["experiment"]) for n in among]
    asked = [e for e in asked if any(d.name == dataset for d in e.datasets)]
    sources = [next(d for d in e.datasets if d.name == dataset) for e in asked]
    if not asked or any(str(d.source).startswith(IMPORTED) for d in sources):
        end = "" if near.endswith("?") else "."
        raise InputError(
            f"{near}{end} The rows of {dataset} were imported, so no model can be run on it; give a file of rows"
        )
    if any((d, e.representation) != (sources[0], asked[0].representation) for d, e in zip(sources, asked, strict=True)):
        raise InputError(
            f"the experiments {', '.join(among)} run models on {dataset} in other ways; name one with --experiment"
        )
    part = asked[0].representation
    layers = [layer] if layer is not None else of_model or list(part.layers)
    layers = [layers] if isinstance(layers, str) else layers
    if len(layers) != 1:
        raise InputError(
            f"the models on {dataset} have several layers ({', '.join(map(str, layers))}); name one with --layer"
        )
    one = Experiment.asked(
        {
            "name": "search",
            "models": [entry],
            "datasets": [sources[0].name],
            "representation": {"layers": layers},
            "measures": [],
        }
    ).model_copy(update={"datasets": (sources[0],)})
    one = one.model_copy(update={"representation": part.model_copy(update={"layers": one.representation.layers})})
    one = one.model_copy(update={"name": _record_name(one)})
    try:
        (of_dataset,) = plan(one, store).datasets
        _check_free(store, called, of_dataset.wanted, dataset)
        run_whole(one, store.files.address, **how)
    except LikewiseError as error:
        error.add_note(near)
        raise
    _, made = kept_on(store, dataset, one.name)
    if len(made) != 1:
        raise InputError(f"{model} has several representations now; name one of them: {', '.join(sorted(made))}")
    ((name, key),) = made.items()
    return name, key


def _record_name(one: Experiment) -> str:
    """Name the record of a searched model: another one for each model, data set and layer."""
    entry, (dataset,), layers = one.models[0], one.datasets, one.representation.layers
    text = slug(f"{entry.name} {dataset.name} {' '.join(entry.layers or layers)}")
    return f"search-{text}-{content_key(one.model_dump(mode='json', exclude={'name'}))}"


def _check_free(store: Store, called: str, wanted: Sequence[Wanted], dataset: str) -> None:
    """Refuse, before anything is run, a model with the name of another one that the store keeps, in any experiment."""
    keys, identities = {w.name: w.key for w in wanted}, {canonical_json(w.model.identity()) for w in wanted}
    for about in store.experiments().values():
        for r in about["representations"]:
            if r["dataset"] != dataset or parts_of(r["name"])[0] != called or r["key"] in keys.values():
                continue
            if r["name"] not in keys and store.has_representation(r["key"]):
                source = store.describe_representation(r["key"])["source"]
                own = source.model_identity  # of what was imported, or made by an older version, it is not known
                if own is not None and canonical_json(dict(own)) in identities:
                    continue
            raise InputError(
                f"the store has another model called {r['name']!r}; give this one another name, as NAME=MODEL"
            )


def _near(model: str, kept: Mapping[str, str], layer: str | None) -> str:
    """Half a sentence with the layers that the model has, or the nearest names; of thousands not all."""
    layers = sorted((parts_of(name)[2] for name in kept if model_of(name) == model), key=depth_of)
    if layers and layer is not None:
        return f"it keeps {'layers' if len(layers) > 1 else 'layer'} {', '.join(layers)} of it"
    said = did_you_mean(model, kept)
    return said if said.startswith("did") or len(kept) <= 20 else f"it keeps {len(kept):,} others"
