"""Few-shot prompts whose examples are run once, beside each prompt as a whole: SmolLM2-135M-Instruct on HumanEval.

Both ways are likewise's own, float32, on the processor, in one process; they take turns. Timed is what comes after
loading: trying how the prompts may be run, and running them. Tokens a second are those of the prompts, whatever was run
of them; with ``--every`` the time of the whole prompts is that of some, by tokens. Rows must agree to 1e-5 of their
length.
"""

import argparse
from dataclasses import replace
from time import perf_counter
from unittest.mock import patch

import numpy as np

from likewise.extraction import extract, probe, tokens_of, way_of
from likewise.extraction.probe import relative
from likewise.extraction.rows import BATCH_TOKENS
from likewise.extraction.ways import Way
from likewise.models import LoadedModel, ModelSpec, load_model
from likewise.prompts import DatasetSpec, Format, load_prompts
from likewise.prompts.tokens import Tokens

MODEL = "smollm2-135m-instruct"

HEADS = (
    "pooling",
    "prompts",
    "tokens",
    "seconds, whole",
    "of it to try",
    "seconds, once",
    "of it to try",
    "tokens a second, whole",
    "tokens a second, once",
    "times as fast",
    "rows agree to",
)


def dataset(shots: int, limit: int | None) -> DatasetSpec:
    """HumanEval with so many solved examples before each prompt."""
    form = Format(template="{{ prompt }}", answer="{{ canonical_solution }}", shots=shots)
    return DatasetSpec(name="humaneval", source="humaneval", limit=limit, format=form)


def tried(loaded: LoadedModel, tokens: Tokens, pooling: str) -> tuple[Way, float]:
    """How the prompts may be run, and the seconds that it took to find out."""
    start = perf_counter()
    way = way_of(loaded, tokens, ["last"], pooling, batch_tokens=BATCH_TOKENS["cpu"])
    return way, perf_counter() - start


def timed(loaded: LoadedModel, tokens: Tokens, pooling: str, way: Way) -> tuple[float, np.ndarray]:
    """Seconds and rows of one way."""
    start = perf_counter()
    rows = extract(loaded, tokens, ["last"], pooling, way=way)["last"]
    return perf_counter() - start, np.array(rows)


def main() -> None:
    """Time both ways and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--limit", type=int, default=None, help="so many prompts; by default all 164")
    parser.add_argument("--every", type=int, default=1, help="run each prompt, or each so many-th, as a whole")
    parser.add_argument("--pooling", nargs="+", default=["last_token", "mean"])
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    loaded = load_model(ModelSpec(model=MODEL), device="cpu", dtype="float32")
    written = load_prompts(dataset(given.shots, given.limit))
    print(f"| {' | '.join(HEADS)} |\n{'|---' * len(HEADS)}|", flush=True)
    for pooling in given.pooling:
        tokens = tokens_of(loaded, written, pooling)
        with patch.object(probe, "_once", side_effect=lambda tried, way, *_: way):
            plain, trying_whole = tried(loaded, tokens, pooling)
        way, trying = tried(loaded, tokens, pooling)
        assert way == replace(plain, shared=True, packed=True), way
        some = slice(None, None, given.every)
        of_some = replace(tokens, ids=tokens.ids[some], prompts=tokens.prompts[some], names=tokens.names[some])
        once, whole = [], []
        for _ in range(given.rounds):
            once.append(timed(loaded, tokens, pooling, way))
            whole.append(timed(loaded, of_some, pooling, plain))
        drift = relative(once[0][1][some], whole[0][1])
        assert drift < 1e-5, drift
        of_once = trying + min(seconds for seconds, _ in once)
        count = sum(tokens.lengths)
        of_whole = trying_whole + min(seconds for seconds, _ in whole) * count / sum(of_some.lengths)
        cells = (
            pooling,
            f"{len(tokens.prompts)}",
            f"{count:,}",
            f"{of_whole:.1f}",
            f"{trying_whole:.1f}",
            f"{of_once:.1f}",
            f"{trying:.1f}",
            f"{count / of_whole:.0f}",
            f"{count / of_once:.0f}",
            f"{of_whole / of_once:.2f}",
            f"{drift:.1e}",
        )
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
