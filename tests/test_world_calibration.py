"""The world looks as it should: the calibration table, and the parameters that it froze."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from published import Published

from prep.calibration import calibration_table, targets
from prep.facts import gini, tail_exponent, top_share
from prep.generate_dataset import generate_dataset
from prep.world import make_world

FROZEN = "d1d97f6dfcb54fd5"
"""Fingerprint of the parameters with which the table was measured. Who changes a parameter measures
everything again, writes it into LOG.md, and then changes this."""

read = functools.cache(Published)
ROOT = Path(__file__).resolve().parents[1]


def failures(folder, tier):
    """What lies outside its band: row, measured, band."""
    table = calibration_table(json.loads((folder / "manifest.json").read_text()))
    outside = table[(table.tier == tier) & ~table.passed]
    return outside[["measured", "low", "high"]].to_dict("index")


def test_the_parameters_are_frozen():
    assert make_world().fingerprint() == FROZEN
    assert make_world("tiny").fingerprint() == FROZEN


@pytest.mark.course
def test_every_row_of_the_table_lies_in_its_band(course):
    assert failures(course, "A") == {}


@pytest.mark.course
@pytest.mark.slow
def test_every_row_lies_in_its_band_with_another_seed(tmp_path):
    assert failures(generate_dataset("course", 1_234, tmp_path / "other", progress=False), "A") == {}


def test_the_table_says_what_was_published_and_when():
    rows = targets()
    assert len({row.row for row in rows}) == len(rows)
    assert {row.tier for row in rows} == {"A", "B"}
    for row in rows:
        assert row.low <= row.target <= row.high, row.row
        assert row.published, row.row
        assert row.statistic, row.row


def test_a_manifest_holds_the_table(tiny):
    table = calibration_table(read(tiny).manifest)
    assert table.index.tolist() == [row.row for row in targets()]
    inside = (table.low <= table.measured) & (table.measured <= table.high)
    assert (inside == table.passed).all()


def test_the_small_world_is_not_absurd(tiny):
    """What survives at 500 users: degrees, reciprocity, inequality, one component, likes, who writes."""
    measured = calibration_table(read(tiny).manifest).measured
    assert 8 < measured["G1"] < 20
    assert measured["G9"] > 0.3
    assert measured["G3"] > 0.6
    assert measured["G13 weak"] > 0.9
    assert measured["A1"] > 0.5  # no author may write more than a hundredth of 10,000 tweets
    for name, wanted in zip(("like", "reply", "retweet", "click"), (0.065, 0.0075, 0.010, 0.05), strict=True):
        happened = read(tiny).impressions[name]
        # users differ, so counts spread more than by chance alone: a design effect of three
        slack = 4 * np.sqrt(3 / (wanted * len(happened))) + 0.1
        assert happened.mean() == pytest.approx(wanted, rel=slack), name


# --- the statistics themselves ------------------------------------------------------------------


def test_gini_of_known_distributions():
    assert gini(np.full(50, 3)) == pytest.approx(0.0)
    assert gini(np.array([0, 0, 0, 10])) == pytest.approx(0.75)
    assert gini(np.array([1, 2, 3, 4])) == pytest.approx(0.25)


def test_top_share_of_known_distributions():
    assert top_share(np.arange(1, 11), 0.1) == pytest.approx(10 / 55)
    assert top_share(np.full(40, 2), 0.25) == pytest.approx(0.25)


def test_the_tail_exponent_finds_the_exponent_of_a_power_law():
    rng = np.random.default_rng(0)
    x = np.floor(20 * (1 - rng.random(200_000)) ** (-1 / 1.3))
    assert tail_exponent(x.astype(np.int64)) == pytest.approx(2.3, abs=0.05)


# --- rows measured again, naively ---------------------------------------------------------------


def test_rows_of_the_table_against_naive_counting(tiny):
    world, measured = read(tiny), calibration_table(read(tiny).manifest).measured
    edges = set(
        zip(world.follows["follower_id"].tolist(), world.follows["followed_id"].tolist(), strict=True)
    )
    by_tweet, seen_before = {}, 0
    impressions = world.impressions
    for tweet, at in zip(impressions["tweet_id"].tolist(), impressions["shown_at"].tolist(), strict=True):
        ages = by_tweet.setdefault(tweet, [])
        seen_before += len(ages) < 3
        ages.append(at)
    born = dict(zip(world.tweets["tweet_id"].tolist(), world.tweets["created_at"].tolist(), strict=True))
    medians = [
        np.median(np.array(ages) - born[tweet]) / 60_000
        for tweet, ages in by_tweet.items()
        if len(ages) >= 5 and born[tweet] < world.end - 48 * 3_600_000
    ]
    stranger = [
        (user, author) not in edges
        for user, author in zip(
            impressions["user_id"].tolist(), world.tweets["author_id"][world.shown].tolist(), strict=True
        )
    ]
    expected = {
        "G1": len(edges) / len(world.users),
        "G9": np.mean([(b, a) in edges for a, b in edges]),
        "A3": 1 - len(set(world.tweets["author_id"].tolist())) / len(world.users),
        "A6": np.mean(world.tweets["reply_to"] >= 0),
        "E18": np.median(medians),
        "E24": seen_before / len(impressions),
        "E25": np.mean(impressions["source"] == "random"),
        "T8": np.mean(world.hidden["tweets"]["topic"] != world.tweets["topic_id"]),
    }
    for row, value in expected.items():
        assert measured[row] == pytest.approx(value, abs=2e-6), row
    assert np.mean(stranger) <= measured["E11"] + 1e-6, "edges of the end include those to come"


def test_every_source_that_prep_names_is_in_the_bibliography():
    keys = re.findall(r"@\w+\{(\w+),", (ROOT / "book" / "references.bib").read_text(encoding="utf-8"))
    named = [
        (path.name, word)
        for path in (ROOT / "prep").glob("*.py")
        for word in re.findall(r"\b[a-z]+(?:19|20)\d\d[a-z]+\b", path.read_text(encoding="utf-8"))
    ]
    assert len(named) > 8
    assert not [place for place in named if place[1] not in keys]


def test_a_small_world_has_a_manifest_that_is_json(tiny):
    def refuse(constant):
        raise AssertionError(constant)

    manifest = json.loads((tiny / "manifest.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert calibration_table(manifest)["measured"].dtype == float
