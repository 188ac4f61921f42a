"""Each model of an experiment has its own precision, batches and threads; a floor stands for re-runs of a model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from likewise.errors import InputError
from likewise.plan import Experiment, plan
from likewise.plan.tasks import representation_key
from likewise.run import run
from likewise.store import Store


def experiment(models: list[Any], **more: Any) -> Experiment:
    return Experiment.of(
        {"name": "e", "models": models, "datasets": [{"source": "commonsense-probes", "limit": 6}], "measures": ["cka"]}
        | more
    )


def test_a_floor_stands_for_models_with_plain_names() -> None:
    read = experiment([{"model": "gpt2", "name": "base", "floor": ["bfloat16", "rerun"]}, "distilgpt2"])
    names = [m.name for m in read.models]
    assert names == ["base", "base in bfloat16", "base run again", "distilgpt2"]
    base, precise, again, _ = read.models
    assert (base.dtype, base.batches.identity()) == (None, {})
    assert (precise.dtype, precise.batches.identity()) == ("bfloat16", {})
    assert again.dtype is None and again.batches.batch_tokens
    assert Experiment.of(yaml.safe_load(read.to_yaml())) == read
    assert Experiment.of(read.model_dump(mode="json")) == read


def test_a_rerun_of_a_model_with_batches_of_its_own_has_others() -> None:
    own, again = experiment([{"model": "gpt2", "batch_tokens": 170, "threads": 2, "floor": "rerun"}]).models
    assert own.batches.batch_tokens != again.batches.batch_tokens


def test_names_tell_precisions_apart() -> None:
    names = [m.name for m in experiment(["gpt2", *({"model": "gpt2", **how} for how in HOWS)]).models]
    assert names == [
        "gpt2",
        "gpt2 in bfloat16",
        "gpt2 in batches of 64 tokens",
        "gpt2 with 1 thread",
        "gpt2 with 2 threads",
    ]


HOWS: list[dict[str, Any]] = [{"dtype": "bfloat16"}, {"batch_tokens": 64}, {"threads": 1}, {"threads": 2}]


def test_keys_are_what_they_were_where_nothing_is_said() -> None:
    """A store of before serves experiments of today, of the same version of extraction."""
    asked: tuple[Any, ...] = ({"weights": "0"}, {"source": "d"}, "last", "mean", "float32")
    assert representation_key(*asked) == "8f53a9208a7f3f8bf48516ea"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"floor": "rerunn"}, "floor"),
        ({"threads": 0}, "threads"),
        ({"batch_tokens": True}, "batch_tokens"),
        ({"batch_tokens": 1.5}, "batch_tokens"),
        ({"dtype": "f32"}, "dtype"),
        ({"floor": ["rerun", "rerun"]}, "called"),
        ({"model": "imported:x", "dtype": "bfloat16"}, "imported"),
        ({"model": "imported:x", "floor": "rerun"}, "imported"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        experiment([{"model": "gpt2", **given}, "distilgpt2"])
    assert "\n" not in str(refused.value)


def test_a_precision_that_is_that_of_the_model_is_refused(tiny: Callable[..., Path], tmp_path: Path) -> None:
    folder = tiny("gpt2")
    with pytest.raises(InputError, match="the same model, variant, precision and layer"):
        plan(experiment([{"model": str(folder), "floor": "float32"}]), Store(tmp_path / "store"))


def test_models_are_run_as_they_say(tiny: Callable[..., Path], tmp_path: Path) -> None:
    folder = str(tiny("gpt2"))
    asked = experiment(
        [{"model": folder, "name": "base", "floor": ["bfloat16", "rerun"]}, *[{"model": folder, **h} for h in HOWS[2:]]]
    )
    done = run(asked, tmp_path / "store")
    assert not done.failed
    store = Store(tmp_path / "store")
    named = {r["name"]: store.load_representation(r["key"]) for r in store.experiments()["e"]["representations"]}
    told = {name: (r.source.dtype, r.source.batch_tokens, r.source.threads) for name, r in named.items()}
    short = Path(folder).name
    assert told == {
        "base": ("float32", 512, None),
        "base in bfloat16": ("bfloat16", 512, None),
        "base run again": ("float32", 170, None),
        f"{short} with 1 thread": ("float32", 512, 1),
        f"{short} with 2 threads": ("float32", 512, 2),
    }
    away = {name: abs(r.matrix - named["base"].matrix).max() for name, r in named.items()}
    assert away["base in bfloat16"] > 100 * away["base run again"]
    assert away["base run again"] < 1e-4
    assert run(asked, tmp_path / "store").performed == 0
    before = {w.key for w in plan(experiment([folder, {"model": folder, "threads": 1}]), store).datasets[0].wanted}
    assert before <= {*store.representations()}
