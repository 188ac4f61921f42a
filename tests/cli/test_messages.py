"""What commands say of a slip: in the words of who typed it, and the same in every one."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import likewise
from likewise.documents import read_yaml
from likewise.errors import InputError
from likewise.plan import Experiment
from likewise.scoring import Results, compare
from likewise.studies import Datasets, Measures

Cli = Callable[..., tuple[int, str, str]]
M = "smollm2-135m-instruct"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("audit", M, f"{M}:quantise(bits=8)"), f"{M}:quantise(bits=8): unknown variant 'quantise'; did you"),
        (("audit", M, f"{M}:prune(fraction=0.5)", "--floor", "bf16"), "floor: expected 'float32', 'bfloat16'"),
        (("audit", M, f"{M}:prune(fraction=0.5)", "--layer", "lst"), "layer: unknown layer 'lst'; did you mean 'last'"),
        (("audit", M, f"{M}:prune(fraction=0.5)", "--pooling", "men"), "pooling: unknown pooling 'men'; did you mean"),
        (("track", f"{M}@a", "@b", "--measure", "ckaa"), "measure: unknown measure or preset 'ckaa'; did you mean"),
        (("track", M, f"b={M}:nois(sd=1)"), f"{M}:nois(sd=1): unknown variant 'nois'"),
        (("swap", f"{M}:nois(sd=1)", M), f"{M}:nois(sd=1): unknown variant 'nois'"),
        (("swap", M, f"b={M}", "--layer", "lst"), "layer: unknown layer 'lst'; did you mean 'last'?"),
        (("ladder", M, f"{M}:nois(sd=1)"), f"{M}:nois(sd=1): unknown variant 'nois'"),
        (("ladder", M, "--score", "93"), "a score of 93; cka(debiased=True) lies between -1 and 1"),
        (("lineage", f"{M}:nois(sd=1)", "--base", M), f"{M}:nois(sd=1): unknown variant 'nois'"),
        (("lineage", M, "--base", M, "--layer", "lst"), "unknown layer 'lst'; did you mean 'last'?"),
        (("extract", M, "--layer", "lst"), "layer: unknown layer 'lst'; did you mean 'last'?"),
    ],
)  # fmt: skip
def test_messages_name_the_argument_and_no_place_in_a_file(words: tuple[str, ...], said: str, cli: Cli) -> None:
    ended, _, err = cli(*words)
    told = " ".join(err.split())
    assert ended == 2 and said in told, told
    for place in ("models.", "representation.", "datasets.", "line 1", "experiment:"):
        assert place not in told


@pytest.mark.parametrize(
    "words",
    [
        ("audit", "no.npy", "b.npy", "--floor", "c.npy"),
        ("audit", "here.npy", "no.npy", "--floor", "here.npy"),
        ("audit", "here.npy", "copy=here.npy", "--floor", "no.npy"),
        ("lineage", "here.npy", "--base", "no.npy"),
        ("lineage", "here.npy", "--base", "here.npy", "--panel", "no.npy"),
        ("lineage", "no.npy", "--base", "other.npy"),
        ("swap", "here.npy", "no.npy"),
        ("swap", "no.npy", M),
        ("swap", "here.npy", "b=here.npy", "--queries", "no.npy", "here.npy"),
        ("track", "here.npy", "no.npy"),
        ("track", "--numbers", "no.npy"),
        ("ladder", "here.npy", "--rung", "noise(sd=0.1)=no.npy"),
        ("ladder", "no.npy"),
        ("compare", "here.npy", "no.npy"),
        ("explain", "here.npy", "no.npy"),
        ("learning-curve", "here.npy", "no.npy"),
        ("import", "x=no.npy", "--dataset", "d", "--store", "s"),
    ],
)
def test_a_file_that_is_not_there_is_said_so_by_every_command(words: tuple[str, ...], cli: Cli) -> None:
    np.save("here.npy", np.random.default_rng(0).normal(size=(20, 3)))
    ended, _, err = cli(*words)
    assert ended == 2 and "there is no file no.npy" in err and len(err.strip().splitlines()) <= 2, err


@pytest.mark.parametrize(
    "words",
    [("audit", "here.npy", M, "--limit", 20), ("track", "here.npy", M), ("ladder", M, "here.npy"),
     ("swap", "here.npy", M), ("lineage", "here.npy", "--base", M)],
)  # fmt: skip
def test_files_and_models_are_not_mixed(words: tuple[str, ...], cli: Cli) -> None:
    np.save("here.npy", np.random.default_rng(0).normal(size=(20, 3)))
    ended, _, err = cli(*words)
    assert ended == 2 and f"here.npy is a file of rows, and {M} is none; expected models alone, or rows alone" in err


LONG = "n" * 300


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("compare", "here.npy", "here.npy", "--measure", "jaccard(k=10**9)"), "('10 ** 9' is no value); write "),
        (("compare", "here.npy", "b=here.npy", "--measure", "./x.py:f"), "--trust ./x.py;"),
        (("import", "p=here.npy", "--dataset", "d", "--store", "s", "--layer", "1..3"), "layer 1..3 can be several"),
        (("import", "p=here.npy", "--dataset", "d", "--store", "s", "--layer=-1"), "layer -1 can be several, or"),
        (("import", "p=here.npy", "--dataset", LONG, "--store", "s"), "has 300 characters; expected at most 200"),
        (("import", f"{LONG}=here.npy", "--dataset", "d", "--store", "s"), "expected at most 200"),
        (("import", "p=here.npy", "--dataset", "d", "--store", "s", "--pooling", "\x1b[31m"), "no experiment can have"),
        (("track", "--checkpoints", "steps", "--numbers", "tiny.csv"), "expected 0, or a size from 1e-250 to 1e250"),
        *((("report", place), "is a file; expected the folder of a store") for place in ("here.npy",)),
        *(((verb, LONG), "is no path: the name is too long") for verb in ("report", "status", "gc")),
        *(((verb, "here.npy", f"{LONG}.npy"), "no file|too long") for verb in ("track", "ladder", "audit", "compare")),
        (("lineage", "here.npy", "--base", f"{LONG}.npy"), "no file|too long"),
    ],
)  # fmt: skip
def test_bad_words_are_one_line_and_end_with_2(words: tuple[str, ...], said: str, cli: Cli) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 3))
    np.save("here.npy", rows)
    Path("steps").mkdir()
    for step in (1, 2):
        np.save(f"steps/step{step}.npy", rows * step)
    Path("tiny.csv").write_text("name,step\nstep1,1e-320\nstep2,2e-320\n", encoding="utf-8")
    ended, _, err = cli(*words)
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert ended == 2 and len(errors) == 1 and re.search(said if "|" in said else re.escape(said), errors[0]), err


def test_a_label_may_be_long(cli: Cli) -> None:
    np.save("here.npy", np.random.default_rng(0).normal(size=(20, 3)))
    for words in (("compare",), ("audit", "--floor", "here.npy"), ("swap",)):
        ended, _, err = cli(*words, f"{LONG}=here.npy", "b=here.npy")
        assert ended == 0, err


def test_rows_for_a_search_may_have_a_name(cli: Cli) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        np.save(f"{name}.npy", rng.normal(size=(20, 3)))
    assert cli("import", "p=a.npy", "q=b.npy", "--dataset", "d", "--store", "s")[0] == 0
    ended, out, err = cli("search", "s", "mine=a.npy")
    assert ended == 0 and "mine" in out, err
    ended, _, err = cli("search", "s", "mine=no.npy")
    assert ended == 2 and "there is no file no.npy" in err


def test_few_shuffles_prove_nothing(cli: Cli) -> None:
    rng = np.random.default_rng(1)
    np.save("a.npy", rng.normal(size=(30, 5)))
    np.save("b.npy", rng.normal(size=(30, 5)))
    said = "".join(
        cli("compare", "a.npy", "b.npy", "--measure", "procrustes", "--permutations", 1, "--seed", seed)[2]
        for seed in range(4)
    )
    assert "clear of chance" not in said


def test_pairs_say_where_they_stand_and_what_was_meant(tmp_path: Path) -> None:
    (tmp_path / "e.yaml").write_text(
        f"models: [{M}, gpt2]\ndatasets: [commonsense-probes]\npairs:\n  base: smollm\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match=f"line 4, .*pairs: there is no model 'smollm'; did you mean \"{M}\""):
        Experiment.read(tmp_path / "e.yaml")
    assert read_yaml(tmp_path / "e.yaml").value["pairs"] == {"base": "smollm"}


def test_lineage_takes_so_many_prompts_only(tiny: Callable[..., Path], cli: Cli, tmp_path: Path) -> None:
    words = ("--data", "commonsense-probes", "--limit", 20, "--store", tmp_path / "kept", "--layer", "0.34")
    ended, _, err = cli("lineage", f"copy={tiny()}:noise(sd=0.01)", "--base", tiny(), *words)
    assert ended == 0, err
    place = likewise.Store(tmp_path / "kept")
    assert {place.describe_representation(key)["n_items"] for key in place.representations()} == {20}
    ended, _, err = cli("lineage", "a.npy", "--base", "b.npy", "--limit", 20)
    assert ended == 2


def test_names_of_a_store_with_one_data_set_need_no_more(tiny: Callable[..., Path], cli: Cli, tmp_path: Path) -> None:
    words = ("--dataset", "commonsense-probes", "--limit", 20, "--store", tmp_path / "kept")
    assert cli("extract", f"{tiny()}", *words)[0] == 0
    name = next(iter(likewise.Store(tmp_path / "kept").experiments().values()))["representations"][0]["name"]
    for command in ("compare", "explain"):
        ended, _, err = cli(command, name, "none", "--store", tmp_path / "kept")
        assert ended == 2 and "no representation 'none'; " in err and "None" not in err


def test_intervals_are_called_low_and_high_everywhere(cli: Cli) -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 30, 3))
    np.save("x.npy", x)
    np.save("y.npy", x + y)
    for words in (("compare", "x.npy", "y.npy", "--measure", "cka"), ("swap", "x.npy", "y.npy")):
        ended, out, _ = cli(*words)
        assert ended == 0 and " low " in out and " high " in out and " from " not in out.partition("stay")[0], out


def test_agreement_over_few_pairs_is_one_line() -> None:
    rng = np.random.default_rng(0)
    rows = dict(zip("ab", rng.normal(size=(2, 20, 4)), strict=True))
    found = compare(rows, ["cka", "rsa", "procrustes"], permutations=0, groups=0)
    answer = Measures().answer(found)
    assert answer is not None and not answer.tables
    assert answer.verdict == "No correlation has a value in any of 3 comparisons: fewer than three pairs in common."
    import pyarrow as pa

    both = [compare(rows, ["cka", "rsa"], permutations=0, groups=0, dataset=name) for name in ("one", "two")]
    of_sets = Datasets().answer(Results(pa.concat_tables([part.table for part in both]), asked=both[0].asked))
    assert of_sets is not None and not of_sets.tables and "fewer than three pairs" in of_sets.verdict
    more = dict(zip("abcde", rng.normal(size=(5, 20, 4)), strict=True))
    answer = Measures().answer(compare(more, ["cka", "rsa", "procrustes"], permutations=0, groups=0))
    assert answer is not None and len(answer.tables["between-measures"].rows) == 3


def test_queries_in_the_wrong_order_are_noticed() -> None:
    rng = np.random.default_rng(0)
    old, turn = rng.normal(size=(300, 8)), np.linalg.qr(rng.normal(size=(8, 8)))[0]
    queries = rng.normal(size=(60, 8))
    right = likewise.swap(old, old @ turn, queries=(queries, queries @ turn))
    wrong = likewise.swap(old, old @ turn, queries=(queries @ turn, queries))
    unrelated = likewise.swap(old, rng.normal(size=(300, 8)), queries=(queries, rng.normal(size=(60, 8))))
    hint = "With the two sets of queries exchanged, 10 of 10 neighbours stay: perhaps the new ones were given first"
    assert [any(hint in limit for limit in answer.limits) for answer in (right, wrong)] == [False, True]
    assert not any("exchanged" in limit for limit in unrelated.limits)


def test_messages_say_from_where_rows_count(cli: Cli) -> None:
    x = np.ones((4, 3))
    x[2, 1] = np.nan
    with pytest.raises(InputError, match=r"row 2, column 1; .*\(rows and columns count from 0\)"):
        likewise.Representation(x)


@pytest.mark.parametrize("command", ["audit", "swap", "track", "lineage", "ladder"])
def test_records_of_any_fields_become_prompts(command: str, cli: Cli, tmp_path: Path) -> None:
    """A template is asked for by name, and what it makes is what the model is given."""
    file = tmp_path / "q.jsonl"
    file.write_text("".join(f'{{"question": "what {i}", "n": {i}}}\n' for i in range(30)))
    second = ["--base", M] if command == "lineage" else [] if command == "ladder" else [f"b={M}:prune(fraction=0.5)"]
    words = [command, M, *second, "--data", str(file)]
    ended, _, err = cli(*words)
    assert ended == 2 and "needs a template" in err
    ended, _, err = cli(*words, "--template", "{{ nothing }}")
    assert ended == 2 and "'nothing' is undefined; its fields are n, question" in " ".join(err.split())
    ended, _, err = cli(command, M, *second, "--template", "{{ question }}")
    assert ended == 2 and "--template is for the records of --data" in " ".join(err.split())


def test_a_block_that_a_model_lacks_is_refused_before_anything_is_run(cli: Cli, tmp_path: Path) -> None:
    for words in (("audit", M, f"{M}:noise(sd=0.1, block=99)"), ("swap", M, f"b={M}:noise(sd=0.1, block=31)")):
        ended, _, err = cli(*words, "--store", str(tmp_path / "s"))
        assert ended == 2 and "the model has 30 blocks; expected one of them" in " ".join(err.split())
    assert not (tmp_path / "s").exists()
