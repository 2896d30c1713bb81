"""Every page of the book, opened as a reader opens it."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import AXE, MODES, SITE, Mode, Visit, lacking, site_pages

PAGES = site_pages()
every_page = pytest.mark.parametrize("path", PAGES)
every_mode = pytest.mark.parametrize("mode", MODES, ids=str)

SIDEWAYS = "() => document.documentElement.scrollWidth - window.innerWidth"
UNRENDERED_MATH = """() => [...document.querySelectorAll(".math")]
    .filter(node => !node.querySelector("mjx-container svg") || node.querySelector("[data-mjx-error]"))
    .map(node => node.textContent.trim().slice(0, 60))"""
BAD_IMAGES = """() => [...document.images]
    .filter(image => !image.hasAttribute("alt") || !image.complete || !image.naturalWidth
        || (image.closest(".bd-article") && !image.alt.trim()))
    .map(image => image.getAttribute("src"))"""
OPEN_FOLDS = "() => document.querySelectorAll('details').forEach(fold => { fold.open = true })"
NO_MOTION = "* { animation: none !important; transition: none !important; }"


def test_the_book_is_built() -> None:
    if not PAGES:
        lacking(f"no book in {SITE} (make test-book builds it)")
    assert "book/index.html" in PAGES


def test_the_accessibility_checker_is_here() -> None:
    if not AXE.exists():
        lacking("axe-core is not installed (it comes with npm)")


@every_mode
@every_page
def test_page(path: str, mode: Mode, visit: Visit) -> None:
    visit.go(path)
    page, problems = visit.page, visit.errors
    if (excess := page.evaluate(SIDEWAYS)) > 0:
        problems.append(f"scrolls sideways by {excess} px")
    problems += [f"mathematics is not set: {text}" for text in page.evaluate(UNRENDERED_MATH)]
    problems += [f"picture missing or without description: {source}" for source in page.evaluate(BAD_IMAGES)]
    problems += _accessibility(visit)
    assert not problems, "\n".join(problems)


def _accessibility(visit: Visit) -> list[str]:
    """Serious and critical findings of axe, with every fold open, since it passes over what is closed."""
    if not AXE.exists():
        return []
    visit.page.add_style_tag(content=NO_MOTION)
    visit.page.evaluate(OPEN_FOLDS)
    visit.page.add_script_tag(path=str(AXE))
    found: dict[str, Any] = visit.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"axe, {finding['impact']}: {finding['id']} at {node['target']}: {node['html'][:160]}"
        for finding in found["violations"]
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]


@every_page
def test_page_from_the_file_system(path: str, visit: Visit) -> None:
    visit.home = f"{SITE.resolve().as_uri()}/"
    visit.go(path)
    problems = visit.errors
    problems += [f"mathematics is not set: {text}" for text in visit.page.evaluate(UNRENDERED_MATH)]
    problems += [f"picture missing: {source}" for source in visit.page.evaluate(BAD_IMAGES)]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("over", ["http", "file"])
def test_search_finds_a_word(over: str, visit: Visit) -> None:
    if not PAGES:
        lacking(f"no book in {SITE}")
    if over == "file":
        visit.home = f"{SITE.resolve().as_uri()}/"
    visit.go("search.html?q=candidate")
    visit.page.wait_for_selector("#search-results li a")
    assert not visit.errors, "\n".join(visit.errors)
