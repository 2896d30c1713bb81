"""The calibration table as readers see it: nothing left out, nothing shown in the wrong unit."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from mimic import MimicError
from mimic.course.calibration import GROUPS, PUBLISHED, calibration_rows, counted, group_of
from prep.calibration import targets

ROWS = {target.row: target for target in targets()}


@pytest.fixture
def calibration():
    """All rows, measured as they were aimed at, but for one miss of each tier."""
    table = pd.DataFrame([vars(target) for target in ROWS.values()]).set_index("row")
    table["measured"], table["passed"] = table["target"], True
    table.loc[["G9", "G14"], "passed"] = False
    return table


def test_every_row_stands_in_one_part_and_is_shown_there(calibration):
    shown = {group: repr(calibration_rows(calibration, group, [])).splitlines()[:-1] for group in GROUPS}
    assert sum(map(len, shown.values())) == len(ROWS)
    for row, target in ROWS.items():
        lines = [line for line in shown[group_of(row)] if f" | {target.statistic} | " in line]
        assert len(lines) == 1, row
        assert target.published in lines[0]


def test_open_rows_come_first_and_are_not_repeated(calibration):
    shown = calibration_rows(calibration, "follows", ["G16", "G9"])
    first, second = repr(shown).splitlines()[:2]
    assert ROWS["G16"].statistic in first
    assert ROWS["G9"].statistic in second
    html = shown._repr_html_()
    assert html.index(ROWS["G9"].statistic) < html.index("<details") < html.index(ROWS["G1"].statistic)
    assert html.count(f">{ROWS['G9'].statistic}<") == 1


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("G9", "41 % | 37 to 45 % | 41 % | ✗ missed"),
        ("G3", "0.74 | 0.7 to 0.78 | 0.74 | ✓"),
        ("G1", "50 | 44 to 56 | 50 | ✓"),
        ("E9", "−0.2 | −0.3 to −0.12 | −0.2 | ✓"),
        ("rate report", "0.02 % | 0.017 to 0.023 % ° | 0.02 % | ✓"),
    ],
)
def test_shares_are_in_per_cent_and_other_numbers_are_not(calibration, row, says):
    line = repr(calibration_rows(calibration, group_of(row), [row])).splitlines()[0]
    assert line.replace("\N{NO-BREAK SPACE}", " ").endswith(says)


def test_misses_are_counted_by_tier(calibration):
    tiers = calibration["tier"].value_counts()
    assert counted(calibration) == (
        f"In their band: {tiers['A'] - 1} of {tiers['A']} rows of tier A (tested), "
        f"{tiers['B'] - 1} of {tiers['B']} of tier B (shown)."
    )


def test_a_row_of_no_part_is_an_error():
    with pytest.raises(MimicError, match="belongs to no part"):
        group_of("X1")


@pytest.mark.parametrize("row", [row for row in PUBLISHED if row != "E11"])  # "about half"
def test_published_numbers_are_those_of_the_table(row):
    said = [float(number) for number in re.findall(r"(?<![\w.])\d*\.?\d+", ROWS[row].published)]
    assert any(PUBLISHED[row] == pytest.approx(number / scale) for number in said for scale in (1, 100))
