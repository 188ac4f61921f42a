"""The demo's relations, on the real model, in a smaller experiment than the demo's own."""

from pathlib import Path

import pytest
import yaml

import likewise

pytestmark = [pytest.mark.model, pytest.mark.long("four models of the real size, on 96 prompts")]

DEMO = Path(__file__).parents[1] / "experiments" / "demo.yaml"


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    """Calibrated scores with the original, by configuration and by the other model, on fewer of the demo's prompts."""
    value = yaml.safe_load(DEMO.read_text())
    value["models"] = [
        m for m in value["models"] if m["name"] in ("original", "noise 0.05", "noise 0.2", "reinitialized")
    ]
    value["datasets"] = [{"source": "commonsense-probes", "limit": 96}]
    value["statistics"] = {"permutations": 20}
    found: dict[str, dict[str, float]] = {}
    done = likewise.run(value, tmp_path_factory.mktemp("demo"), executor="processes")
    assert not done.failed
    for c in done.results:
        if "original" in (c.a, c.b):
            assert c.calibrated is not None
            other = c.b if c.a == "original" else c.a
            found.setdefault(f"{c.measure} {c.parameters}", {})[other] = c.calibrated
    return found


def test_weaker_noise_is_nearer_and_random_weights_are_farthest(scores: dict[str, dict[str, float]]) -> None:
    assert len(scores) == 10
    for configuration, s in scores.items():
        assert s["noise 0.05"] > s["noise 0.2"] > s["reinitialized"], configuration


def test_noise_is_nearer_than_an_inner_layer_when_it_is_weak(scores: dict[str, dict[str, float]]) -> None:
    assert all(s["noise 0.05"] > s["original @ 20"] for s in scores.values())
