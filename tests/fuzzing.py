"""Damaged, odd and hostile inputs of every format, put through the command line in a process with limits.

``python tests/fuzzing.py 100000`` tries so many, and prints each that gave a traceback, hung, or took too much memory.
Input i is the same in every run, and the formats take turns, so the number of one that failed is enough to try it
again: ``python tests/fuzzing.py --only 1234``.
"""

# ruff: noqa: E501, T201  # tables of odd values; a program that prints

import contextlib
import copy
import gc
import gzip
import io
import json
import os
import random
import re
import resource
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SECONDS = 10
"""No input may take longer, of a processor's time: other work on the machine does not count."""

SILENT = 60
"""Seconds by the clock after which a process that says nothing counts as hanging."""

MEMORY = 2 << 30
"""Bytes that an input may take beside what the process holds before."""

QUICK = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where folders are made and removed: on a disk each takes milliseconds, three thousand times."""

ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**40, -(10**40), 0.5, -0.0, 1e308, 1e-320, float("inf"), float("nan"), "",
    " ", "a", "x" * 300, "x" * 70_000, "null", "~", "true", "1e999", "../../x", "/etc/passwd", "-", "--help", "a\nb", "a\tb",
    "\x00", "\x1b[31m", "\u202e", "\ud800", "\ufeff", "é", "日本", "{{ x }}", "{{ 9**9**9 }}", "{% for i in range(10**9) %}", "a:b",
    "os:system", "cka", "cka(", "cka(k=1)", "jaccard(k=0)", "jaccard(k=1e999)", "noise(sd=-1)", "imported:", "imported:x", "[", [],
    {}, [[]], {"": ""}, {"a": {"b": []}}, [None], [1, "a"], ["a", "a"], {"model": None}, {"model": {"model": "x"}}, list(range(300)),
]  # fmt: skip
"""Values that stand where others are expected."""


def deep(levels: int) -> Any:
    """Return a list in a list in a list."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value within a tree, the tree itself first."""
    yield at
    if len(at) > 200:  # deep enough to change something in
        return
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*at, key))


def changed(value: Any, chance: random.Random) -> Any:
    """Return a tree with one to three of its parts replaced, removed, doubled or renamed."""
    value = copy.deepcopy(value)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at = chance.choice(list(places(value)))
        if not at:
            if chance.random() < 0.05:
                value = copy.deepcopy(chance.choice(ODD))
            continue
        holder = value
        for key in at[:-1]:
            holder = holder[key]
        how = chance.randrange(6)
        if how == 0:
            del holder[at[-1]]
        elif how == 1 and isinstance(holder, dict):
            holder[str(chance.choice(ODD))[:99]] = holder.pop(at[-1])
        elif how == 2 and isinstance(holder, list):
            with contextlib.suppress(RecursionError):  # deeper than Python copies
                holder.append(copy.deepcopy(holder[at[-1]]))
        elif how == 3 and chance.random() < 0.2:
            holder[at[-1]] = deep(chance.choice((20, 200, 900)))
        else:
            holder[at[-1]] = copy.deepcopy(chance.choice(ODD))
    return value


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """Return bytes with some flipped, cut, put in, doubled, or taken from elsewhere."""
    data = bytearray(raw)
    how = chance.randrange(7)
    at = chance.randrange(len(data)) if data else 0
    if how == 0:
        return bytes(data[:at])
    if how == 1:
        return bytes(data[:at] + data[chance.randrange(at, len(data) + 1) :])
    if how == 2:
        return bytes(data[:at] + chance.randbytes(chance.choice((1, 4, 100))) + data[at:])
    if how == 3:
        return bytes(data[:at] + data[at : at + 50] * chance.choice((1, 2, 100)) + data[at:])
    if how == 4 and len(data) >= 8:  # a number within: sizes, offsets, counts
        at = chance.randrange(len(data) - 7)
        data[at : at + 8] = chance.choice((0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1)).to_bytes(8, "little")
        return bytes(data)
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        if data:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def as_yaml(value: Any, chance: random.Random) -> bytes:
    """Write a tree as YAML, and now and then add what only YAML has."""
    import yaml

    try:
        text = str(yaml.dump(value, sort_keys=False, allow_unicode=chance.random() < 0.5))
    except RecursionError:  # deeper than PyYAML writes; its text is plain enough
        text = as_json(value, chance).decode("utf-8", "surrogatepass")
    if chance.random() < 0.25:
        odd = (
            "measures: [rsa]\n", "&a [*a]\n", "x: &x [1,2]\ny: *x\n", "!!python/object/apply:os.system ['true']\n", "null: 1\n",
            "? [a]\n: 1\n", "<<: {name: x}\n", "%YAML 9.9\n---\n", "---\nb: 1\n", "statistics: {null: none}\n", "\t\n", "name: 2020-01-01\n",
            "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d]\n",
            "name: !!binary aGVsbG8=\n", "name: 0x1F\n", "name: 1_000\n", "name: 12:30:45\n", "seed: .inf\n", "{" * 400, "[" * 3000, "- " * 2000,
        )  # fmt: skip
        line = chance.choice(odd)
        text = line + text if chance.random() < 0.3 else text + line
    return text.encode("utf-8", "surrogatepass")


def as_json(value: Any, chance: random.Random) -> bytes:
    """Write a tree as JSON, as Python does: also with NaN."""
    plain = chance.random() < 0.5
    try:
        text = json.dumps(value, ensure_ascii=plain)
    except RecursionError:  # deeper than Python writes
        text = "[" * 100_000
    if chance.random() < 0.05:
        text = chance.choice(
            ("[" * 100_000, '{"a":' * 20_000, "1" * 5000, "\ufeff" + text, text + text, '{"a": 1, "a": 2}')
        )
    return text.encode("utf-8", "surrogatepass")


class Formats:
    """A valid input of each format, made once, and how a changed one is given to which command."""

    def __init__(self, folder: Path) -> None:
        """Make the valid inputs in a folder."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq
        from safetensors.numpy import save_file

        self.folder = folder
        rng = np.random.default_rng(0)
        matrix = rng.normal(size=(12, 4)).astype(np.float32)
        np.save(folder / "ok.npy", matrix)
        np.savez(folder / "ok.npz", matrix=matrix, ids=np.arange(12).astype(str))
        save_file({"matrix": matrix}, folder / "ok.safetensors")
        table = pa.table({"id": [str(i) for i in range(12)], "x": matrix[:, 0], "y": matrix[:, 1]})
        pq.write_table(table, folder / "ok.parquet")
        lists = pa.table({"id": [str(i) for i in range(12)], "v": matrix.tolist(), "text": ["a"] * 12})
        pq.write_table(lists, folder / "lists.parquet")
        (folder / "arrow").mkdir()
        arrow = folder / "arrow" / "data-00000-of-00001.arrow"
        with pa.OSFile(str(arrow), "wb") as sink, pa.ipc.new_stream(sink, lists.schema) as writer:
            writer.write_table(lists)
        self.records = [{"id": f"q{i}", "question": f"What is {i}?", "answer": str(i), "topic": "a"} for i in range(6)]
        pq.write_table(pa.Table.from_pylist(self.records), folder / "q.parquet")
        (folder / "q.jsonl").write_text("\n".join(map(json.dumps, self.records)))
        self.experiment = {
            "name": "e",
            "models": [
                "gpt2",
                {"model": "distilgpt2", "name": "d", "layers": [1, "last", 0.5], "datasets": ["q"]},
                {"model": "gpt2", "variant": "noise(sd=0.1)", "revision": "main"},
            ],
            "datasets": [
                {"source": "commonsense-probes", "limit": 4},
                {"source": str(folder / "q.jsonl"), "name": "q", "template": "Q: {{ question }}", "id": "id"},
                {
                    "source": str(folder / "q.jsonl"), "name": "f", "spans": {"regex": "\\w+"},
                    "formats": {"bare": "{{ question }}", "shown": {"template": "{{ question }}", "answer": " {{ answer }}", "shots": 2}},
                },
            ],
            "representation": {"layers": ["last", "2..4"], "pooling": "mean", "dtype": "float32", "truncation": "error"},
            "measures": ["cka", "jaccard(k=5)", {"rsa": {"inner": "cosine"}}],
            "statistics": {"permutations": 5, "groups": 4, "seed": 0},
        }  # fmt: skip
        self._store()

    def _store(self) -> None:
        """Make a small store with results."""
        import numpy as np

        from likewise.run import import_representation, run
        from likewise.store import Store

        rng = np.random.default_rng(1)
        base = rng.normal(size=(12, 4))
        store = Store(self.folder / "store")
        for name in "abc":
            np.save(self.folder / "one.npy", base + rng.normal(size=base.shape))
            import_representation(self.folder / "one.npy", store, name=name, dataset="d")
        run(
            {
                "name": "e", "models": [f"imported:{n}" for n in "abc"], "datasets": ["imported:d"],
                "measures": ["cka", "jaccard(k=3)"], "statistics": {"permutations": 5, "groups": 4},
            },
            self.folder / "store",
            executor="serial",
        )  # fmt: skip
        self.stored = sorted(
            p.relative_to(self.folder / "store") for p in (self.folder / "store").rglob("*") if p.is_file()
        )

    def of(self, kind: str) -> Callable[[random.Random, Path], list[str]]:
        """Return what writes an input of a kind into a folder and gives the words of a command."""
        found: Callable[[random.Random, Path], list[str]] = getattr(self, f"_{kind}")
        return found

    def _experiment(self, chance: random.Random, into: Path) -> list[str]:
        (into / "e.yaml").write_bytes(as_yaml(changed(self.experiment, chance), chance))
        return ["plan", "e.yaml", "--store", "s"]

    def _experiment_bytes(self, chance: random.Random, into: Path) -> list[str]:
        import yaml

        raw = yaml.safe_dump(self.experiment, sort_keys=False).encode()
        (into / "e.yaml").write_bytes(damaged(raw, chance))
        return ["plan", "e.yaml", "--store", "s"]

    def _prompts(self, chance: random.Random, into: Path) -> list[str]:
        """Records in every format that data sets have."""
        import yaml

        records = changed(self.records, chance)
        kind = chance.choice(("jsonl", "json", "csv", "tsv", "CSV", "jsonl.gz", "csv.gz"))
        rows = records if isinstance(records, list) else [records]
        if "json" in kind:
            raw = as_json(records, chance) if kind == "json" else b"\n".join(as_json(r, chance) for r in rows)
        else:
            sign = "\t" if kind == "tsv" else ","
            cells = [r.values() if isinstance(r, dict) else [r] for r in rows]
            lines = [sign.join(str(c)[:200] for c in row) for row in cells]
            raw = "\n".join([sign.join(self.records[0]), *lines]).encode("utf-8", "surrogatepass")
        if chance.random() < 0.3:
            raw = damaged(raw, chance)
        if kind.endswith("gz"):
            raw = gzip.compress(raw, mtime=0)
            raw = damaged(raw, chance) if chance.random() < 0.3 else raw
        (into / f"p.{kind}").write_bytes(raw)
        dataset = {"source": f"p.{kind}", "template": "{{ question }}", "id": chance.choice(("id", "topic", "none"))}
        (into / "e.yaml").write_text(
            yaml.safe_dump({"models": ["a/b", "c/d"], "datasets": [dataset], "measures": ["cka"]})
        )
        return ["plan", "e.yaml", "--store", "s"]

    def _prompts_parquet(self, chance: random.Random, into: Path) -> list[str]:
        (into / "p.parquet").write_bytes(damaged((self.folder / "q.parquet").read_bytes(), chance))
        text = "{models: [a/b, c/d], datasets: [{source: p.parquet, template: '{{ question }}'}], measures: [cka]}"
        (into / "e.yaml").write_text(text)
        return ["plan", "e.yaml", "--store", "s"]

    def _matrix(self, chance: random.Random, into: Path) -> list[str]:
        name = chance.choice(("ok.npy", "ok.npz", "ok.safetensors", "ok.parquet", "lists.parquet"))
        (into / f"bad{Path(name).suffix}").write_bytes(damaged((self.folder / name).read_bytes(), chance))
        pair = [str(self.folder / "ok.npy"), f"bad{Path(name).suffix}"]
        return ["compare", *pair, "--measure", "cka", "--permutations", "3", "--groups", "0"]

    def _header(self, chance: random.Random, into: Path) -> list[str]:
        """Headers that say something else than what follows."""
        import numpy as np

        raw = np.zeros((12, 4)).tobytes()
        if chance.random() < 0.5:
            head = {"matrix": {"dtype": "F64", "shape": [12, 4], "data_offsets": [0, len(raw)]}}
            text = as_json(changed(head, chance), chance)
            size = len(text) if chance.random() < 0.8 else chance.choice((0, 1, 2**31, 2**62, 2**64 - 1))
            (into / "bad.safetensors").write_bytes(size.to_bytes(8, "little") + text + raw)
            name = "bad.safetensors"
        else:
            head = changed({"descr": "<f8", "fortran_order": False, "shape": [12, 4]}, chance)
            try:
                said = repr(head)
            except RecursionError:  # deeper than Python writes
                said = "(" * 60_000
            text = said.replace("[", "(").replace("]", ")").encode("latin1", "replace")[:60_000] + b"\n"
            (into / "bad.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + raw)
            name = "bad.npy"
        return [
            "compare",
            str(self.folder / "ok.npy"),
            name,
            "--measure",
            "cka",
            "--permutations",
            "3",
            "--groups",
            "0",
        ]

    def _arrow(self, chance: random.Random, into: Path) -> list[str]:
        (into / "a").mkdir()
        file = self.folder / "arrow" / "data-00000-of-00001.arrow"
        (into / "a" / file.name).write_bytes(damaged(file.read_bytes(), chance))
        if chance.random() < 0.3:
            told = {"_data_files": [{"filename": file.name}], "_indices_data_files": None}
            (into / "a" / "state.json").write_bytes(as_json(changed(told, chance), chance))
        return ["import", "a", "--dataset", "d", "--store", "s"]

    def _stored(self, chance: random.Random, into: Path) -> list[str]:
        """A store with one file changed."""
        shutil.copytree(self.folder / "store", into / "s")
        file = into / "s" / chance.choice(self.stored)
        raw = file.read_bytes()
        if file.suffix == ".json" and chance.random() < 0.7:
            file.write_bytes(as_json(changed(json.loads(raw), chance), chance))
        else:
            file.write_bytes(damaged(raw, chance))
        return chance.choice(
            (
                ["show", "e", "--store", "s"],
                ["compare", "a", "b", "--store", "s", "--dataset", "d", "--measure", "cka", "--groups", "0", "--permutations", "3"],
                ["explain", "a", "b", "--store", "s", "--dataset", "d"],
                ["best-layers", "a", "b", "--store", "s", "--dataset", "d", "--measure", "cka"],
                ["plan", "s/imported.yaml", "--store", "s"],
            )
        )  # fmt: skip

    def _model(self, chance: random.Random, into: Path) -> list[str]:
        """A folder of a model, of which a plan reads the configs."""
        (into / "m").mkdir()
        config = {
            "model_type": "llama",
            "hidden_size": 8,
            "num_hidden_layers": 2,
            "architectures": ["LlamaForCausalLM"],
            "vocab_size": 9,
        }
        adapter = {"base_model_name_or_path": "gpt2", "peft_type": "LORA", "r": 4, "target_modules": ["q_proj"]}
        names = {
            "config.json": config,
            "adapter_config.json": adapter,
            "modules.json": [
                {"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
                {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
                {"idx": 2, "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
            ],
            "1_Pooling/config.json": {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True},
            "sentence_bert_config.json": {"max_seq_length": 8, "do_lower_case": False},
            "config_sentence_transformers.json": {"prompts": {"query": "q: "}, "default_prompt_name": "query"},
        }
        (into / "m" / "1_Pooling").mkdir()
        said = chance.random() < 0.5
        for name, value in names.items():
            if name == "config.json" or (said and not name.startswith("adapter")) or chance.random() < 0.3:
                # Most stay as they are, so that those that are read after them are read.
                raw = as_json(changed(value, chance) if chance.random() < 0.5 else value, chance)
                (into / "m" / name).write_bytes(damaged(raw, chance) if chance.random() < 0.2 else raw)
        (into / "m" / "model.safetensors").write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
        (into / "e.yaml").write_text(
            "{models: [m, gpt2], datasets: [{source: commonsense-probes, limit: 3}], measures: [cka]}"
        )
        return ["plan", "e.yaml", "--store", "s"]

    def _words(self, chance: random.Random, into: Path) -> list[str]:
        """Odd words on the command line."""
        good = (
            ["compare", str(self.folder / "ok.npy"), str(self.folder / "ok.npz"), "--measure", "cka", "--groups", "0"],
            ["show", "e", "--store", str(self.folder / "store")], ["measures"],
            ["import", str(self.folder / "ok.npy"), "--dataset", "d", "--store", "s", "--layer", "last"],
            ["explain", "a", "b", "--dataset", "d", "--store", str(self.folder / "store"), "--measure", "cka", "--count", "2"],
            ["learning-curve", "a", "b", "--dataset", "d", "--store", str(self.folder / "store"), "--measure", "cka", "--draws", "2"],
            ["plan", "e.yaml"], ["report", "nowhere"],
        )  # fmt: skip
        words = list(chance.choice(good))
        at = chance.randrange(1, len(words) + 1)
        odd = [t for t in ODD if isinstance(t, str | int | float) and "\x00" not in str(t)]
        words[at : at + 1] = [str(chance.choice(odd)).encode("utf-8", "replace").decode()]
        return words


KINDS = (
    "experiment", "experiment_bytes", "prompts", "prompts_parquet", "matrix", "header", "arrow", "stored", "model", "words",
)  # fmt: skip


def faults(code: Any, out: str, err: str, seconds: float, grown: int) -> str:
    """Say what is wrong with how a command ended; nothing where it ended well."""
    said = out + err
    if "Traceback (most recent call last)" in said:
        return "a traceback"
    if code not in (0, 1, 2):
        return f"exit code {code}"
    if code and not err.strip():
        return f"exit code {code} without a word"
    if re.search(r"a fault of likewise", err):
        return "a fault of likewise"
    if code and len(err.strip().splitlines()) > 12:
        return f"{len(err.strip().splitlines())} lines of error"
    if controls := re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", said):
        return f"control characters {sorted(set(controls))!r}"
    if seconds > SECONDS:
        return f"{seconds:.0f} seconds"
    return f"{grown >> 20} MiB" if grown > MEMORY else ""


def command(words: list[str]) -> tuple[Any, str, str]:
    """Run a command line in this process; return exit code, output and errors."""
    from likewise.cli import console
    from likewise.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["likewise", *words]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        kept = console.out.file, console.messages.file
        console.out.file, console.messages.file = out, err
        try:
            main()
            code: Any = 0
        except SystemExit as stopped:
            code = stopped.code if isinstance(stopped.code, int) else 0 if stopped.code is None else 1
        except BaseException as error:
            code = f"{type(error).__name__}: {str(error)[:200]}"
        finally:
            console.out.file, console.messages.file = kept
    return code, out.getvalue(), err.getvalue()


def work(start: int, stop: int) -> None:
    """Try inputs, and print a line of JSON before and after each."""
    here = Path.cwd()
    formats = Formats(here)
    gc.collect()
    gc.freeze()  # objects of libraries, which are not gone through again and again
    gc.set_threshold(50_000, 20, 20)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, held + MEMORY))
    for i in range(start, stop):
        print(json.dumps({"begins": i}), flush=True)
        kind = KINDS[i % len(KINDS)]
        with tempfile.TemporaryDirectory(dir=here) as folder:
            words = formats.of(kind)(random.Random(i), Path(folder))
            os.chdir(folder)
            before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
            code, out, err = command(words)
            seconds = time.process_time() - begun
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
            os.chdir(here)
        wrong = faults(code, out, err, seconds, grown)
        told = f"{i} ({kind}): {wrong} (exit code {code}) {err.strip()[-300:]}" if wrong else ""
        print(json.dumps({"ends": i, "wrong": told}), flush=True)


def attempt(start: int, stop: int) -> tuple[int, list[str]]:
    """Try inputs in a process of their own; return how many, and what was wrong with which.

    A process that dies, or is silent for too long, is replaced by one that goes on after that input.
    """
    wrong: list[str] = []
    tried = 0
    while start < stop:
        with tempfile.TemporaryDirectory(dir=QUICK) as folder:
            tests = str(Path(__file__).parent)
            script = f"import sys; sys.path.insert(0, {tests!r}); import fuzzing; fuzzing.work({start}, {stop})"
            environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "LIKEWISE_CACHE": folder}
            child = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-c", script],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            assert child.stdout is not None
            at: int | None = None
            with selectors.DefaultSelector() as ready:
                ready.register(child.stdout, selectors.EVENT_READ)
                while ready.select(timeout=SILENT if at is not None else 5 * SILENT):
                    line = child.stdout.readline()
                    if not line:
                        break
                    told = json.loads(line)
                    if "begins" in told:
                        at = told["begins"]
                        continue
                    tried += 1
                    wrong += [told["wrong"]] if told["wrong"] else []
                    start, at = told["ends"] + 1, None
            silent = child.poll() is None
            child.kill()
            code = child.wait()
            child.stdout.close()
        if start >= stop:
            break
        if at is None:
            raise RuntimeError(f"the process ended before input {start}, with {code}")
        tried += 1
        kind = KINDS[at % len(KINDS)]
        wrong.append(f"{at} ({kind}): {'silent for too long' if silent else f'the process died with {code}'}")
        start = at + 1
    return tried, wrong


def main(words: list[str]) -> int:
    """Try as many inputs as are asked for, or those from one number to another, or one."""
    if words[:1] == ["--only"]:
        start, stop = int(words[1]), int(words[1]) + 1
    else:
        start, stop = (0, int(words[0])) if len(words) == 1 else (int(words[0]), int(words[1]))
    tried, wrong = 0, []
    for begin in range(start, stop, 1000):
        more, found = attempt(begin, min(stop, begin + 1000))
        tried += more
        wrong += found
        print(*found, f"{tried:,} inputs, {len(wrong)} wrong", sep="\n", flush=True)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
