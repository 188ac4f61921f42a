"""The demo's relations, on the real model, in a smaller experiment than the demo's own."""

from pathlib import Path

import pytest
import yaml

import likewise

pytestmark = [pytest.mark.model, pytest.mark.long("four models of the real size, on 96 prompts")]

DEMO = Path(__file__).parents[1] / "experiments" / "demo.yaml"


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    """Calibrated scores with SmolLM2, by configuration and by the other model, on fewer of the demo's prompts."""
    value = yaml.safe_load(DEMO.read_text())
    wanted = ("SmolLM2", "noise 0.05", "pruned 30 %", "random weights")
    value["models"] = [m for m in value["models"] if m["name"] in wanted]
    value["datasets"] = [{"source": "mixed-prompts", "limit": 96}]
    value["statistics"] = {"permutations": 20}
    found: dict[str, dict[str, float]] = {}
    done = likewise.run(value, tmp_path_factory.mktemp("demo"), executor="processes")
    assert not done.failed
    for c in done.results:
        if "SmolLM2" in (c.a, c.b):
            assert c.calibrated is not None
            other = c.b if c.a == "SmolLM2" else c.a
            found.setdefault(f"{c.measure} {c.parameters}", {})[other] = c.calibrated
    return found


def test_noise_is_nearer_than_pruning_and_random_weights_are_farthest(scores: dict[str, dict[str, float]]) -> None:
    assert len(scores) == 11
    for configuration, s in scores.items():
        assert s["noise 0.05"] > s["pruned 30 %"] > s["random weights"], configuration


def test_noise_is_nearer_than_an_inner_layer_when_it_is_weak(scores: dict[str, dict[str, float]]) -> None:
    assert all(s["noise 0.05"] > s["SmolLM2 @ 20"] for s in scores.values())
