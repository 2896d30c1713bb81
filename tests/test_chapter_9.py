"""Chapter 9's teaching aids: whose tweets were strangers', what takes whose place, the check, the figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from worlds import random_world

from mimic import DataLoader, MimicError
from mimic.course import check
from mimic.course.chapter_9 import FIVE_HUNDREDS, Searches, measured, strangers
from mimic.palette import GRAPH, INK
from mimic.plots.proof import with_and_without
from mimic.retrieval.graph_jet import SegmentConfig, UserTweetGraph
from prep import Oracle


@pytest.fixture(scope="module", params=["tiny", 0, 1, 2], ids=str)
def data(request, tmp_path_factory):
    """A generated world, and three without sense."""
    if request.param == "tiny":
        return DataLoader.open(request.getfixturevalue("tiny"))
    folder = tmp_path_factory.mktemp(f"world{request.param}")
    sizes = {"users": 90, "tweets": 6000, "follows": 2200, "impressions": 90_000}
    return DataLoader.open(random_world(folder, seed=request.param, **sizes))


@pytest.fixture(scope="module")
def tiny_data(tiny):
    return DataLoader.open(tiny)


def test_who_was_a_stranger_one_by_one(data):
    rows = np.random.default_rng(0).choice(len(data.impressions), 500, replace=False)
    follows = data.follows
    since = {
        (who, whom): at
        for who, whom, at in zip(
            follows["follower"].tolist(),
            follows["followed"].tolist(),
            follows["created_at"].tolist(),
            strict=True,
        )
    }
    seen, never = data.impressions, np.iinfo(np.int64).max
    expected = [
        since.get((int(seen["user"][row]), int(data.tweets["author"][seen["tweet"][row]])), never)
        >= seen["shown_at"][row]
        for row in rows
    ]
    assert strangers(data, rows).tolist() == expected
    assert 0 < np.sum(expected) < len(expected)


def test_engaged_twice_names_the_idea_behind_a_wrong_number(data):
    graph = UserTweetGraph.of(data, SegmentConfig(hours=24, closed=30))  # longer, so that there are enough
    pairs = pd.Series(1, [graph.user, graph.tweet]).groupby(level=[0, 1]).size()
    twice = pairs[pairs > 1]
    assert check.engaged_twice(len(twice), graph)
    wrong = {
        len(pairs),
        len(graph),
        (pairs - 1).sum(),
        twice.sum(),
        *map(len, map(set, zip(*twice.index, strict=True))),
    }
    outcomes = [check.engaged_twice(int(answer), graph) for answer in wrong - {len(twice)}]
    assert not any(outcomes)
    assert len({outcome.message for outcome in outcomes}) == len(outcomes) >= 3
    assert "Put `graph.user`" in check.engaged_twice(-1, graph).message


def test_a_five_hundred_holds_each_tweet_once_in_its_order():
    lists = {
        "in-network": np.array([1, 2]),
        "by weight": np.array([3, 1, 4]),
        "two towers": np.array([5, 6, 3]),
        "topic-popular": np.array([6, 7]),
        "co-engagement": np.array([8]),
    }
    mix = Searches.five_hundred
    assert mix(lists).tolist() == [1, 2, 5, 6, 7, 3]
    assert mix(lists, "by weight", 2).tolist() == [1, 2, 3, 5, 6, 7]
    assert mix(lists, turns=("co-engagement",)).tolist() == [1, 2, 5, 6, 8, 7, 3]
    lists["in-network"] = np.arange(1_000)
    assert len(mix(lists)) == 500


def test_measured_against_values_looked_up_one_by_one(tiny_data, tiny):
    data, oracle, searches = tiny_data, Oracle.open(tiny), Searches.of(tiny_data)
    readers = data.users["user_id"][np.argsort(-data.following.sizes)[:3]]
    rows = measured(searches, oracle, oracle, readers, best=10)
    for _, row in rows.iterrows():
        ids, value = oracle.values_of_eligible(int(row["user_id"]), data.now)
        worth = dict(zip(ids.tolist(), value.tolist(), strict=True))
        best = sorted(worth.values(), reverse=True)[:10]
        assert row["best"] == pytest.approx(sum(best))
        assert row["coverage@30 of the oracle's best"] == 100
        lists = searches.lists(data.user_row(int(row["user_id"])))
        for name, how in FIVE_HUNDREDS.items():
            found = data.tweets["tweet_id"][Searches.five_hundred(lists, **how)].tolist()
            held = sorted((worth[tweet] for tweet in found if tweet in worth), reverse=True)
            assert row[f"value of {name}"] == pytest.approx(sum(held[:10]))
            assert row[f"unsigned of {name}"] == pytest.approx(row[f"value of {name}"])
            assert row[f"coverage of {name}"] == pytest.approx(10 * sum(v >= best[-1] for v in held))
        assert (
            0 <= row["doubled"] <= row["reached"] == len(searches.reached(data.user_row(int(row["user_id"]))))
        )


def test_the_figure_puts_three_marks_in_a_row():
    table = pd.DataFrame(
        {"no name": [0.02, np.nan], "name taken off": [0.03, 0.04], "with its name": [0.06, 0.08]},
        ["all", "some"],
    )
    (axes,) = with_and_without(table, xlabel="liked").axes
    marks = {line.get_marker(): line for line in axes.lines}
    assert marks["D"].get_xdata().tolist() == [0.03, 0.04]
    assert (marks["D"].get_color(), marks["D"].get_markerfacecolor()) == (INK, "none")
    assert marks["o"].get_color() == GRAPH
    assert [label.get_text() for label in axes.get_yticklabels()] == ["all", "some"]
    with pytest.raises(MimicError, match="with its name"):
        with_and_without(table.drop(columns="with its name"), xlabel="liked")
