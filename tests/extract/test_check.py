"""The check passes where rows are right, and is not fooled where a model mixes up its padding."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from likewise.cli.main import main
from likewise.extract import LoadedModel, ModelSpec, check_model, load_model, resolve_layers


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


def test_a_model_that_looks_at_its_padding_fails(tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(tiny("llama"))
    forward = loaded.model.forward

    def blind(input_ids: torch.Tensor, attention_mask: torch.Tensor, position_ids: object = None, **other: object):  # type: ignore[no-untyped-def]
        return forward(input_ids=input_ids, **other)

    monkeypatch.setattr(loaded.model, "forward", blind)
    findings = check_model(loaded, ["last"], "float32")
    assert [f.what for f in findings if not f.passed][:1] == ["together, padded on the left"]


def test_the_command_says_so(tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("sys.argv", ["likewise", "check", str(tiny("gpt2")), "--layer", "all"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code in (0, None)
    assert "the rows can be trusted" in said.err and "against what the output head reads" in said.out
