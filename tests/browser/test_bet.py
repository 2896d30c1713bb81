"""The bet of the first page: by keyboard alone, with the network off, and readable without a script."""

from __future__ import annotations

import re

import pytest

from .conftest import SITE, Visit, site_pages

PAGES = [path for path in site_pages() if 'class="bet"' in (SITE / path).read_text(encoding="utf-8")]
with_bet = pytest.mark.parametrize("path", PAGES)
over = pytest.mark.parametrize("over", ["http", "file"])

CHOSEN = 5
MOST_TAB_STOPS = 400


def on(visit: Visit, script: str) -> bool:
    """Whether the focused element is the one that a selector names."""
    return bool(visit.page.evaluate("selector => document.activeElement.matches(selector)", script))


def tab_to(visit: Visit, selector: str) -> None:
    for _ in range(MOST_TAB_STOPS):
        visit.page.keyboard.press("Tab")
        if on(visit, selector):
            return
    pytest.fail(f"{selector} cannot be reached by Tab")


@over
@with_bet
def test_the_bet_is_played_by_keyboard_alone(path: str, over: str, visit: Visit) -> None:
    if over == "file":
        visit.home = f"{SITE.resolve().as_uri()}/"
    visit.go(path)
    page = visit.page
    visit.context.set_offline(True)
    result, compare = page.locator(".bet-result"), page.locator(".bet-compare")
    assert result.is_hidden()
    assert compare.is_disabled()
    for _ in range(CHOSEN):
        tab_to(visit, ".bet-card input")
        page.keyboard.press("Space")
    assert "Five chosen" in page.locator(".bet-task").inner_text()
    tab_to(visit, ".bet-card input")
    page.keyboard.press("Space")
    assert page.locator(".bet-card input:checked").count() == CHOSEN
    assert "Take one back" in page.locator(".bet-task").inner_text()
    tab_to(visit, ".bet-compare")
    page.keyboard.press("Enter")
    assert result.is_visible()
    assert on(visit, ".bet-heading")
    yours = page.locator(".bet-row.bet-yours .bet-percent").inner_text()
    values = page.locator(".bet-card input").evaluate_all(
        "boxes => boxes.map(box => Number(box.dataset.value))"
    )
    best = sum(sorted(values)[-CHOSEN:])
    assert int(re.sub(r"[^-\d]", "", yours)) == round(100 * sum(values[:CHOSEN]) / best)
    assert page.locator(".bet-chosen .bet-badge.bet-yours").first.is_visible()
    page.locator(".bet-again").press("Enter")
    assert result.is_hidden()
    assert page.locator(".bet-card input:checked").count() == 0
    assert not visit.errors, "\n".join(visit.errors)


@with_bet
def test_without_a_script_the_answer_stands_there(path: str, visit: Visit) -> None:
    context = visit.context.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(visit.home + path)
    assert page.locator(".bet-result").is_visible()
    assert page.locator(".bet-badges").first.is_visible()
    assert page.locator(".bet-compare").is_hidden()
    assert page.locator(".bet-card input").first.is_hidden()
    assert "100 %" in page.locator(".bet-row.bet-truth").inner_text()
    context.close()
