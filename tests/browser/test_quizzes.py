"""Every answer of every quiz opens by keyboard alone, with the network off, and says something."""

from __future__ import annotations

import re

import pytest

from .conftest import SITE, Visit, site_pages

QUIZ = re.compile(r'class="(?:quiz admonition|admonition quiz)')
WITH_QUIZ = [path for path in site_pages() if QUIZ.search((SITE / path).read_text(encoding="utf-8"))]
MOST_TAB_STOPS = 2000

FOCUSED_OPTION = """() => {
    const options = [...document.querySelectorAll(".admonition.quiz details > summary")];
    return options.indexOf(document.activeElement);
}"""
OPTIONS = """() => document.querySelectorAll(".admonition.quiz details > summary").length"""
FEEDBACK = """index => {
    const fold = document.querySelectorAll(".admonition.quiz details > summary")[index].parentElement;
    const text = [...fold.children].slice(1).map(node => node.innerText).join(" ").trim();
    return fold.open ? text : "";
}"""


@pytest.mark.parametrize("path", WITH_QUIZ)
def test_every_option_answers_the_keyboard(path: str, visit: Visit) -> None:
    visit.go(path)
    visit.context.set_offline(True)
    feedback: dict[int, str] = {}
    options = visit.page.evaluate(OPTIONS)
    assert options >= 2
    for _ in range(MOST_TAB_STOPS):
        visit.page.keyboard.press("Tab")
        index = visit.page.evaluate(FOCUSED_OPTION)
        if index >= 0:
            visit.page.keyboard.press("Enter" if index % 2 else "Space")
            feedback[index] = visit.page.evaluate(FEEDBACK, index)
        if len(feedback) == options:
            break
    assert sorted(feedback) == list(range(options)), "an option cannot be reached by Tab"
    assert all(len(text) > 10 for text in feedback.values()), feedback
    assert not visit.errors, "\n".join(visit.errors)


@pytest.mark.parametrize("path", WITH_QUIZ)
def test_no_option_betrays_itself(path: str, visit: Visit) -> None:
    visit.go(path)
    looks = visit.page.evaluate(
        """() => [...document.querySelectorAll(".admonition.quiz")].map(quiz =>
            new Set([...quiz.querySelectorAll("details > summary")].map(option => {
                const look = getComputedStyle(option);
                return [look.color, look.backgroundColor, look.fontWeight, option.parentElement.open].join();
            })).size)"""
    )
    assert set(looks) == {1}, "the options of a question must look alike before they are opened"
