"""What tests of the report share: two small reports, and one window of a real browser that has no network."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from page import FLAGS, INSTALL, browser_path

import pages
from likewise.scoring import Results


@pytest.fixture(scope="session")
def results() -> Results:
    return pages.two_datasets()


@pytest.fixture(scope="session")
def report(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pages.write_two_datasets(results, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="session")
def layered(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A report in which every picture is drawn, written once for all processes."""
    return once("layered", lambda folder: pages.write_layered(pages.layered(), folder)) / "report.html"


class Window:
    """A page of a browser, with all that it said and asked for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.set_default_timeout(10_000)
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self.asked.append(request.url))
        page.context.on("page", lambda other: self.said.append(f"another page: {other.url}"))

    def open(self, path: Path, address: str = "") -> float:
        """Load a file anew, and return the seconds until it is drawn."""
        self.page.goto("about:blank")
        self.said.clear()
        self.asked.clear()
        start = time.perf_counter()
        self.page.goto(path.resolve().as_uri() + address)
        self.page.wait_for_selector("body[data-ready=yes]", state="attached", timeout=30_000)
        return time.perf_counter() - start

    def settle(self) -> None:
        """Wait until what was asked for is painted."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")

    def resize(self, width: int, height: int = 900) -> None:
        """Give the window a width, and wait until everything is drawn for it."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.wait_for_function(
            "(width) => !document.body?.dataset.width || document.body.dataset.width == width", arg=width
        )
        self.settle()

    def escape(self) -> None:
        """Leave what is open, and wait until the address says so: a dialog tells it later that it was closed."""
        self.page.keyboard.press("Escape")
        self.page.wait_for_function(
            "() => !document.querySelector('dialog[open]') && !new URLSearchParams(location.hash.slice(1)).has('a')"
        )

    @property
    def address(self) -> str:
        return str(self.page.evaluate("location.hash"))


@pytest.fixture(scope="session")
def window() -> Iterator[Window]:
    path = browser_path()
    if path is None:
        pytest.skip(INSTALL)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS])
        try:
            yield Window(browser.new_context(offline=True, accept_downloads=True).new_page())
        finally:
            browser.close()
