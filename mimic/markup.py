"""HTML in small: escaped text, elements, tables, and one frame around what shows itself in a notebook.

No style sheet, no script, no class of our own: JupyterLab cleans what it has not run itself, and only
plain inline styles survive there. Greys are half transparent and text has the page's own colour, so
everything reads in light and in dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

__all__ = ["CARD", "FAINT", "LINE", "MUTED", "SMALL", "Shown", "bar", "chip", "div", "fold", "frame", "span"]
__all__ += ["table", "tag", "text"]

MUTED: Final = "opacity:.76"
"""Style of what is said more quietly; the contrast stays above 4.5 in the book and in JupyterLab."""
SMALL: Final = "font-size:13px"
"""Style of side remarks."""
LINE: Final = "1px solid rgba(128,128,128,.35)"
"""A border."""
FAINT: Final = "rgba(128,128,128,.1)"
"""A surface."""
CARD: Final = f"border:{LINE};border-radius:10px;padding:.75em .95em"
"""Style of a card."""

_GREY: Final = "rgba(128,128,128,.55)"
_SANS: Final = "var(--book-sans,var(--jp-ui-font-family,system-ui,sans-serif))"
_NUMBER: Final = "text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap"


@dataclass(frozen=True)
class Shown:
    """Something to look at: as HTML in a notebook, as words elsewhere."""

    html: str
    words: str

    def __repr__(self) -> str:
        return self.words

    def _repr_html_(self) -> str:
        return self.html


def text(words: object) -> str:
    """Words as HTML."""
    return escape(str(words), quote=True)


def tag(name: str, content: str, style: str = "", attributes: Mapping[str, str] | None = None) -> str:
    """An element around `content`, which is HTML; attributes are escaped, empty ones left out."""
    said = "".join(f' {key}="{text(value)}"' for key, value in (attributes or {}).items() if value)
    look = f' style="{style}"' if style else ""
    return f"<{name}{said}{look}>{content}</{name}>"


def div(content: str, style: str = "") -> str:
    """A block."""
    return tag("div", content, style)


def span(content: str, style: str = "") -> str:
    """A part of a line."""
    return tag("span", content, style)


def frame(*parts: str) -> str:
    """The outermost element: the book's sans-serif letters, and never wider than the page."""
    letters = f"font-family:{_SANS};font-size:15px;line-height:1.45"
    return div("".join(parts), f"{letters};max-width:660px;margin:.6em 0;text-align:left")


def fold(summary: str, content: str, style: str = "") -> str:
    """Something behind a click, or the Enter key."""
    # JupyterLab takes the triangle away; this gives it back.
    marked = tag("summary", summary, "cursor:pointer;display:list-item;list-style:revert")
    return tag("details", marked + content, style)


def chip(word: str, colour: str) -> str:
    """A word with a spot of its colour before it."""
    shape = "display:inline-block;width:.62em;height:.62em;border-radius:2px;margin-right:.38em"
    return span(span("", f"{shape};background:{colour}") + text(word), "white-space:nowrap")


def bar(share: float, colour: str = _GREY) -> str:
    """A horizontal bar, `share` of its cell long."""
    width = min(max(100 * share, 0.0), 100.0)
    look = f"height:.6em;width:{width:.0f}%;min-width:1px;border-radius:2px;background:{colour}"
    return div(div("", look), "width:6.5em;padding-top:.34em")


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    name: str,
    numbers: Sequence[int] = (),
    prose: Sequence[int] = (),
) -> str:
    """A table that scrolls sideways inside itself where a phone is too narrow.

    Args:
        header: names of the columns, as text.
        rows: cells, as HTML.
        name: what the table is, for those who hear the page.
        numbers: columns that hold numbers.
        prose: columns that hold sentences, which need some width to be read.
    """

    def cell(kind: str, content: str, column: int, style: str) -> str:
        align = _NUMBER if column in numbers else "text-align:left"
        align += ";min-width:12em" if column in prose else ""
        look = f"padding:.28em 1.1em .28em 0;vertical-align:top;border:0;{style}{align}"
        return tag(kind, content, look, {"scope": "col" if kind == "th" else ""})

    under = f"border-bottom:{LINE};font-weight:600;"
    head = "".join(cell("th" if title else "td", text(title), i, under) for i, title in enumerate(header))
    body = "".join(_row("".join(cell("td", html, i, "") for i, html in enumerate(row))) for row in rows)
    inner = tag("thead", _row(head)) + tag("tbody", body)
    whole = tag("table", inner, "border-collapse:collapse;border:0;margin:0;font-size:14px")
    attributes = {"tabindex": "0", "role": "group", "aria-label": name}
    return tag("div", whole, "overflow-x:auto;margin-bottom:.5em", attributes)


def _row(cells: str) -> str:
    return tag("tr", cells, "background:none")
