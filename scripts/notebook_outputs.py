"""When are two outputs of a notebook cell the same?

The notebooks hold their outputs, and the tests run every cell again. A word that changed, a sign, a
count or the shape of a table must be noticed; the last bits of a float, which depend on the processor,
must not. This module decides. Nothing here knows pytest or nbval: `conftest.py` plugs it in.

Three rules:

1. **Measured times and memory are masked.** A number in front of `ns`, `µs`, `ms`, `s`, `kB`, `MB`, `GB`,
   `KiB`, `MiB` or `GiB`, and the cells of a table's column whose header is such a unit or ends in one
   (`ms`, `time (s)`, `peak_MB`), differ on every run. Durations that belong to the world are written
   with `min`, `h`, `days` or a whole word and stay compared.
2. **Floats may differ** within the cell's tolerance; whole numbers too, where the cell is tagged
   `trained`. A literal with a point or an exponent is a float, everything else with digits is not.
3. **Everything else is exact**, after runs of blanks are squeezed (a column is wider by one digit).

Tags of a cell: `rtol=5e-3`, `atol=1e-9`, `trained` (whole numbers get the tolerance too, which is then
2 % where the cell names none).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

RTOL: Final = 1e-6
"""Relative tolerance of a float where the cell names none."""

ATOL: Final = 1e-12
"""Absolute tolerance of a float where the cell names none: for sums that cancel to zero."""

TRAINED_RTOL: Final = 0.02
"""Relative tolerance of a cell tagged `trained` that names none."""

MASK: Final = "□"
"""Stands for a number that is not compared."""

_UNIT: Final = r"(?:ns|[µμu]s|ms|s|[kKMGT]B|[KMGT]iB)"
_DIGITS: Final = r"(?:\d{1,3}(?:,\d{3})+|\d+)"
_EXPONENT: Final = r"(?:[eE][-+−]?\d+)"
# numpy prints 2.0 as `2.`; the point that ends a sentence makes no float of the number before it.
_BARE_POINT: Final = r"(?=[,\])]|\s+[-\d\]])"
_FLOAT: Final = (
    rf"(?<![\w.])[-+−]?(?:{_DIGITS}\.(?:\d+{_EXPONENT}?|{_EXPONENT}|{_BARE_POINT})"
    rf"|\.\d+{_EXPONENT}?|\d+{_EXPONENT})(?!\w|\.\d)"
)
_WHOLE: Final = rf"(?<![\w.,])[-+−]?{_DIGITS}(?![\w]|[.,]\d)"
_MEASURED: Final = re.compile(
    rf"(?<![\w.,])[-+−]?{_DIGITS}(?:\.\d*)?{_EXPONENT}?(\s?|&nbsp;)({_UNIT})(?![\w/])"
)
_UNIT_HEADER: Final = re.compile(rf"^(?:.*[\s_(\[])?{_UNIT}[)\]]?$")
_NUMBER_TOKEN: Final = re.compile(rf"[-+−]?{_DIGITS}(?:\.\d*)?{_EXPONENT}?$")
_FLOATS: Final = re.compile(_FLOAT)
_NUMBERS: Final = re.compile(f"{_FLOAT}|{_WHOLE}")


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How far two numbers may lie apart.

    A number passes when it differs from the reference by at most `atol + rtol * |reference|`.
    """

    rtol: float = RTOL
    """Relative part, without unit."""
    atol: float = ATOL
    """Absolute part, in the number's own unit."""
    whole: bool = False
    """Whole numbers get the tolerance too: they are counts of what a trained model did."""

    @classmethod
    def from_tags(cls, tags: list[str]) -> Tolerance:
        """The tolerance that a cell's tags ask for.

        Args:
            tags: `cell.metadata.tags`; tags of other meaning are passed over.

        Raises:
            ValueError: `rtol=` or `atol=` is followed by something that is no number.
        """
        trained = "trained" in tags
        named = dict(tag.split("=", 1) for tag in tags if tag.startswith(("rtol=", "atol=")))
        return cls(
            rtol=float(named.get("rtol", TRAINED_RTOL if trained else RTOL)),
            atol=float(named.get("atol", ATOL)),
            whole=trained,
        )

    def allows(self, new: float, reference: float) -> bool:
        """Whether `new` is near enough to `reference`."""
        return abs(new - reference) <= self.atol + self.rtol * abs(reference)


def reconcile(new: str, reference: str, tolerance: Tolerance, *, html: bool) -> tuple[str, str]:
    """Make two texts equal if they differ by no more than is allowed.

    Args:
        new: what the cell gave now.
        reference: what the notebook holds.
        tolerance: of this cell.
        html: the texts are HTML, where a table's cells are elements and not columns of characters.

    Returns:
        The two texts with masked measurements. They are equal exactly when the comparison passes;
        otherwise they show where they differ.
    """
    mask = _mask_html if html else _mask_text
    new, reference = _squeezed(mask(new)), _squeezed(mask(reference))
    numbers = _NUMBERS if tolerance.whole else _FLOATS
    same_words = numbers.sub("#", new) == numbers.sub("#", reference)
    pairs = zip(numbers.findall(new), numbers.findall(reference), strict=False)
    if same_words and all(tolerance.allows(_value(a), _value(b)) for a, b in pairs):
        return reference, reference
    return new, reference


def _value(literal: str) -> float:
    return float(literal.replace(",", "").replace("−", "-"))


def _squeezed(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def _mask_inline(text: str) -> str:
    return _MEASURED.sub(rf"{MASK}\1\2", text)


def _mask_text(text: str) -> str:
    """Mask measurements in plain text, and columns under a unit in a table printed by pandas.

    Such a table is aligned to the right, so a column's numbers end where its header ends.
    """
    ends: set[int] = set()
    lines = []
    for line in text.splitlines():
        tokens = [(match.group(), match.start(), match.end()) for match in re.finditer(r"\S+", line)]
        masked = line
        for token, start, end in tokens:
            if end in ends and _NUMBER_TOKEN.match(token):
                masked = masked[:start] + MASK.rjust(end - start) + masked[end:]
        headers = {
            end
            for i, (token, _, end) in enumerate(tokens)
            if _UNIT_HEADER.match(token) and not (i and _NUMBER_TOKEN.match(tokens[i - 1][0]))
        }
        ends = ends | headers if tokens else set()
        lines.append(_mask_inline(masked))
    return "\n".join(lines)


def _mask_html(text: str) -> str:
    """Mask measurements in HTML, and the cells of a table's column whose header is a unit."""
    finder = _MeasuredCells(text)
    for start, end in reversed(finder.spans):
        text = text[:start] + MASK + text[end:]
    return _mask_inline(text)


class _MeasuredCells(HTMLParser):
    """Finds the text of the table cells that stand under a header with a unit of time or memory."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self.spans: list[tuple[int, int]] = []
        self._line_starts = [0]
        for line in text.splitlines(keepends=True):
            self._line_starts.append(self._line_starts[-1] + len(line))
        self._measured: set[int] = set()
        self._rows_left: dict[int, int] = {}
        self._column = -1
        self._next = 0
        self._tag = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._measured, self._rows_left = set(), {}
        elif tag == "tr":
            self._next, self._column = 0, -1
            self._rows_left = {column: left - 1 for column, left in self._rows_left.items() if left > 1}
        elif tag in ("td", "th"):
            self._tag = tag
            self._enter(dict(attrs))

    def _enter(self, attrs: dict[str, str | None]) -> None:
        """Find the column of the cell that begins here; cells from rows above may lie across it."""
        while self._next in self._rows_left:
            self._next += 1
        self._column = self._next
        self._next += int(attrs.get("colspan") or 1)
        rows = int(attrs.get("rowspan") or 1)
        self._rows_left |= dict.fromkeys(range(self._column, self._next), rows)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._tag = ""

    def handle_data(self, data: str) -> None:
        stripped = data.strip()
        if self._tag == "th" and _UNIT_HEADER.match(stripped):
            self._measured.add(self._column)
        elif self._tag == "td" and self._column in self._measured and _NUMBER_TOKEN.match(stripped):
            line, offset = self.getpos()
            start = self._line_starts[line - 1] + offset + data.index(stripped)
            self.spans.append((start, start + len(stripped)))
