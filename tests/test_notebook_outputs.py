"""What counts as a difference between two outputs: the rules alone, without a kernel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notebook_outputs import TRAINED_RTOL, Tolerance, reconcile

EXACT = Tolerance()
LOOSE = Tolerance(rtol=0.02, whole=True)


def same(new: str, reference: str, tolerance: Tolerance = EXACT, *, html: bool = False) -> bool:
    ours, theirs = reconcile(new, reference, tolerance, html=html)
    return ours == theirs


@pytest.mark.parametrize(
    ("new", "reference"),
    [
        ("0.6130001", "0.6130002"),
        ("like 1.0000000e-03", "like 1.0000001e-03"),
        ("a  0.5\nb   12", "a 0.5\nb 12"),
        ("-0.0", "0.0"),
        ("0.0012", "1.2e-3"),
        ("1,234.50001", "1,234.50002"),
        ("took 3.2 ms", "took 17 ms"),
        ("peak 512 MB", "peak 1.2 MB"),
        ("[1. 2.]", "[1.  2.]"),
        ("in 0.5000001.", "in 0.5000002."),
    ],
)
def test_what_may_differ(new: str, reference: str) -> None:
    assert same(new, reference)


@pytest.mark.parametrize(
    ("new", "reference"),
    [
        ("0.613", "0.614"),
        ("-0.613", "0.613"),
        ("−0.613", "0.613"),
        ("12", "13"),
        ("1,234", "1,235"),
        ("12", "12.0"),
        ("blue 0.5", "green 0.5"),
        ("0.5 0.5", "0.5"),
        ("0.5\n0.5", "0.5 0.5"),
        ("user_12", "user_13"),
        ("1.5M", "1.6M"),
        ("v1.2.3", "v1.2.4"),
        ("nan", "0.5"),
        ("half-life 151 min", "half-life 152 min"),
        ("age 17 h", "age 18 h"),
        ("There are 812.", "There are 813."),
        ("3 messages", "4 messages"),
    ],
)
def test_what_may_not(new: str, reference: str) -> None:
    assert not same(new, reference)


def test_trained_cells_allow_whole_numbers_too() -> None:
    assert same("found 1,010 of 2,000", "found 1,000 of 2,000", LOOSE)
    assert not same("found 1,030 of 2,000", "found 1,000 of 2,000", LOOSE)
    assert not same("found 1,010 of 2,000", "found 1,000 of 2,000", Tolerance(rtol=0.02))
    assert not same("user_12", "user_13", Tolerance(rtol=1.0, whole=True))


def test_tolerance_is_read_from_the_tags() -> None:
    assert Tolerance.from_tags([]) == Tolerance()
    assert Tolerance.from_tags(["hide-input", "rtol=5e-3", "atol=1e-9"]) == Tolerance(rtol=5e-3, atol=1e-9)
    assert Tolerance.from_tags(["trained"]) == Tolerance(rtol=TRAINED_RTOL, whole=True)
    assert Tolerance.from_tags(["trained", "rtol=0.1"]) == Tolerance(rtol=0.1, whole=True)
    with pytest.raises(ValueError, match="wide"):
        Tolerance.from_tags(["rtol=wide"])


def test_numbers_near_zero_need_an_absolute_part() -> None:
    assert same("1.3e-17", "-2.1e-17")
    assert not same("1.3e-07", "-2.1e-07")
    assert same("0.0004", "-0.0003", Tolerance(atol=1e-3))


TABLE = """<table><thead><tr><th></th><th>in</th><th>ms</th></tr></thead>
<tbody><tr><th>0</th><td>500</td><td>{ms}</td></tr><tr><th>1</th><td>{count}</td><td>0.2</td></tr></tbody></table>"""


def test_a_column_of_milliseconds_is_masked_in_html() -> None:
    reference = TABLE.format(ms="0.413", count=480)
    assert same(TABLE.format(ms="12.9", count=480), reference, html=True)
    assert not same(TABLE.format(ms="0.413", count=479), reference, html=True)


def test_a_masked_column_is_found_below_merged_cells() -> None:
    table = (
        "<table><tr><th>stage</th><th>name</th><th>time (s)</th><th>n</th></tr>"
        '<tr><th rowspan="2">fetch</th><td>a</td><td>{0}</td><td>{1}</td></tr>'
        "<tr><td>b</td><td>{2}</td><td>7</td></tr></table>"
    )
    reference = table.format("1.5", 3, "2.5")
    assert same(table.format("9.5", 3, "8.5"), reference, html=True)
    assert not same(table.format("1.5", 4, "2.5"), reference, html=True)


def test_a_column_of_milliseconds_is_masked_in_text() -> None:
    text = "  stage   in      ms\n0 fetch  500  {ms:>6}\n1 score  {count}   0.200\n\n  total  500"
    reference = text.format(ms=0.413, count=480)
    assert same(text.format(ms=12.9, count=480), reference)
    assert not same(text.format(ms=0.413, count=479), reference)
    assert not same(reference.replace("total  500", "total  501"), reference)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.floats(-1, 1))
def test_a_float_passes_just_when_it_is_near(value: float, part: float) -> None:
    tolerance = Tolerance(rtol=0.01, atol=0.0)
    new = value * (1 + 0.03 * part)
    expected = abs(float(f"{new:.12e}") - float(f"{value:.12e}")) <= 0.01 * abs(float(f"{value:.12e}"))
    assert same(f"x = {new:.12e}", f"x = {value:.12e}", tolerance) == expected


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_whole_numbers_are_exact(a: int, b: int) -> None:
    assert same(f"n = {a:,}", f"n = {b:,}") == (a == b)
    assert same(f"n = {a}", f"n = {b}") == (a == b)


@given(st.text())
def test_any_text_equals_itself(text: str) -> None:
    assert same(text, text)
    assert same(text, text, LOOSE, html=True)
