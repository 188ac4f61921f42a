"""The check passes where rows are right, and is not fooled where a model mixes up its padding."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from likewise.cli.main import main
from likewise.errors import ModelError
from likewise.extraction import check_model, extract
from likewise.extraction.ways import Way
from likewise.models import LoadedModel, ModelSpec, load_model, resolve_layers
from likewise.models.decoder import is_causal, positions_turn_at
from likewise.prompts import Prompts


def load(folder: Path, *, head: bool = True) -> LoadedModel:
    return load_model(ModelSpec(model=str(folder)), device="cpu", dtype="float32", head=head)


@pytest.mark.parametrize("architecture", ["llama", "opt", "bloom", "mamba"])
def test_right_models_pass(tiny: Callable[..., Path], architecture: str) -> None:
    findings = check_model(load(tiny(architecture)), resolve_layers(["all"], 3), "float32")
    assert all(f.passed for f in findings)
    measured = [f for f in findings if f.tolerance is not None]
    assert len(measured) >= 5 and all(f.drift is not None and f.drift < 1e-4 for f in measured)


def test_an_encoder_passes_without_left_padding(tiny: Callable[..., Path]) -> None:
    findings = check_model(load(tiny("bert"), head=False), ["last"], "float32")
    assert all(f.passed for f in findings)
    assert not any("left" in f.what for f in findings)


def test_a_model_that_looks_at_padding_before_a_text_is_run_without(
    tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(tiny("llama"))
    forward = loaded.model.forward

    def blind(input_ids: torch.Tensor, attention_mask: torch.Tensor, position_ids: object = None, **other: object):  # type: ignore[no-untyped-def]
        return forward(input_ids=input_ids, **other)

    monkeypatch.setattr(loaded.model, "forward", blind)
    findings = {f.what: f for f in check_model(loaded, ["last"], "float32")}
    assert findings["as extraction runs them: any lengths together, padded on the right"].passed
    left = findings["together, padded on the left"]
    assert left.tolerance is None and left.drift is not None and left.drift > 0.1
    assert left.note == "the rows depend on it: extraction does without"


def test_a_model_whose_rows_are_never_the_same_fails(
    tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(tiny("llama"))
    forward, calls = loaded.model.forward, []

    def counting(input_ids: torch.Tensor, **other: object):  # type: ignore[no-untyped-def]
        calls.append(1)
        return forward(input_ids=(input_ids + len(calls)) % 512, **other)

    monkeypatch.setattr(loaded.model, "forward", counting)
    with pytest.raises(ModelError, match="the rows of LlamaModel depend on what ran before"):
        check_model(loaded, ["last"], "float32")
    monkeypatch.setattr("likewise.extraction.check.way_of", lambda *_, **__: Way())
    findings = check_model(loaded, ["last"], "float32")
    first = next(f.what for f in findings if not f.passed)
    assert first.startswith("as extraction runs them: ")


def test_the_command_says_so(tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("sys.argv", ["likewise", "check", str(tiny("gpt2")), "--layer", "all"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code in (0, None)
    assert "the rows can be trusted" in said.err and "against what the output head reads" in said.out


@pytest.mark.parametrize(
    ("architecture", "causal"),
    [
        ("llama", True),
        ("mamba", True),
        ("falcon", True),
        ("mixtral", True),
        ("bert", False),
        ("roberta", False),
        ("t5", False),
    ],
)
def test_whether_a_model_is_causal_is_seen_and_not_read_off_its_name(
    tiny: Callable[..., Path], architecture: str, causal: bool
) -> None:
    assert is_causal(load(tiny(architecture), head=False).model) is causal


def test_a_model_whose_positions_turn_with_the_longest_prompt_keeps_short_and_long_ones_apart() -> None:
    """LongRoPE takes other positions for a whole batch once it is long."""
    import transformers

    from tiny_tokenizers import tokenizer

    rope = {
        "rope_type": "longrope", "rope_theta": 10_000.0, "original_max_position_embeddings": 16,
        "short_factor": [1.0] * 4, "long_factor": [9.0] * 4, "factor": 8.0,
    }  # fmt: skip
    config = transformers.Phi3Config(
        vocab_size=512, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4,
        intermediate_size=64, max_position_embeddings=128, original_max_position_embeddings=16, pad_token_id=0,
        initializer_range=0.2, rope_parameters=rope,
    )  # fmt: skip
    torch.manual_seed(0)
    loaded = LoadedModel(transformers.Phi3Model(config).eval(), tokenizer("bytes"), None)
    assert positions_turn_at(loaded.model) == 16
    texts = ("A cat.", "The lid did not fit on the jar because it was far too small for it.", "Two cats.")
    prompts = Prompts("turning", ("a", "b", "c"), texts, "")
    alone = extract(loaded, prompts, ["last"], "last_token", batch_tokens=1)["last"]
    together = extract(loaded, prompts, ["last"], "last_token", batch_tokens=5000)["last"]
    assert abs(together - alone).max() < 1e-4 * abs(alone).max()


def test_a_precision_that_does_not_exist_is_said(
    tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("sys.argv", ["likewise", "check", str(tiny("gpt2")), "--dtype", "float23"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "unknown dtype 'float23'; did you mean \"float32\"" in capsys.readouterr().err


def test_a_hub_that_cannot_be_reached_is_said_before_a_model_is_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(hub: str, revision: str) -> None:
        raise ModelError(f"the hub cannot be reached for {hub} at {revision}")

    monkeypatch.setattr("likewise.models.resolve_model", unreachable)
    monkeypatch.setattr("likewise.models.load_model", lambda *_, **__: pytest.fail("it was loaded"))
    for words in (["some/model"], ["some/adapter", "--base", "some/model"]):
        monkeypatch.setattr("sys.argv", ["likewise", "check", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert "the hub cannot be reached for some/model at main" in capsys.readouterr().err


def test_rows_of_zeros_are_no_way_to_pass(tiny: Callable[..., Path]) -> None:
    import numpy as np

    from likewise.extraction.check import relative

    zeros, some = np.zeros((2, 3)), np.ones((2, 3))
    assert relative(zeros, zeros) == 0 and relative(some, zeros) == float("inf") and relative(zeros, some) == 1
    loaded = load(tiny("llama"))
    loaded.model.norm.weight.data[:] = 0
    (apart,) = [f.drift for f in check_model(loaded, ["last"], "float32") if "apart" in f.what]
    assert apart == 0
