"""Was a model derived from a base? Models are run, or rows are read, and `Lineage` is asked."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from likewise.errors import InputError
from likewise.models import canonical_layer
from likewise.progress import Watch, unwatched
from likewise.prompts import DEFAULT_PROMPTS
from likewise.questions.rows import Asked, At, entry_of, is_file_of_rows, kept_rows, rows_given, rows_of_models
from likewise.representation import Representation, aligned
from likewise.store import Store, is_bucket
from likewise.studies import Answer, Lineage, Place

LAYERS = ("0.167", "0.333")
"""A sixth and a third of the depth: relatives stand out from strangers there, and at the last layer they do not."""

POOLING = "last_token"

STORE = Path("runs") / "lineage"

Rows = dict[At, dict[str, Representation]]


def lineage(
    model: Any,
    base: Any,
    *,
    panel: Any = (),
    relatives: Any = (),
    data: Any = DEFAULT_PROMPTS,
    layers: Sequence[str | float] = LAYERS,
    pooling: str = POOLING,
    store: str | Path = STORE,
    groups: Iterable[str] | None = None,
    device: Literal["cpu", "cuda", "auto"] = "cpu",
    batch_tokens: int | None = None,
    seed: int = 0,
    conditions: Sequence[str] = (),
    watch: Watch = unwatched,
) -> Answer:
    """Ask whether a model was derived from a base: derived, independent, or cannot tell.

    Parameters
    ----------
    model, base : str, mapping, Path, array or Representation
        Models as an experiment has them, or ``"gpt2:prune(fraction=0.5)"`` for a variant. Or rows: files (``.npy``,
        ``.npz``, ``.parquet``, ``.safetensors``), arrays or Representations, one row for each prompt.
    panel : mapping, sequence, or one of these
        Trained models that are known to be unrelated to the base: models, or folders of stores that keep a panel; where
        model and base are rows, rows by name.
    relatives : mapping, sequence, or one of these
        Models, or rows, that are known to be derived from the base.
    data : str, mapping, or sequence of them
        Data sets as an experiment has them.
    layers : sequence of str or float
        Each stands for one layer in every model; by default a sixth and a third of the depth.
    pooling : str
        The same for all models.
    store : str or Path
        Where rows are kept, of the panel too: name this folder as ``panel`` later.
    groups : iterable of str, optional
        Of arrays and files: the group of each prompt, where prompts belong together.
    device, batch_tokens
        As in `likewise.run`.
    seed : int
        Of orders that are drawn.
    conditions : sequence of str
        What the answer will be asked; what names a value that it cannot have is refused before anything is run.
    watch : callable
        Is told the progress.

    Returns
    -------
    Answer
        With the values ``verdict``, ``derived``, ``independent``, ``shared_axes.z``, ``rotation.cosine``, ``panel.p``
        and others.

    Raises
    ------
    InputError
        If rows and models are mixed, names are given twice, or rows do not describe the same prompts.
    LikewiseError
        If a model cannot be run.

    Examples
    --------
    >>> import likewise
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> base = rng.normal(size=(80, 40))
    >>> likewise.lineage(base + rng.normal(size=(80, 40)), base).values["verdict"]
    'derived'
    >>> likewise.lineage(rng.normal(size=(80, 40)), base).values["verdict"]
    'cannot tell'
    """
    study = Lineage(seed=seed)
    strangers, kin = _listed(panel), _listed(relatives)
    study.names(bool(strangers), bool(kin)).check(conditions)
    if _is_rows(model) or _is_rows(base):
        return study.answer([_of_rows(model, base, strangers, kin, groups)], watch)
    if odd := [given for _, given in (*strangers, *kin) if _is_rows(given)]:
        raise InputError(
            f"{_shown(odd[0])} is rows, and {_shown(model)} is a model; expected models alone, or rows alone"
        )
    if groups is not None:
        raise InputError("groups are for rows; a data set of models has them in its own records")
    asked = Asked(
        tuple(data) if isinstance(data, list | tuple) else (data,),
        tuple(dict.fromkeys(canonical_layer(layer) for layer in layers)),
        pooling,
        device,
        batch_tokens,
    )
    return study.answer(_of_models(model, base, strangers, kin, asked, Store(store), watch), watch)


def _listed(given: Any) -> list[tuple[str, Any]]:
    """What is given, each with its name; empty where it has none."""
    if isinstance(given, Mapping) and "model" not in given:
        return [(str(name), one) for name, one in given.items()]
    if isinstance(given, str | Path | Mapping | Representation) or hasattr(given, "shape"):
        return [("", given)]
    return [("", one) for one in given]


def _is_rows(given: Any) -> bool:
    return isinstance(given, Representation) or hasattr(given, "shape") or is_file_of_rows(given)


def _shown(given: Any) -> str:
    return str(given) if isinstance(given, str | Path) else getattr(given, "name", type(given).__name__)


def _of_rows(
    model: Any, base: Any, panel: list[tuple[str, Any]], kin: list[tuple[str, Any]], groups: Iterable[str] | None
) -> Place:
    """The one place of rows that are given."""
    for given in (model, base, *(one for _, one in (*panel, *kin))):
        if not _is_rows(given):
            raise InputError(f"{_shown(given)} is no file of rows; expected models alone, or rows alone")
    roles = ("model", model), ("base", base)
    named = [(name, rows_given(one)) for name, one in roles]
    named = [(role if r.name == "representation" else r.name, r) for role, r in named]
    if named[0][0] == named[1][0]:
        named = [(f"{name} ({role})", r) for (name, r), (role, _) in zip(named, roles, strict=True)]
    for part, of in (("panel", panel), ("relative", kin)):
        for number, (name, one) in enumerate(of, 1):
            r = rows_given(one)
            named.append((name or (f"{part} {number}" if r.name == "representation" else r.name), r))
    names = [name for name, _ in named]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{twice[0]!r} is given twice; give one of them another name")
    whole = [r.changed(name=name) for name, r in named]
    if groups is not None:
        labels = [str(label) for label in groups]
        whole = [r.changed(groups=labels) for r in whole]
    rows, _ = aligned(whole)
    end = 2 + len(panel)
    return Place(rows[0], rows[1], {r.name: r for r in rows[2:end]}, {r.name: r for r in rows[end:]})


def _is_store(one: Any) -> bool:
    return isinstance(one, str | Path) and (is_bucket(one) or (Path(one) / "store.json").exists())


def _of_models(
    model: Any,
    base: Any,
    panel: list[tuple[str, Any]],
    kin: list[tuple[str, Any]],
    asked: Asked,
    store: Store,
    watch: Watch,
) -> list[Place]:
    # Each by itself, so that a copy under another name may be asked about too.
    question = rows_of_models("model", [model], asked, store, watch)
    given = rows_of_models("base", [base], asked, store, watch)
    kept = [Store(one) for _, one in panel if _is_store(one)]
    run_now = [_with_name(name, one) for name, one in panel if not _is_store(one)]
    parts: list[Rows] = [kept_rows("panel", asked, place) for place in kept]
    if run_now:
        parts.append(rows_of_models("panel", run_now, asked, store, watch))
    relatives = rows_of_models("relatives", [_with_name(n, one) for n, one in kin], asked, store, watch) if kin else {}
    places = []
    for at in given:
        members: dict[str, Representation] = {}
        for part in parts:
            if at not in part:
                raise InputError(f"the panel has no rows on the data set {at[0]}; run its models on it, by --panel")
            if twice := members.keys() & part[at].keys():
                raise InputError(f"the panel has two models called {min(twice)!r}; leave one of them out")
            members |= part[at]
        of_base, of_model = (next(iter(found[at].values())) for found in (given, question))
        known = relatives.get(at, {})
        for other in (of_model, *members.values(), *known.values()):
            _check_same_prompts(of_base, other)
        places.append(Place(of_model, of_base, members, known, *at))
    return places


def _with_name(name: str, given: Any) -> Any:
    if not name:
        return given
    return {**entry_of(given), "name": name} if name else given


def _check_same_prompts(a: Representation, b: Representation) -> None:
    """Refuse rows of other prompts under the same names: a kept panel may be older than its data set."""
    for kind, value in a.source.fingerprints.items():
        if (other := b.source.fingerprints.get(kind)) and other != value:
            raise InputError(f"{a.name} and {b.name} have other {kind} on the data set; expected the same")
