"""Which representations a store keeps on a data set, by their names."""

from collections.abc import Mapping
from typing import Any

from likewise.errors import InputError
from likewise.naming import did_you_mean
from likewise.plan.experiment import Experiment
from likewise.plan.imported import imported_experiment
from likewise.plan.work import plan
from likewise.store import Store


def kept_on(store: Store, dataset: str | None = None, experiment: str | None = None) -> tuple[str, dict[str, str]]:
    """Return a data set, and the keys of a store's representations on it by their names.

    Those of one experiment or of all; in a store without experiments, of what was imported into it.

    Parameters
    ----------
    store : Store
        Where they are.
    dataset, experiment : str, optional
        By default the only data set, and all experiments.

    Raises
    ------
    InputError
        If there is no such data set or experiment, or a name stands for different rows in two experiments.
    """
    experiments = _records(store)
    if experiment is not None and experiment not in experiments:
        raise InputError(f"{store} has no experiment {experiment!r}; {did_you_mean(experiment, experiments)}")
    among = [experiment] if experiment is not None else list(experiments)
    known = [{**r, "in": name} for name in among for r in experiments[name]["representations"]]
    datasets = list(dict.fromkeys(r["dataset"] for r in known))
    if dataset is None and len(datasets) == 1:
        (dataset,) = datasets
    if not datasets:
        raise InputError(
            f"{store} keeps no two models on one data set; likewise run makes them, likewise import brings them"
        )
    if dataset is None or dataset not in datasets:
        raise InputError(f"which data set? {did_you_mean(dataset or '', datasets)}; name one with --dataset")
    found: dict[str, dict[str, str]] = {}
    for r in known:
        if r["dataset"] == dataset and found.setdefault(r["name"], r)["key"] != r["key"]:
            raise InputError(
                f"{r['name']!r} on {dataset} stands for different rows in the experiments {found[r['name']]['in']} and "
                f"{r['in']}; name one with --experiment"
            )
    return dataset, {name: r["key"] for name, r in found.items()}


def _records(store: Store) -> Mapping[str, Any]:
    if experiments := store.experiments():
        return experiments
    imported = imported_experiment(store)
    return {"imported": plan(Experiment.of(imported), store).record()} if imported["datasets"] else {}
