"""Measures of one's own: loaded where the caller says so, from one file, and never because data name them."""

import pickle
import sys
from pathlib import Path

import pytest

from likewise.errors import InputError
from likewise.measures import (
    REGISTRY,
    Configuration,
    configurations,
    get,
    load_measures,
    load_measures_of,
    load_sources,
    record,
    sources_of,
)

OWN = """
from likewise.measures import Facts, measure
@measure(
    title="Nothing in common",
    facts=lambda: Facts(
        direction="similarity", bounds=(0.0, 1.0), identity=1.0, invariances=frozenset(), regime="none", cost="none"
    ),
    references=(),
)
def nothing(x, y):
    return 0.5


def undecorated(x, y):
    return 0.5
"""


@pytest.fixture
def file(tmp_path: Path):
    path = tmp_path / "own_module.py"
    path.write_text(OWN)
    yield path
    for name in [name for name in REGISTRY if ":" in name]:
        del REGISTRY[name]
    from likewise.measures import own

    for module in own._files:
        sys.modules.pop(module, None)
    own._files.clear()


def test_measure_of_a_file_is_found_by_module_and_function(file, related):
    path = list(sys.path)
    assert load_measures(file) == load_measures(str(file)) == "own_module"
    c = Configuration.parse("own_module:nothing")
    assert c(*related(8, 2, 3)) == 0.5
    assert configurations([c.label]) == (c,)
    assert pickle.loads(pickle.dumps(c)) == c
    assert sys.path == path


@pytest.mark.parametrize("name", ["own_module:nothing", "this:s", "math:sin", "os.path:join", "no_such_module:f"])
@pytest.mark.parametrize("find", [record, get, configurations, Configuration.parse])
def test_name_alone_imports_nothing(file, monkeypatch, name, find):
    monkeypatch.chdir(file.parent)
    monkeypatch.syspath_prepend(file.parent)
    before = set(sys.modules)
    with pytest.raises(InputError, match=f"the code of the measure {name} is not loaded; .* --trust "):
        find(name)
    assert set(sys.modules) == before


def test_another_process_loads_the_same_file(file):
    load_measures(file)
    sources = sources_of(configurations(["cka", "own_module:nothing"]))
    assert sources == (("own_module", str(file)),)
    from likewise.measures import own

    del REGISTRY["own_module:nothing"], sys.modules["own_module"]
    own._files.clear()
    load_sources(sources)
    assert "own_module:nothing" in REGISTRY


def test_compiled_copy_beside_is_not_run(file, tmp_path):
    import py_compile

    text = file.read_text()
    file.write_text("raise RuntimeError('compiled')")
    compiled = Path(py_compile.compile(str(file), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH))
    assert compiled.exists()
    file.write_text(text)
    load_measures(file)


@pytest.mark.parametrize("name", ["json", "sys", "numpy", "likewise", "this"])
def test_file_does_not_take_the_name_of_another_module(file, name):
    taken = file.rename(file.with_name(f"{name}.py"))
    with pytest.raises(InputError, match="has the name of another module"):
        load_measures(taken)


def test_trouble_inside_is_said_and_leaves_nothing(file):
    file.write_text(OWN + "\nimport not_installed_anywhere\n")
    with pytest.raises(InputError, match="ModuleNotFoundError: .* must be installed, or stand in that file"):
        load_measures(file)
    assert "own_module" not in sys.modules and "own_module:nothing" not in REGISTRY


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("no_such_module:f", "there is no no_such_module.py beside .*--trust FILE.py, or --trust no_such_module"),
        ("own_module:nothin", r'"own_module:nothing"\?'),
    ],
)
def test_trusted_experiment_needs_the_file_beside_it(file, call, message):
    with pytest.raises(InputError, match=message):
        load_measures_of(file.with_name("e.yaml"), ["cka", call])


LISTS = """
from likewise.measures import Facts, measure
@measure(
    title="With a list",
    facts=lambda of: Facts(
        direction="similarity", bounds=(0.0, 1.0), identity=1.0, invariances=frozenset(), regime="none", cost="none"
    ),
    references=(),
)
def listed(x, y, *, of=[1, 2]):
    return 0.5
"""


def test_a_parameter_may_be_a_list(file, related):
    file.write_text(LISTS)
    load_measures(file)
    assert Configuration.parse("own_module:listed")(*related(8, 2, 3)) == 0.5
