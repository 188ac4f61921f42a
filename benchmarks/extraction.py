"""Extraction beside the loop that people write: SmolLM2-135M-Instruct on HumanEval, float32, on the processor.

The usual loop runs the causal language model with its head, ``output_hidden_states=True``, on batches of four prompts
in the order in which they come. Each way runs in a process of its own, so that peaks of memory are its own; the ways
take turns. Rows must agree to 1e-4 of their length. Timed is what comes after loading.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from likewise.extraction import extract, tokens_of
from likewise.models import ModelSpec, load_model, resolve_layers
from likewise.prompts import DatasetSpec, load_prompts
from likewise.store import Parts

MODEL = "smollm2-135m-instruct"
DATASET = DatasetSpec(name="humaneval", source="humaneval")


def usual() -> tuple[float, np.ndarray]:
    """Seconds and rows of the usual loop."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from likewise.models.gguf import converted
    from likewise.models.spec import locate

    place = locate(MODEL)
    assert place is not None
    folder = converted(place)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    texts, rows = list(load_prompts(DATASET).texts), []
    start = perf_counter()
    with torch.no_grad():
        for first in range(0, len(texts), 4):
            batch = tokenizer(texts[first : first + 4], return_tensors="pt", padding=True, padding_side="right")
            states = model(**batch, output_hidden_states=True).hidden_states[-1]
            last = batch["attention_mask"].sum(1) - 1
            rows.append(states[torch.arange(len(last)), last].numpy())
    return perf_counter() - start, np.concatenate(rows)


def ours(layers: str) -> tuple[float, np.ndarray]:
    """Seconds and rows of the last layer, all layers streamed to disk."""
    loaded = load_model(ModelSpec(model=MODEL), device="cpu", dtype="float32")
    prompts = load_prompts(DATASET)
    names = resolve_layers([layers], loaded.model.config.num_hidden_layers)
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        rows = extract(loaded, prompts, names, "last_token", into=Parts(Path(folder)).layer)
        return perf_counter() - start, np.array(rows["last"])


WAYS = {"usual loop": usual, "likewise, last": lambda: ours("last"), "likewise, all": lambda: ours("all")}


def measure(way: str, output: Path) -> None:
    """Run one way in this process, save its rows, print what it took."""
    seconds, rows = WAYS[way]()
    np.save(output, rows)
    print(json.dumps({"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


def work() -> tuple[int, float]:
    """Tokens of all prompts, and the operations of the products of weights and states that they need at least."""
    loaded = load_model(ModelSpec(model=MODEL), device="cpu", dtype="float32")
    tokens = sum(tokens_of(loaded, load_prompts(DATASET), "last_token").lengths)
    weights = sum(p.numel() for name, p in loaded.model.named_parameters() if p.ndim == 2 and "embed" not in name)
    return tokens, 2.0 * weights * tokens


def peak(size: int = 2048, times: int = 8) -> float:
    """Operations a second of a product of large float32 matrices on all cores."""
    import torch

    a, b = torch.randn(size, size), torch.randn(size, size)
    found = []
    for _ in range(times):
        start = perf_counter()
        a @ b
        found.append(perf_counter() - start)
    return 2.0 * size**3 / min(found)


def main() -> None:
    """Measure every way in turn, compare the rows, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure, given.output)
        return
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(given.rounds):
            for place, way in enumerate(WAYS):
                output = Path(folder) / f"{place}.npy"
                command = [sys.executable, __file__, "--measure", way, "--output", str(output)]
                said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
                found[way].append(json.loads(said.splitlines()[-1]))
                print(f"round {number + 1}, {way}: {found[way][-1]['seconds']:.1f} s", file=sys.stderr, flush=True)
        reference, *others = (np.load(Path(folder) / f"{place}.npy") for place in range(len(WAYS)))
    drift = max(
        float((np.linalg.norm(o - reference, axis=1) / np.linalg.norm(reference, axis=1)).max()) for o in others
    )
    assert drift < 1e-4, drift
    tokens, operations = work()
    most = peak()
    least = {way: min(run["seconds"] for run in runs) for way, runs in found.items()}
    print(f"\n{tokens:,} tokens; a product of matrices makes {most / 1e9:.0f} GFLOP/s; rows agree to {drift:.1e}\n")
    heads = ("", "seconds, least", "of each round", "tokens a second", "usual / this", "GiB at most", "of that product")
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for way, runs in found.items():
        seconds, memory = least[way], max(run["peak"] for run in runs) / 2**30
        cells = (
            way,
            f"{seconds:.1f}",
            ", ".join(f"{run['seconds']:.1f}" for run in runs),
            f"{tokens / seconds:.0f}",
            f"{least['usual loop'] / seconds:.2f}",
            f"{memory:.2f}",
            f"{operations / seconds / most:.0%}",
        )
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
