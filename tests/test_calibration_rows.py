"""The calibration table as readers see it: nothing left out, nothing shown in the wrong unit."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from mimic import MimicError
from mimic.course.calibration import (
    GROUPS,
    NEAR,
    PUBLISHED,
    RANGES,
    band_met,
    base_rate_words,
    base_rates,
    calibration_rows,
    counted,
    group_of,
    ratio,
    some_rows,
)
from mimic.schema import RESPONSES
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
        assert f" | {target.published} | " in lines[0]


def test_open_rows_come_first_and_are_not_repeated(calibration):
    shown = calibration_rows(calibration, "follows", ["G16", "G9"])
    first, second = repr(shown).splitlines()[:2]
    assert ROWS["G16"].statistic in first
    assert ROWS["G9"].statistic in second
    html = shown._repr_html_()
    assert html.index(ROWS["G9"].statistic) < html.index("<details") < html.index(ROWS["G1"].statistic)
    assert html.count(f">{ROWS['G9'].statistic}<") == 1


def test_a_part_may_be_folded_whole(calibration):
    html = calibration_rows(calibration, "text", [])._repr_html_()
    assert html.index("<details") < html.index("<table")
    assert html.count("<table") == 1


def test_rows_of_any_part_can_stand_together(calibration):
    shown = some_rows(calibration, ["E12", "G19 tweets"], name="two rows")
    assert [line.split(" | ")[1] for line in repr(shown).splitlines()] == [
        ROWS["E12"].statistic,
        ROWS["G19 tweets"].statistic,
    ]
    assert "<details" not in shown._repr_html_()


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("G9", "41 % | ✓ | ✗ missed | 37 to 45 %"),
        ("G3", "0.74 | ✓ | ✓ | 0.7 to 0.78"),
        ("G1", "50 | × 1.4 | ✓ | 44 to 56"),
        ("G10", "11 % | × 0.16 | ✓ | 5 to 20 %"),
        ("E9", "−0.2 | – | ✓ | −0.3 to −0.12"),
        ("rate report", "0.02 % | × 14.3 | ✓ | 0.017 to 0.023 % °"),
    ],
)
def test_shares_are_in_per_cent_and_other_numbers_are_not(calibration, row, says):
    line = repr(calibration_rows(calibration, group_of(row), [row])).splitlines()[0]
    assert line.replace("\N{NO-BREAK SPACE}", " ").endswith(says)


def test_rows_are_counted_by_tier_and_by_nearness(calibration):
    tiers = calibration["tier"].value_counts()
    compared = [row for row in ROWS if row in PUBLISHED or row in RANGES]
    near = [row for row in compared if abs(ratio(calibration, row) - 1) <= NEAR]
    assert 0 < len(near) < len(compared)
    assert counted(calibration) == (
        f"In their band: {tiers['A'] - 1} of {tiers['A']} rows of tier A (tested), "
        f"{tiers['B'] - 1} of {tiers['B']} of tier B (shown). "
        f"Near what was published: {len(near)} of {len(compared)} that can be compared."
    )


@pytest.mark.parametrize(
    ("row", "measured", "over"),
    [
        ("G1", 70, 2),
        ("G9", 0.40, 1),
        ("G9", 0.18, 0.5),
        ("G9", 0.84, 2),
        ("T1 at 280", 0, 0),
        ("E12", 0.6, None),
    ],
)
def test_a_ratio_is_to_the_nearest_published_figure(calibration, row, measured, over):
    calibration.loc[row, "measured"] = measured
    assert ratio(calibration, row) == pytest.approx(np.nan if over is None else over, nan_ok=True)


@pytest.mark.parametrize(
    ("measured", "where"), [(0.756, "above"), (0.75, "inside"), (0.6, "inside"), (0.54, "below")]
)
def test_a_sentence_knows_where_a_row_lies(calibration, measured, where):
    calibration.loc["E12", "measured"] = measured
    assert band_met(calibration, "E12") == f"{where} its band"


def test_base_rates_know_what_is_only_a_bound(calibration):
    rates = base_rates(calibration, {name: float(ROWS[f"rate {name}"].target) for name in RESPONSES})
    assert rates["measured"].is_monotonic_decreasing
    assert dict(rates["bound"][rates["bound"] != ""]) == {"click": "over", "not_interested": "under"}
    words = base_rate_words(rates)
    assert words.loc["click"].tolist() == ["over 0.3 %", "5 %", "under × 16.7"]
    assert words.loc["not interested"].tolist() == ["under 0.28 %", "0.3 %", "over × 1.1"]
    assert words.loc["report"].tolist() == ["0.0014 %", "0.02 %", "× 14.3"]
    assert words.loc["block"].tolist() == ["not known", "0.03 %", "not known"]


def test_a_row_of_no_part_is_an_error():
    with pytest.raises(MimicError, match="belongs to no part"):
        group_of("X1")


@pytest.mark.parametrize("row", [row for row in (*PUBLISHED, *RANGES) if row != "E11"])  # "about half"
def test_published_numbers_are_those_of_the_table(row):
    said = [float(number) for number in re.findall(r"(?<![\w.])\d*\.?\d+", ROWS[row].published)]
    scales = (1, 100, 1 / 30)  # as it is, in per cent, a day
    for wanted in RANGES.get(row, (PUBLISHED.get(row),)):
        assert any(wanted == pytest.approx(number / scale) for number in said for scale in scales)
