"""Who tells relatives from strangers? Trains tiny language models, makes relatives, and asks every reference.

Strangers differ in seed, width, tokenizer and text; relatives are copies and descendants of a base. Run it with
``python benchmarks/lineage.py`` (about ten minutes on one core).
"""

import argparse
import copy
import importlib
import inspect
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

import likewise
from likewise.chance.correction import holm
from likewise.inference import matched_correlation, panel_test, rotated_cosine
from likewise.models.variants import apply_variant
from likewise.representation import Representation
from likewise.studies import Lineage, Place

BLOCKS, CONTEXT, BATCH = 6, 32, 16
PLACES = (1, 2)
"""Blocks: a sixth and a third of the depth."""

WIDTHS = (64, 96)
VOCABULARIES = (256, 384, 512)
MEASURES = ("cka", "cka(debiased=true)", "rsa", "procrustes", "jaccard(k=10)", "aligned_cosine(folds=5)",
            "feature_correlation")  # fmt: skip

NAMES = {
    (c.measure, c.parameters_json): asked
    for asked, c in zip(MEASURES, likewise.configurations(list(MEASURES)), strict=True)
}

MODULES = ("argparse", "ast", "asyncio", "base64", "calendar", "collections", "csv", "datetime", "decimal", "difflib",
           "email", "fractions", "functools", "gettext", "gzip", "heapq", "html", "http.client", "inspect", "ipaddress",
           "json", "locale", "logging", "mailbox", "multiprocessing", "optparse", "os", "pathlib", "pdb", "pickle",
           "random", "re", "shutil", "socket", "sqlite3", "statistics", "string", "subprocess", "tarfile", "tempfile",
           "textwrap", "threading", "trace", "turtle", "unittest", "urllib.request", "uuid", "zipfile")  # fmt: skip
"""Of the standard library: their docstrings are one of the texts."""

GRAMMAR = {
    "S": ["NP VP .", "NP VP because NP VP .", "in PLACE , NP VP .", "did NP V NP ?", "NP said that NP VP .",
          "there are NUM NS in PLACE .", "if NP VP , then NP VP ."],
    "NP": ["the N", "a A N", "the A A N", "NAME", "the N near PLACE", "every N", "NUM NS"],
    "VP": ["V NP", "V NP and V NP", "V", "V NP in PLACE", "was A", "will V NP on DAY"],
    "N": ["river", "letter", "captain", "garden", "window", "horse", "teacher", "machine", "song", "doctor", "storm"],
    "NS": ["rivers", "letters", "gardens", "horses", "songs", "doctors", "apples", "ships"],
    "A": ["old", "green", "quiet", "heavy", "broken", "bright", "cold", "famous", "tired", "small"],
    "V": ["found", "painted", "followed", "watched", "carried", "forgot", "opened", "sold", "praised", "lost"],
    "NAME": ["Anna", "Boris", "Clara", "David", "Emma", "Farid", "Grace"],
    "PLACE": ["the valley", "London", "the old harbour", "school", "the market", "winter", "the north"],
    "NUM": ["two", "three", "seven", "12", "40", "100"],
    "DAY": ["Monday", "Friday", "his birthday", "the first day"],
}  # fmt: skip


def sentence(rng: random.Random, symbol: str = "S") -> str:
    parts = rng.choice(GRAMMAR[symbol]).split()
    return " ".join(sentence(rng, part) if part in GRAMMAR else part for part in parts)


def docstrings() -> list[str]:
    """Lines of the docstrings of the standard library."""
    found: dict[str, None] = {}
    for name in MODULES:
        module = importlib.import_module(name)
        for member in vars(module).values():
            if (inspect.isclass(member) or inspect.isfunction(member)) and isinstance(member.__doc__, str):
                found |= dict.fromkeys(line.strip() for line in member.__doc__.splitlines() if len(line.strip()) > 30)
    return list(found)


@dataclass
class Model:
    """A trained model, its tokenizer and what it was trained on."""

    net: Any
    tokenizer: Tokenizer
    grammar: float
    loss: float
    turn: np.ndarray | None = None
    rows: dict[int, np.ndarray] = field(default_factory=dict)


def tokenizer_of(lines: list[str], size: int, seed: int) -> Tokenizer:
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    found.train_from_iterator(random.Random(seed).sample(lines, min(2_000, len(lines))), trainer)
    return found


def text_of(grammar: float, docs: list[str], seed: int, count: int = 6_000) -> list[str]:
    """So many lines, this share of them from the grammar."""
    rng = random.Random(seed)
    return [sentence(rng) if rng.random() < grammar else rng.choice(docs) for _ in range(count)]


def network(width: int, vocabulary: int, seed: int) -> Any:
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=width, intermediate_size=3 * width, num_hidden_layers=BLOCKS,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=256, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=None, pad_token_id=None,
    )  # fmt: skip
    return LlamaForCausalLM(config)


def train(
    net: Any, tokenizer: Tokenizer, lines: list[str], steps: int, seed: int, rate: float = 3e-3, teacher: Any = None
) -> float:
    """Train for some steps, by the text or by what a teacher says of it; return the last loss."""
    ids = torch.tensor([i for line in lines for i in tokenizer.encode(line + "\n").ids])
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=max(steps, 2), pct_start=0.2)
    last = []
    for _ in range(steps):
        start = torch.randint(len(ids) - CONTEXT - 1, (BATCH,), generator=generator)
        batch = torch.stack([ids[s : s + CONTEXT + 1] for s in start])
        logits = net(batch[:, :-1]).logits
        if teacher is None:
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        else:
            with torch.no_grad():
                target = teacher(batch[:, :-1]).logits.softmax(-1)
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten(0, 1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        last.append(loss.item())
    return float(np.mean(last[-20:])) if last else float("nan")


def read(model: Model, prompts: list[str]) -> Model:
    """Keep the rows of the last token at the places."""
    found: dict[int, list[np.ndarray]] = {place: [] for place in PLACES}
    with torch.no_grad():
        for prompt in prompts:
            states = model.net(torch.tensor([model.tokenizer.encode(prompt).ids]), output_hidden_states=True)
            for place in PLACES:
                found[place].append(states.hidden_states[place][0, -1].numpy().astype(np.float64))
    for place in PLACES:
        rows = np.stack(found[place])
        model.rows[place] = rows if model.turn is None else rows @ model.turn
    return model


def relatives_of(base: Model, docs: list[str], steps: int, seed: int) -> dict[str, Model]:
    """Copies and descendants of a base, by kind."""
    width, vocabulary = base.net.config.hidden_size, base.net.config.vocab_size
    own = text_of(base.grammar, docs, seed + 1)
    other = text_of(1 - base.grammar, docs, seed + 2)

    def tuned(lines: list[str], share: float, number: int) -> Any:
        net = copy.deepcopy(base.net)
        train(net, base.tokenizer, lines, int(steps * share), seed + number, rate=1e-3)
        return net

    short, long = tuned(other, 0.25, 3), tuned(other, 1.0, 4)
    merged = copy.deepcopy(base.net)
    with torch.no_grad():
        for mine, theirs in zip(merged.parameters(), long.parameters(), strict=True):
            mine.lerp_(theirs, 0.5)
    rng = np.random.default_rng(seed)
    turned, _ = np.linalg.qr(rng.normal(size=(width, width)))
    shuffled = np.eye(width)[rng.permutation(width)]
    students = {}
    for kind, of in (("distilled", width), ("distilled, other width", WIDTHS[(WIDTHS.index(width) + 1) % len(WIDTHS)])):
        student = network(of, vocabulary, seed + 50 + of)
        train(student, base.tokenizer, own, steps, seed + 5, teacher=base.net)
        students[kind] = student
    damaged = {
        "noise 0.2": "noise(sd=0.2)", "pruned 50 %": "prune(fraction=0.5)", "4 bits": "quantize(bits=4)",
        "3 bits": "quantize(bits=3)",
    }  # fmt: skip
    nets = {"fine-tuned": short, "fine-tuned long": long, "merged": merged}
    nets |= {kind: apply_variant(copy.deepcopy(base.net), variant) for kind, variant in damaged.items()}
    found = {kind: Model(net, base.tokenizer, base.grammar, 0.0) for kind, net in {**nets, **students}.items()}
    for kind, turn in (("rotated", turned), ("permuted", shuffled)):
        found[kind] = Model(base.net, base.tokenizer, base.grammar, 0.0, turn)
        found[f"fine-tuned, {kind}"] = Model(short, base.tokenizer, base.grammar, 0.0, turn)
    return found


def area(relatives: list[float], strangers: list[float]) -> float:
    """Area under the ROC curve: how often a relative is above a stranger, ties counted half."""
    a, b = np.asarray(relatives)[:, None], np.asarray(strangers)[None, :]
    return float(((a > b) + 0.5 * (a == b)).mean())


@dataclass
class Trial:
    """What every reference says of a model and a base."""

    kind: str
    scores: dict[str, float]
    found: dict[str, bool]
    verdict: str


def trial(kind: str, model: Model, base: Model, strangers: list[Model], fresh: list[Model]) -> Trial:
    """Ask every reference about one model; ``strangers`` are without it."""
    scores: dict[str, list[float]] = {}
    rows_p: list[float] = []
    axes_p: list[float] = []
    for place in PLACES:
        x, y = model.rows[place], base.rows[place]
        for row in likewise.compare({"x": x, "y": y}, list(MEASURES), groups=0, permutations=0):
            name = NAMES[row.measure, row.parameters]
            if row.value is not None:
                scores.setdefault(name, []).append(row.value if row.direction == "similarity" else -row.value)
            if name == "cka" and row.pvalue is not None:
                rows_p.append(row.pvalue)
        if x.shape == y.shape:
            (axes,) = likewise.compare({"x": x, "y": y}, "feature_correlation", chance="features", groups=0)
            axes_p.append(1.0 if axes.pvalue is None else axes.pvalue)
        scores.setdefault("matched on other prompts", []).append(matched_correlation(x, y))
        turned = rotated_cosine(x, y)
        scores.setdefault("rotation on other prompts", []).append(turned.calibrated)
        scores.setdefault("z of the rotation", []).append(turned.z or 0.0)
    mean = {name: float(np.mean(values)) for name, values in scores.items()}

    def panel(of: list[Model]) -> bool:
        theirs = [np.mean([rotated_cosine(m.rows[p], base.rows[p]).calibrated for p in PLACES]) for m in of]
        return panel_test(mean["rotation on other prompts"], np.asarray(theirs)).pvalue <= 0.05

    places = [
        Place(
            Representation(model.rows[p], name="model"),
            Representation(base.rows[p], name="base"),
            {f"s{i}": Representation(m.rows[p], name=f"s{i}") for i, m in enumerate(strangers)},
            layer=str(p),
        )
        for p in PLACES
    ]
    verdict = str(Lineage().answer(places).values["verdict"])
    found = {
        "row shuffles (cka)": bool(holm(np.asarray(rows_p)).min() <= 0.05),
        "shared axes": bool(axes_p) and bool(holm(np.asarray(axes_p)).min() <= 0.05),
        "held-out rotations, row chance": min(scores["z of the rotation"]) > 1.645,
        "held-out rotations, panel of random weights": panel(fresh),
        "held-out rotations, panel of trained strangers": panel(strangers),
        "verdict of likewise lineage": verdict == "derived",
    }
    return Trial(kind, mean, found, verdict)


def table(head: list[str], rows: list[list[str]], say: Callable[[str], None]) -> None:
    say(f"| {' | '.join(head)} |")
    say(f"|{'---|' * len(head)}")
    for row in rows:
        say(f"| {' | '.join(row)} |")
    say("")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=22, help="models trained apart; all but the base are strangers")
    parser.add_argument("--bases", type=int, default=2)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--prompts", type=int, default=160)
    asked = parser.parse_args()
    logging.set_verbosity_error()
    torch.set_num_threads(1)
    begun = time.perf_counter()
    docs = docstrings()
    rng = random.Random(7)
    prompts = [sentence(rng) if i % 2 else rng.choice(docs) for i in range(asked.prompts)]
    prompts = [" ".join(p.split()[: rng.randint(3, 12)]) for p in prompts]
    trained = []
    for seed in range(asked.models):
        # Every second has the width of the bases, so that shared axes are asked too.
        width = WIDTHS[0] if seed < asked.bases or seed % 2 else WIDTHS[1]
        size, grammar = VOCABULARIES[seed % len(VOCABULARIES)], (0.2, 0.5, 0.8)[seed // 3 % 3]
        lines = text_of(grammar, docs, 100 + seed)
        words = tokenizer_of(lines, size, seed)
        net = network(width, words.get_vocab_size(), seed)
        loss = train(net, words, lines, asked.steps, seed)
        trained.append(read(Model(net, words, grammar, loss), prompts))
        print(f"trained {seed}: width {width}, {words.get_vocab_size()} tokens, loss {loss:.2f}, "
              f"{time.perf_counter() - begun:.0f} s", flush=True)  # fmt: skip
    trials = []
    for number, base in enumerate(trained[: asked.bases]):
        fresh = [
            read(Model(network(base.net.config.hidden_size, base.net.config.vocab_size, 900 + i), base.tokenizer, 0, 0),
                 prompts)
            for i in range(20)
        ]  # fmt: skip
        strangers = [model for model in trained if model is not base]
        for kind, model in relatives_of(base, docs, asked.steps, 1_000 * (number + 1)).items():
            trials.append(trial(kind, read(model, prompts), base, strangers, fresh))
        for one in strangers:
            trials.append(trial("stranger", one, base, [m for m in strangers if m is not one], fresh))
        for i, one in enumerate(fresh[:10]):
            trials.append(trial("random weights", one, base, strangers, fresh[:i] + fresh[i + 1 :]))
        print(f"base {number}: {time.perf_counter() - begun:.0f} s", flush=True)
    show(trials)
    print(f"\n{asked.models} models, {asked.bases} bases, {time.perf_counter() - begun:.0f} s")


def show(trials: list[Trial]) -> None:
    """Print both tables."""
    kinds = list(dict.fromkeys(t.kind for t in trials))
    strangers = [t for t in trials if t.kind in ("stranger", "random weights")]
    trained = [t for t in trials if t.kind == "stranger"]
    turned = [k for k in kinds if "rotated" in k or "permuted" in k]
    students = [k for k in kinds if "distilled" in k]
    plain = [k for k in kinds if k not in (*turned, *students, "stranger", "random weights")]
    print("\nArea under the ROC curve, against strangers that were trained\n")
    rows = []
    for name in (*MEASURES, "matched on other prompts", "rotation on other prompts"):
        cells = []
        for group in (plain, turned, students):
            mine = [t.scores[name] for t in trials if t.kind in group and name in t.scores]
            theirs = [t.scores[name] for t in trained if name in t.scores]
            cells.append(f"{area(mine, theirs):.3f}" if mine and theirs else "-")
        rows.append([name, *cells])
    table(["score", "copies and fine-tunes", "with other axes", "distilled"], rows, print)
    print("Share called a relative at 5 %\n")
    rows = []
    for name in trials[0].found:
        cells = []
        for kind in ("stranger", "random weights", *plain, *turned, *students):
            of = [t.found[name] for t in trials if t.kind == kind]
            cells.append(f"{sum(of)}/{len(of)}")
        rows.append([name, *cells])
    head = ["reference", "strangers", "random weights", *plain, *turned, *students]
    # Turned, as there are more kinds than references.
    table([head[0], *(row[0] for row in rows)], [[head[i], *(row[i] for row in rows)] for i in range(1, len(head))],
          print)  # fmt: skip
    said = {v: sum(t.verdict == v for t in strangers) for v in ("derived", "independent", "cannot tell")}
    print(f"Verdicts on strangers and random weights: {said}")


if __name__ == "__main__":
    main()
