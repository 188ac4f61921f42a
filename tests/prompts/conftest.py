"""What the tests of prompts share."""

import pytest

from likewise.prompts import rendering


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work without an end is stopped after half a second of computing: what stops it is the same."""
    monkeypatch.setattr(rendering, "SECONDS", 0.5)
