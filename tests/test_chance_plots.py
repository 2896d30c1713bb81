"""Reliability and waterfall: an honest judge passes, a biased one is seen, a sum is drawn as a sum."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mimic import MimicError, plots
from mimic.plots import add_up, reliability, reliability_table, waterfall


def coins(seed, size=60_000):
    rng = np.random.default_rng(seed)
    chances = 1 / (1 + np.exp(-rng.normal(-2.5, 1.2, size)))
    return chances, rng.random(size) < chances


def missed(table):
    return (table["low"] > 1) | (table["high"] < 1)


def test_bins_keep_all_rows_and_expect_enough():
    stated, happened = coins(0)
    table = reliability_table(stated, happened, bins=30, least=150)
    assert table["rows"].sum() == len(stated)
    assert table["expected"].sum() == pytest.approx(stated.sum())
    assert table["observed"].sum() == happened.sum()
    assert table["expected"].min() >= 150
    assert table["stated"].is_monotonic_increasing
    assert 5 <= len(table) <= 30


def test_honest_coins_miss_about_one_interval_in_twenty():
    tables = pd.concat([reliability_table(*coins(seed)) for seed in range(20)])
    assert 0.02 < missed(tables).mean() < 0.09


def test_a_biased_judge_is_seen():
    stated, happened = coins(1)
    assert missed(reliability_table(stated * 0.9, happened)).mean() > 0.5
    assert missed(reliability_table(np.full(len(stated), 0.5), happened)).all()


def test_few_events_make_one_bin():
    table = reliability_table([0.5, 0.25, 0.25], [True, False, False], least=200)
    assert table.loc[0, ["rows", "expected", "observed", "ratio"]].tolist() == [3, 1, 1, 1]


@pytest.mark.parametrize(
    ("stated", "happened"), [([0.1, 0.2], [True]), ([], []), ([0.0, 0.1], [True, False]), ([np.nan], [True])]
)
def test_what_cannot_be_binned_is_refused(stated, happened):
    with pytest.raises(MimicError, match="probabilities above 0"):
        reliability_table(stated, happened)


def test_reliability_marks_what_misses():
    stated, happened = coins(2)
    table = reliability_table(stated * np.where(stated > 0.3, 0.8, 1.0), happened)
    drawn = reliability(table, events="likes")
    squares = [line for line in drawn.axes[0].get_lines() if line.get_marker() == "s"]
    assert sum(len(line.get_xdata()) for line in squares) == missed(table).sum() > 0
    assert drawn.axes[0].get_ylabel() == "likes seen per likes expected"
    assert len(plots.picture(drawn)[0]) > 1000


def test_a_waterfall_ends_where_its_terms_add_up_to():
    terms = {"everybody": -3.0, "friend": 1.5, "age": -0.25, "nothing": 0.0}
    drawn = waterfall(terms, total="all together")
    axes = drawn.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [*terms, "all together"]
    bars = [(bar.get_x(), bar.get_width()) for bar in axes.patches]
    assert bars == [(-3.0, 1.5), (-1.5, -0.25), (-1.75, 0.0)]
    said = [text.get_text().strip() for text in axes.texts]
    assert said == ["−3.00", "+1.50", "−0.25", "+0.00", "−1.75, a chance of 14.8 %"]
    assert len(plots.picture(drawn)[0]) > 1000


@pytest.mark.parametrize("decimals", [1, 2, 3])
def test_printed_terms_add_up_to_the_printed_sum(decimals):
    rng, unit = np.random.default_rng(3), 10.0**-decimals
    for _ in range(200):
        terms = {str(i): value for i, value in enumerate(rng.normal(size=13) * rng.integers(0, 2, 13))}
        said = {name: float(f"{value:.{decimals}f}") for name, value in add_up(terms, decimals).items()}
        assert sum(said.values()) == pytest.approx(round(sum(terms.values()), decimals), abs=1e-9)
        assert all(abs(said[name] - terms[name]) <= unit + 1e-9 for name in terms)
        assert all(str(said[name]) == "0.0" for name in terms if terms[name] == 0)


def test_a_waterfall_prints_what_adds_up():
    terms = {f"term {i}": 0.333 for i in range(9)}  # rounded one by one they would make 2.7
    drawn = waterfall(terms, decimals=1)
    said = [text.get_text().strip() for text in drawn.axes[0].texts]
    assert sum(float(words) for words in said[:-1]) == pytest.approx(3.0)
    assert said[-1].startswith("3.0, a chance of")


@pytest.mark.parametrize("terms", [{}, {"one": 1.0}, {"one": 1.0, "two": np.nan}])
def test_a_waterfall_of_nothing_is_refused(terms):
    with pytest.raises(MimicError, match="at least two terms"):
        waterfall(terms)
