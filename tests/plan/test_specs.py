"""The parts of an experiment are the specifications of other rooms: no field, default or least value stands twice."""

import ast
import dataclasses
import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer

import likewise
from likewise.about import Record
from likewise.chance import DEFAULT, ClosedForm, reference_of
from likewise.cli import options
from likewise.cli.main import app
from likewise.errors import InputError
from likewise.fields import CHANCE, whole, wrong_numbers
from likewise.models import ModelSpec
from likewise.plan import Experiment
from likewise.plan.entries import DatasetEntry, ModelEntry
from likewise.plan.problems import fields_of
from likewise.prompts import Choices, DatasetSpec, Format, RecordsSpec, Spans
from likewise.scoring import Trust

NONE = object()


def classes() -> Iterator[type]:
    """Every class of likewise that holds fields."""
    for info in pkgutil.walk_packages(likewise.__path__, "likewise.", onerror=lambda name: None):
        if not info.name.endswith("__main__"):
            module = importlib.import_module(info.name)
            for found in vars(module).values():
                if inspect.isclass(found) and found.__module__ == module.__name__ and fields_with_defaults(found):
                    yield found


def fields_with_defaults(of: type) -> dict[str, Any]:
    """The fields of a class by their names, with their defaults."""
    if issubclass(of, Record) and dataclasses.is_dataclass(of):
        # Of what was said: nothing stands where nothing was, and is no default.
        return dict.fromkeys(of.known(), NONE)
    if dataclasses.is_dataclass(of):
        made = {
            f.name: f.default_factory if f.default is dataclasses.MISSING else f.default for f in dataclasses.fields(of)
        }
        return {name: NONE if default is dataclasses.MISSING else default for name, default in made.items()}
    if isinstance(found := getattr(of, "model_fields", None), Mapping):
        return {name: NONE if f.is_required() else f.default for name, f in found.items()}
    return dict.fromkeys(getattr(of, "_fields", ()), NONE) if issubclass(of, tuple) else {}


def test_what_another_room_has_is_not_said_again() -> None:
    """A part may say more exactly what a field of the specification is, but not another default."""
    for of in classes():
        for name in inspect.get_annotations(of):
            holding = (base for base in of.__mro__[1:] if name in fields_with_defaults(base))
            above = [base for base in holding if name in inspect.get_annotations(base)]
            if above and dataclasses.is_dataclass(of):
                assert fields_with_defaults(of)[name] == fields_with_defaults(above[0])[name]
                assert name not in vars(of), f"{of.__name__}.{name} stands twice"


SAID_ONCE = {"permutations", "chance", "groups", "truncation", "tolerance"}


def test_defaults_of_comparisons_are_written_once() -> None:
    """No function and no class has a number or a text of its own for what `likewise.fields` says."""
    found = []
    for path in Path(str(likewise.__file__)).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            given: list[tuple[str, ast.expr | None]] = []
            if isinstance(node, ast.FunctionDef):
                args = node.args.posonlyargs + node.args.args
                given = [
                    (a.arg, d)
                    for a, d in zip(args[len(args) - len(node.args.defaults) :], node.args.defaults, strict=True)
                ]
                given += [(a.arg, d) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                given = [(node.target.id, node.value)]
            found += [
                f"{path.name}: {name}"
                for name, default in given
                if name in SAID_ONCE and isinstance(default, ast.Constant) and default.value is not None
            ]
    assert not found


def test_the_same_is_asked_for_everywhere() -> None:
    asked = Trust()
    assert reference_of(CHANCE).name == ClosedForm.name == DEFAULT == CHANCE
    signature = inspect.signature(likewise.compare).parameters
    told = [signature[name].default for name in ("chance", "permutations", "rng", "groups")]
    assert told == [asked.chance, asked.permutations, asked.seed, asked.groups]
    experiment = Experiment.of({"name": "e", "models": ["a", "b"], "datasets": ["commonsense-probes"]})
    assert experiment.statistics.trust == asked and type(experiment.statistics.trust) is Trust
    command = next(c for c in typer.main.get_command(app).commands.items() if c[0] == "compare")[1]  # type: ignore[attr-defined]
    by_name = {p.name: p.default for p in command.params}
    assert [by_name[f.name] for f in dataclasses.fields(Trust)] == [*dataclasses.astuple(asked)]


@pytest.mark.parametrize("name", ["permutations", "seed", "groups"])
def test_the_command_line_takes_the_least_that_a_field_does(name: str) -> None:
    least = next(f.metadata["ge"] for f in dataclasses.fields(Trust) if f.name == name)
    assert getattr(options, name.capitalize()).__metadata__[0].min == least


WHOLE = [
    (of, f.name, f.metadata["ge"])
    for of in (Trust, Format, RecordsSpec)
    for f in dataclasses.fields(of)
    if "ge" in f.metadata
]
FULL: dict[str, Any] = {
    "name": "full",
    "models": [
        {
            "model": "a/b",
            "name": "first",
            "base": "c/d",
            "revision": "main",
            "variant": "noise(sd=0.1, seed=0)",
            "remote_code": True,
            "pickled_weights": True,
            "backend": "other",
            "batch_tokens": 64,
            "threads": 2,
            "layers": ["last", "embedding"],
            "pooling": "mean",
            "dtype": "bfloat16",
            "datasets": ["d"],
            "formats": ["x"],
            "covariates": {"size": 1.5},
        },
        {"model": "gpt2", "name": "gpt2"},
    ],
    "datasets": [
        {
            "source": "e/f",
            "name": "d",
            "config": "c",
            "split": "test",
            "revision": "v1",
            "formats": {
                "x": {
                    "template": "{{ a }}",
                    "answer": "{{ b }}",
                    "shots": 2,
                    "shots_from": "train",
                    "seed": 3,
                    "separator": "|",
                    "chat": True,
                    "system": "be short",
                    "generation_prompt": False,
                },
                "y": {"template": "{{ c }}"},
            },
            "spans": {"regex": "\\w+", "within": "{{ a }}"},
            "id": "i",
            "groups": "g",
            "limit": 5,
            "choices": {"options": [" {{ a }}", " {{ b }}"], "labels": ["A", "B"], "right": "{{ c }}"},
        },
        {"source": "e.jsonl", "name": "e", "template": "{{ q }}"},
    ],
    "representation": {"layers": ["embedding"], "pooling": "mean", "dtype": "float16", "truncation": "left"},
    "measures": ["cka", "jaccard(k=5)"],
    "pairs": {"base": "first"},
    "statistics": {"chance": "shuffles", "permutations": 7, "seed": 1, "groups": 3},
}
"""An experiment that says everything."""


def test_the_experiment_that_says_everything_has_every_key() -> None:
    parts = [("models", 0), ("datasets", 0), ("datasets", 0, "formats", "x"), ("representation",), ("statistics",)]
    experiment = Experiment.of(FULL)
    for place in parts:
        given, read = FULL, experiment
        for step in place:
            given = given[step]
            read = read[step] if isinstance(step, int) or isinstance(read, dict) else getattr(read, step)
        # A floor is read as the models that it stands for.
        assert {*fields_of(type(read))} - {"template", "floor"} == {*given} - {"template"}


def test_an_experiment_is_written_as_it_was_read() -> None:
    """In the order in which people write keys, and with what is not a default alone."""
    from likewise.documents import write_yaml

    experiment = Experiment.of(FULL)
    assert experiment.to_yaml() == write_yaml(FULL)
    kept = experiment.model_dump(mode="json")
    assert [*kept["models"][0]] == [*FULL["models"][0]] and [*kept["models"][1]] == [
        key for key in kept["models"][0] if key not in ModelEntry.later
    ]
    first, second = kept["datasets"]
    assert [key for key in first if key not in DatasetEntry.later] == [*second]
    assert [key for key in first if key in FULL["datasets"][0]] == [*FULL["datasets"][0]]
    assert Experiment.of(kept) == Experiment.of(FULL) and hash(experiment.models) == hash(Experiment.of(kept).models)


def test_other_rooms_are_given_their_own_classes_alone() -> None:
    """What travels to workers holds nothing of the experiment's."""
    experiment = Experiment.of(FULL)
    said = FULL["models"][0]
    spec = experiment.models[0].spec
    assert spec == ModelSpec(**{name: said[name] for name in fields_of(ModelSpec)})
    of = experiment.datasets[0].specs["x"]
    given = FULL["datasets"][0]
    records = {name: given[name] for name in fields_of(RecordsSpec)} | {"spans": Spans(**given["spans"])}
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in given["choices"].items()}
    records |= {"choices": Choices(**options)}
    assert of == DatasetSpec(**records, format=Format(**given["formats"]["x"]))
    assert experiment.datasets[1].specs[""] == DatasetSpec(source="e.jsonl", format=Format(template="{{ q }}"))
    held = pickle.dumps([spec, of, experiment.statistics.trust])
    assert b"pydantic" not in held and b"likewise.plan" not in held


def made(of: type, **fields: Any) -> Any:
    return of(**({"source": "e/f"} if of is RecordsSpec else {}), **fields)


@pytest.mark.parametrize(("of", "name", "least"), WHOLE, ids=lambda v: getattr(v, "__name__", str(v)))
@pytest.mark.parametrize("wrong", [-1, 1.0, True, "3", [1]], ids=repr)
def test_a_number_that_cannot_be_is_refused_wherever_it_is_given(of: type, name: str, least: int, wrong: Any) -> None:
    assert getattr(made(of, **{name: least}), name) == least
    wrong = least - 1 if wrong == -1 else wrong
    with pytest.raises(InputError, match=rf"{name}=.*; expected a whole number, {least} or more"):
        made(of, **{name: wrong})
    place = {
        Trust: f"statistics.{name}",
        Format: f"datasets.0.formats.x.{name}",
        RecordsSpec: f"datasets.0.{name}",
    }[of]  # type: ignore[index]
    asked = {"name": "e", "models": ["a", "b"], "datasets": [{"source": "e/f", "formats": {"x": {"template": "t"}}}]}
    part: Any = asked
    for step in place.split(".")[:-1]:
        part = part[int(step)] if step.isdigit() else part.setdefault(step, {})
    part[name] = wrong
    with pytest.raises(InputError, match=rf"^{place}: expected "):
        Experiment.of(asked)


@pytest.mark.parametrize("of", [Trust, Format, RecordsSpec, DatasetSpec, ModelSpec, Spans])
def test_an_unknown_key_is_told_with_those_that_are_known(of: type) -> None:
    place = {Trust: "statistics", Format: "datasets.0.formats.x", ModelSpec: "models.0", Spans: "datasets.0.spans"}
    asked = {
        "name": "e",
        "models": [{"model": "a"}, "b"],
        "datasets": [{"source": "e/f", "formats": {"x": {}}, "spans": {"regex": "a"}}],
        "statistics": {},
    }
    part: Any = asked
    for step in place.get(of, "datasets.0").split("."):
        part = part[int(step)] if step.isdigit() else part[step]
    part["nonsense"] = 1
    with pytest.raises(InputError) as told:
        Experiment.of(asked)
    message = str(told.value)
    assert message.startswith(f"unknown key 'nonsense' in {place.get(of, 'datasets.0')}; ")
    assert all(name in message for name in fields_of(of) if name != "format")


@pytest.mark.parametrize("place", [(), ("models", 0), ("datasets", 0), ("representation",), ("statistics",)], ids=str)
@pytest.mark.parametrize("value", [3, True, ["x"], None], ids=repr)
def test_what_is_no_mapping_is_told_without_the_names_of_classes(place: tuple[Any, ...], value: Any) -> None:
    asked: Any = {"name": "e", "models": ["a", "b"], "datasets": ["commonsense-probes"]}
    of = asked
    for step in place[:-1]:
        of = of[step]
    if place:
        of[place[-1]] = value
    else:
        asked = value
    with pytest.raises(InputError) as told:
        Experiment.of(asked)
    assert str(told.value) == f"{'.'.join(map(str, place)) or 'experiment'}: expected a mapping"


def test_a_field_may_be_nothing_only_where_that_is_its_default() -> None:
    @dataclasses.dataclass
    class Counted:
        must: int = whole(3, least=2)
        may: int | None = whole(None, least=1)

    assert not wrong_numbers(Counted()) and not wrong_numbers(Counted(may=1))
    assert wrong_numbers(Counted(may=0)) == "may=0; expected a whole number, 1 or more"
    assert wrong_numbers(Counted(must=None)) == "must=None; expected a whole number, 2 or more"  # type: ignore[arg-type]
