"""Opens the built book in headless Chromium, at a desk and on a phone, in light and in dark.

`make test-book` builds the book first. Without Chromium, or without the accessibility checker, the tests
that need it are skipped and say so; in continuous integration (CI=true) they fail instead.
"""

from __future__ import annotations

import functools
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))
AXE = Path(os.environ.get("AXE", ROOT / ".venv/axe/node_modules/axe-core/axe.min.js"))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Mode:
    """A screen: its width in CSS pixels and its colours."""

    width: int
    scheme: str

    def __str__(self) -> str:
        return f"{self.width}-{self.scheme}"


MODES = [Mode(width, scheme) for width in (1440, 390) for scheme in ("light", "dark")]


def site_pages() -> list[str]:
    """Paths of all pages of the built book below its root; none when it is not built."""
    pages = (path.relative_to(SITE) for path in SITE.rglob("*.html"))
    return sorted(path.as_posix() for path in pages if not path.parts[0].startswith("_"))


def lacking(what: str) -> None:
    """Skip, or fail where nothing may be lacking."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}: required in continuous integration")
    pytest.skip(f"{what}: not tested here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that leaves a page closes its connections: no fault of the book."""


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Address of the built book over http, with a slash at its end."""
    handler = functools.partial(_QuietHandler, directory=str(SITE))
    with _Server(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/"
        http.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        lacking("no Chromium on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        chromium.close()


@dataclass
class Visit:
    """One page opened in one mode, and what was heard while it loaded."""

    context: BrowserContext
    page: Page
    home: str
    errors: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("console", lambda message: self._hear(message.type, message.text))
        self.page.on("pageerror", lambda error: self.errors.append(f"script error: {error}"))
        self.page.on("request", lambda request: self._ask(request.url))
        self.page.on("response", lambda answer: self._answered(answer.status, answer.url))

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error":
            self.errors.append(f"console: {text}")

    def _ask(self, url: str) -> None:
        if not url.startswith((self.home, "data:", "blob:")):
            self.errors.append(f"asked another host: {url}")

    def _answered(self, status: int, url: str) -> None:
        if status >= 400:
            self.errors.append(f"{status}: {url}")

    def go(self, path: str) -> None:
        """Open a page and wait until mathematics and fonts are there and tab stops are set."""
        self.page.goto(self.home + path, wait_until="load")
        self.page.wait_for_function("() => !document.querySelector('meta[http-equiv=Refresh i]')")
        self.page.wait_for_load_state("load")
        self.page.evaluate(
            "async () => { await window.MathJax?.startup?.promise; await document.fonts.ready }"
        )
        self.page.wait_for_timeout(200)


@pytest.fixture
def visit(browser: Browser, server: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A fresh window on the book over http, in the mode that the test's parameter `mode` names."""
    mode = (
        request.node.callspec.params.get("mode", MODES[0]) if hasattr(request.node, "callspec") else MODES[0]
    )
    context = browser.new_context(viewport={"width": mode.width, "height": 900}, color_scheme=mode.scheme)
    opened = Visit(context=context, page=context.new_page(), home=server)
    opened.listen()
    yield opened
    context.close()
