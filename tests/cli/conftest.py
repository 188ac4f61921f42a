"""What the tests of commands share."""

import pytest

from likewise.report import files


@pytest.fixture(autouse=True)
def figures_as_png_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the PDF of each figure empty: its fonts take two thirds of a report, and `tests/report` reads them."""
    rendered = files._rendered
    monkeypatch.setattr(
        files, "_rendered", lambda figure, kind, *more: b"" if kind == "pdf" else rendered(figure, kind, *more)
    )
