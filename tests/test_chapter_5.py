"""Chapter 5: what stands in its tables is what the parts say, and its figures draw what they are given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from worlds import random_world

from mimic import DataLoader, MimicError
from mimic.course import check
from mimic.course.chapter_5 import (
    HEAVIER,
    Asked,
    Network,
    best_kept,
    counts_of,
    heavier,
    network_posts,
    networks,
    stairs,
    village_posts,
    worked,
)
from mimic.models.logistic import BinnedLogit
from mimic.palette import INK, WARNING
from mimic.plots.in_network import budgets, posting_lists, staircases
from mimic.retrieval.earlybird import TimeIndex
from mimic.retrieval.light_ranker import LIGHT_FEATURES, LightRanker
from mimic.retrieval.real_graph import RealGraph
from mimic.schema import ENGAGEMENTS

WORLDS = ("tiny", 0, 1, 2)


@pytest.fixture(scope="module", params=WORLDS, ids=str)
def data(request, tmp_path_factory):
    if request.param == "tiny":
        return DataLoader.open(request.getfixturevalue("tiny"))
    folder = tmp_path_factory.mktemp(f"world{request.param}")
    sizes = {"users": 90, "tweets": 6000, "follows": 2200, "impressions": 30_000}
    return DataLoader.open(random_world(folder, seed=request.param, **sizes))


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(3)
    features = rng.exponential(2.0, (4000, len(LIGHT_FEATURES)))
    happened = rng.random(4000) < 1 / (1 + np.exp(1 - features[:, 0]))
    return BinnedLogit.fit(features, happened, np.ones(4000), (0.25, 0.5, 0.75))


def test_the_village_has_its_retweets_in_order_of_time():
    posts = village_posts()
    mine = posts[posts["poster"].isin(["ben", "chloe"])]
    assert mine["tweet_id"].tolist() == [102, 103, 109, 110, 111]
    assert mine["author"].tolist() == ["ben", "hana", "chloe", "hana", "ben"]
    assert posts["hours"].is_monotonic_decreasing
    assert not {101, 112} & set(posts["tweet_id"])  # too old, and not written yet


def network(value, best):
    n = len(value)
    return Network(
        user_id=7,
        user=0,
        tweets=np.arange(n)[::-1],
        retweeters=np.full(n, -1),
        features=np.zeros((n, len(LIGHT_FEATURES))),
        value=np.array(value, float),
        best=np.array(best),
    )


def test_what_a_budget_keeps_by_hand():
    read = [network([0.5, 0.1, 0.4, 0.2], [True, False, True, False]), network([0.3, 0.6], [False, True])]
    scores = {"newest": [-np.arange(4), -np.arange(2)], "truth": [one.value for one in read]}
    kept = best_kept(read, scores, 1)
    assert kept["newest"].tolist() == [0.5, 0.0]
    assert kept["truth"].tolist() == [0.5, 0.6]
    assert kept["all"].tolist() == pytest.approx([0.9, 0.6])
    counted = best_kept(read, scores, 2, count=True)
    assert counted["newest"].tolist() == [1, 1]
    assert counted["truth"].tolist() == counted["all"].tolist() == [2, 1]


def test_what_has_no_score_is_kept_last():
    read = [network([0.5, 0.1, 0.9], [True, False, True])]
    score = np.array([0.1, 0.2, -np.inf])
    assert best_kept(read, {"stopped": [score]}, 2)["stopped"].tolist() == [0.5]


def test_a_sheet_adds_up_to_the_score(model):
    row = np.random.default_rng(5).exponential(2.0, len(LIGHT_FEATURES))
    sheet = worked(model, row)
    assert float(sheet.loc["score", "weight"]) == pytest.approx(model.log_odds(row[None])[0])
    assert list(sheet.index) == [*LIGHT_FEATURES, "everybody starts with", "score"]
    ends, _ = stairs(model, "tie")
    low = worked(model, np.full(len(LIGHT_FEATURES), ends[0]))
    assert low.loc["tie", "bin"] == f"to {ends[0]:.3g}"  # an end belongs to the bin below it
    assert low.loc["tie", "weight"] == stairs(model, "tie")[1][0]


def test_networks_hold_what_is_eligible_and_its_truth(data):
    ties = RealGraph.of(data)
    ranker = LightRanker.of(data, ties)
    ids = data.tweets["tweet_id"][data.since("tweets") :: 2]  # every other tweet may be shown

    class Truth:
        def values_of_eligible(self, user_id, at):
            assert at == data.now
            return ids, np.sin(ids.astype(float))

    users = data.users["user_id"][np.argsort(-data.following.sizes)[:3]]
    for user_id, one in zip(users, networks(data, Truth(), ranker, users), strict=True):
        posts = network_posts(data, TimeIndex.of(data), data.user_row(user_id))
        own = data.tweets["tweet_id"][one.tweets]
        assert own.tolist() == [i for i in data.tweets["tweet_id"][posts.tweets] if i in set(ids)]
        assert np.allclose(one.value, np.sin(own.astype(float)))
        hundred = set(ids[np.argsort(-np.sin(ids.astype(float)))[:100]])
        assert one.best.tolist() == [i in hundred for i in own]
        assert one.features.shape == (len(own), len(LIGHT_FEATURES))


def test_counts_as_of_another_moment_change_only_counts(data):
    tweets = np.arange(len(data.tweets))[-50:]
    features = np.full((50, len(LIGHT_FEATURES)), -3.0)
    changed = pd.DataFrame(counts_of(data, tweets, features), columns=list(LIGHT_FEATURES))
    for name in LIGHT_FEATURES:
        expected = data.counts(name)[tweets] if name in ENGAGEMENTS else features[:, 0]
        assert changed[name].tolist() == expected.tolist()
    assert (features == -3.0).all()


def test_heavier_columns_know_no_later_event(data):
    rng = np.random.default_rng(2)
    rows = rng.integers(0, len(data.impressions), 40)
    log = data.impressions
    viewers, tweets, at = log["user"][rows], log["tweet"][rows], log["shown_at"][rows]
    light = np.zeros((40, len(LIGHT_FEATURES)))
    table = pd.DataFrame(
        heavier(data, viewers, tweets, at, light)[:, light.shape[1] :], columns=list(HEAVIER)
    )
    for i in range(40):
        then = data.as_of(int(at[i]))
        shown, answers = then.impressions, then.interactions
        author = data.tweets["author"][tweets[i]]
        assert table["showings"][i] == (shown["tweet"] == tweets[i]).sum()
        assert table["followers"][i] == len(then.followers.of(author))
        rate = ((answers["user"] == viewers[i]).sum() + 1) / ((shown["user"] == viewers[i]).sum() + 10)
        assert table["viewer_rate"][i] == pytest.approx(rate)
        assert table["letters"][i] == len(data.text(tweets[i : i + 1])[0])


def test_posts_lost_tells_ideas_apart(data):
    limit = 5
    asked = Asked(data=data, limit=limit)
    index = TimeIndex.of(data)
    posts = network_posts(data, index, asked.user)
    assert check.posts_lost(posts.searched - limit, data, limit=limit)
    copies = len(index.by_user.gather(data.following.of(asked.user))[1])
    wrong = {posts.searched, copies - limit, int((posts.retweeters < 0).sum()) - limit, limit, -1}
    outcomes = [check.posts_lost(n, data, limit=limit) for n in sorted(wrong - {posts.searched - limit})]
    assert not any(outcomes)
    assert len({outcome.message for outcome in outcomes}) == len(outcomes) >= 3
    assert "number" in check.posts_lost("many", data, limit=limit).message


# ---------------------------------------------------------------- figures


def test_posting_lists_stop_where_the_search_does():
    drawn = posting_lists(village_posts(), ["ben", "chloe"], limit=3)
    (axes,) = drawn.axes
    stop = [line.get_xdata()[0] for line in axes.lines if line.get_color() == WARNING]
    assert stop == [(6 + 27) / 2]
    hollow = [line for line in axes.lines if line.get_marker() == "D"]
    assert sorted(line.get_xdata()[0] for line in hollow) == [3.0, 27.0]
    assert [label.get_text() for label in axes.get_yticklabels()][:2] == ["@ben", "@chloe"]
    words = {text.get_text() for text in axes.texts}
    assert {"111", "103", "1.", "5.", "stop after 3"} <= words
    whole = posting_lists(village_posts(), ["ben", "chloe"], limit=9)
    assert not [line for line in whole.axes[0].lines if line.get_color() == WARNING]


def test_staircases_have_a_step_a_bin(model):
    panels = {name: stairs(model, name) for name in ("tie", "like", "age_hours")}
    drawn = staircases(panels, ylabel="weight")
    assert [axes.get_xlabel() for axes in drawn.axes] == list(panels)
    for axes, (ends, weights) in zip(drawn.axes, panels.values(), strict=True):
        (steps,) = axes.patches
        values, edges, _ = steps.get_data()
        assert values.tolist() == weights.tolist()
        assert edges[1:-1].tolist() == ends.tolist()
        assert (np.diff(edges) > 0).all()
    with pytest.raises(MimicError, match="3 weights"):
        staircases({"x": (np.zeros(2), np.zeros(2))}, ylabel="weight")
    staircases({"one bin": (np.zeros(0), np.zeros(1))}, ylabel="weight")


def test_budget_lines_and_their_names():
    table = pd.DataFrame({25: [8.0, 9.0, 30.0, 60.0], 200: [50.0, 60.0, 90.0, 100.0]})
    table.index = ["random", "newest", "light ranker", "the oracle"]
    drawn = budgets(table, ylabel="kept, %", truth="the oracle", lit="light ranker")
    drawn.canvas.draw()
    (axes,) = drawn.axes
    lines = {tuple(line.get_ydata()): line for line in axes.lines}
    assert set(lines) == {tuple(row) for row in table.to_numpy()}
    assert lines[60.0, 100.0].get_color() == INK or lines[60.0, 100.0].get_linestyle() == "--"
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not [1 for i, a in enumerate(boxes) for b in boxes[i + 1 :] if a.overlaps(b)]
    many = pd.concat([table, pd.DataFrame({25: [1.0] * 3, 200: [2.0] * 3}, index=list("abc"))])
    with pytest.raises(MimicError, match="4 baselines"):
        budgets(many, ylabel="kept, %", truth="the oracle", lit="light ranker")


def test_nothing_lies_beyond_a_large_limit(data):
    assert Asked(data=data, limit=4).beyond(10) == 6
    assert Asked(data=data, limit=40).beyond(10) == 0
