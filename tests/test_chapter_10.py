"""Chapter 10: what every source found, ways to spend a budget, the sum of a score, an event, its figures."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from mimic import DataLoader, MimicError
from mimic.course import check, product_at
from mimic.course.chapter_10 import (
    NAMES,
    Found,
    Remembered,
    benchmark_table,
    bursts_at,
    cold,
    found_by,
    in_turn,
    mix,
    opened,
    per_hour,
    remembered_answers,
    summed_up,
    voices_of,
)
from mimic.data_loader import HOUR_MS
from mimic.evaluation import sample_users
from mimic.plots.five_hundred import finders, hourly
from mimic.retrieval.two_tower import TwoTower
from prep import Oracle


@pytest.fixture(scope="module")
def data(tiny):
    return DataLoader.open(tiny)


@pytest.fixture(scope="module")
def oracle(tiny):
    return Oracle.open(tiny)


@pytest.fixture(scope="module")
def machine(data):
    return product_at(data, chapter=10)


@pytest.fixture(scope="module")
def readers(data, oracle, machine):
    users = sample_users(data, 6, rng=np.random.default_rng(0))
    return opened(data, Remembered(oracle), machine, users)


def by_hand(seed=None):
    """A reader of twenty tweets, all worth their number; or one drawn at random."""
    everything = np.arange(20)
    lists = {name: np.zeros(0, np.int64) for name in NAMES.values()}
    lists |= {"in-network": np.array([1, 2]), "graph": np.array([19]), "trends": np.array([5])}
    lists |= {"towers": np.array([18, 17, 16]), "topics": np.array([17, 3]), "SimClusters": np.array([18, 4])}
    if seed is not None:
        rng = np.random.default_rng(seed)
        lists = {name: rng.choice(20, 4 + k, replace=False) for k, name in enumerate(lists)}
    engines = [lists[name] for name in ("towers", "topics", "SimClusters", "trends")]
    ranked = np.unique(np.concatenate(engines))[::-1]
    return Found(
        user=0,
        user_id=1,
        lists=lists,
        ranked=ranked,
        eligible=everything,
        value=everything.astype(float),
        best=everything[::-1][:10],
    )


# ---------------------------------------------------------------- what was found


def test_only_what_may_be_shown_stands_in_the_lists(data, oracle, readers):
    for one in readers:
        allowed = data.tweet_rows(oracle.eligible(one.user_id, data.now))
        assert list(one.lists) == list(NAMES.values())
        assert all(np.isin(rows, allowed).all() for rows in one.lists.values())
        assert (data.tweet_rows(oracle.best(one.user_id, data.now, 100)) == one.best).all()
        assert one.held(one.eligible) == len(one.best)
        assert one.most == one.worth(one.eligible)


def test_a_remembered_oracle_says_what_the_oracle_says(data, oracle, readers):
    again, user = Remembered(oracle), readers[0].user_id
    assert (again.best(user, data.now, 30) == oracle.best(user, data.now, 30)).all()
    assert (again.eligible(user, data.now) == oracle.eligible(user, data.now)).all()
    feed = again.best(user, data.now, 5)
    assert again.feed_value(user, feed, data.now) == oracle.feed_value(user, feed, data.now)
    assert (again.best_order(user, feed, data.now) == oracle.best_order(user, feed, data.now)).all()


def test_another_product_cannot_be_opened(data, oracle):
    odd = product_at(data, chapter=10, sources=product_at(data, chapter=1).sources[::-1])
    with pytest.raises(MimicError, match="in-network source first"):
        opened(data, oracle, odd, [42])


# ---------------------------------------------------------------- ways to spend


def test_the_mix_by_hand():
    one = by_hand()
    assert mix(one, budget=50).tolist() == [1, 2, 19, 5, 18, 17, 16, 4, 3]
    assert mix(one, budget=50, without="towers").tolist() == [1, 2, 19, 5, 18, 17, 4, 3]
    assert mix(one, budget=50, without="trends").tolist() == [1, 2, 19, 18, 17, 16, 4, 3]
    assert in_turn(one, budget=50).tolist() == [1, 2, 19, 18, 17, 3, 4, 16]
    assert in_turn(one, budget=50, without="topics").tolist() == [1, 2, 19, 18, 17, 4, 16]
    assert in_turn(one, budget=50, engines=("topics",)).tolist() == [1, 2, 19, 17, 3]


def test_no_way_spends_more_or_anything_twice(readers):
    for one in readers:
        for way in (mix, in_turn):
            for budget in (0, 50, 500):
                rows = way(one, budget)
                assert len(rows) == len(set(rows.tolist())) <= budget
                assert np.isin(rows, one.eligible).all()


def test_finders_are_counted():
    one = by_hand()
    assert found_by(one).tolist() == [1, 2, 2, 1, 0, 0, 0, 0, 0, 0]
    assert found_by(one, np.array([3, 5, 0])).tolist() == [1, 1, 0]


def test_cold_tweets_have_no_engagement(data):
    rows = np.arange(len(data.tweets))
    liked = data.counts("like") > 0
    assert not (cold(data, rows) & liked).any()


# ---------------------------------------------------------------- the benchmark


def test_a_benchmark_of_another_data_set_is_not_shown(data, tmp_path):
    line = {"value": 0.5, "low": 0.4, "high": 0.6, "se": 0.1, "n": 3}
    document = {"data": {"checksum": "another"}, "tables": {"candidates": {"mix": {"coverage": line}}}}
    (tmp_path / "five_hundred-a.json").write_text(json.dumps(document), encoding="utf-8")
    assert benchmark_table(tmp_path, data, "candidates").empty
    document["data"]["checksum"] = data.manifest.checksum
    (tmp_path / "five_hundred-b.json").write_text(json.dumps(document), encoding="utf-8")
    assert benchmark_table(tmp_path, data, "candidates").loc["mix", ("coverage", "low")] == 0.4
    assert benchmark_table(tmp_path, data, "no such table").empty


# ---------------------------------------------------------------- the light ranker and its column


def test_a_score_is_the_sum_of_its_lines(machine, readers):
    ranker = machine.sources[-1].source.ranker
    one = readers[0]
    for most in (3, 99):
        sheet = summed_up(ranker, one.user, int(one.ranked[0]), most=most)["weight"]
        assert np.isclose(sheet["score"], ranker.score(one.user, one.ranked[:1])[0])
        assert np.isclose(sheet.drop("score").sum(), sheet["score"])


def test_towers_are_asked_about_strangers_tweets_that_were_shown(data):
    towers = TwoTower.of(data)
    rows = remembered_answers(data, {"late": towers}, data.now - 24 * HOUR_MS, data.now)
    assert list(rows) == ["user", "answered", "late"]
    assert len(rows)
    log = data.impressions
    assert len(rows) <= (log["shown_at"] >= data.now - 24 * HOUR_MS).sum()
    assert rows["late"].abs().max() <= towers.sharpness * 1.001


# ---------------------------------------------------------------- an event


def test_hours_add_up_to_the_voices(data):
    topic = int(np.bincount(data.tweets["topic"]).argmax())
    start = data.now - 24 * HOUR_MS
    counts = per_hour(data, topic, start, 24)
    assert len(counts) == 24
    assert counts.sum() == len(voices_of(data, topic, start, data.now))


def test_trends_are_asked_at_each_moment(data):
    moments = [data.now - HOUR_MS, data.now]
    assert [at for at, _ in bursts_at(data, moments)] == moments


# ---------------------------------------------------------------- the exercise


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_warm_up_knows_what_went_wrong(seed):
    one = by_hand(seed)
    by = found_by(one)
    assert check.found_once((by == 1).sum(), one)
    for wrong, said in (((by >= 1).sum(), "found at all"), (by.sum() + 1000, "Not this one")):
        outcome = check.found_once(wrong, one)
        assert not outcome
        assert said in outcome.message


def test_each_misconception_has_its_own_words():
    one = by_hand()
    for wrong, said in ((4, "found at all"), (6, "nobody"), (7, "good or not")):
        outcome = check.found_once(wrong, one)
        assert not outcome, wrong
        assert said in outcome.message
    assert check.found_once(2, one)


# ---------------------------------------------------------------- figures


def test_finders_are_drawn_in_two_parts():
    table = pd.DataFrame({"alone": [20.0, 0.0], "with others": [5.0, 9.0]}, index=["in-network", "topics"])
    drawn = finders(table, best=100, xlabel="of the best hundred")
    assert [text.get_text() for text in drawn.axes[0].texts] == ["20.0 + 5.0", "0.0 + 9.0"]
    with pytest.raises(MimicError, match="with others"):
        finders(table[["alone"]], best=100, xlabel="x")


@pytest.mark.parametrize("found", [3.5, np.nan])
def test_hours_are_drawn_with_and_without_a_find(found):
    counts = np.array([0, 1, 2, 9])
    drawn = hourly(counts, 1.2, labels=["00", "01", "02", "03"], found=found, ylabel="tweets")
    said = [text.get_text() for text in drawn.axes[0].texts]
    assert said[0] == "usual: 1.2"
    assert (len(said) == 2) == np.isfinite(found)
