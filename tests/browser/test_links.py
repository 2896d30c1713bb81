"""Every internal link and every file that a page names is there, the place on the page included."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from .conftest import SITE, site_pages

NAMING = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "src"}


@cache
def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@cache
def places(path: Path) -> frozenset[str]:
    """The names that a link into this page may end in."""
    return frozenset(tag[name] for name in ("id", "name") for tag in soup(path).find_all(attrs={name: True}))


def fault(page: Path, link: str) -> str | None:
    """What is wrong with a link, or None."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return f"{link}: no such file"
    if parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in places(target):
        return f"{link}: no such place on the page"
    return None


@pytest.mark.parametrize("path", site_pages())
def test_internal_links_resolve(path: str) -> None:
    page = (SITE / path).resolve()
    links = {
        tag[name] for kind, name in NAMING.items() for tag in soup(page).find_all(kind, attrs={name: True})
    }
    faults = sorted(filter(None, (fault(page, link) for link in links if link != "#")))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("path", site_pages())
def test_no_foreign_host_is_named_as_a_source(path: str) -> None:
    page = soup((SITE / path).resolve())
    named = [
        tag[name]
        for kind, name in NAMING.items()
        if kind != "a"
        for tag in page.find_all(kind, attrs={name: True})
    ]
    assert not [link for link in named if urlsplit(link).netloc]


@pytest.mark.parametrize("path", site_pages())
def test_no_path_of_the_machine_is_published(path: str) -> None:
    text = (SITE / path).read_text(encoding="utf-8")
    assert str(SITE.resolve().parents[1]) not in text
