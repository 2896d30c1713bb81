"""UTG: log-cosine on paper, thresholds, samples, and random worlds."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import (
    BEN,
    CHLOE,
    FINN,
    GUS,
    HANA,
    HOUR,
    MARA,
    NOW,
    random_world,
    village,
    village_tables,
    write_dataset,
)

from mimic import DataLoader
from mimic.retrieval.co_engagement import CoEngagement, CoEngagementConfig
from mimic.viewer import familiar

LOOSE = CoEngagementConfig(min_query_degree=1, min_degree=1)
ANSWERS = (
    # user, tweet, kind, hours before now; the newest engagement of Mara is with 104
    (MARA, 103, "like", 25.0),
    (BEN, 103, "like", 24.0),
    (CHLOE, 103, "retweet", 23.0),
    (CHLOE, 103, "like", 22.0),
    (MARA, 104, "like", 15.0),
    (CHLOE, 104, "quote", 14.0),
    (BEN, 110, "like", 4.0),
    (CHLOE, 110, "reply", 3.0),
    (BEN, 107, "like", 2.0),
    (FINN, 106, "like", 1.0),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The village with more to walk along: d(103) = 3, d(104) = 2, d(110) = 2, d(107) = 1."""
    tables = village_tables()
    users, tweets, kinds, hours = zip(*ANSWERS, strict=True)
    tables["interactions"] = {
        "user_id": users,
        "tweet_id": tweets,
        "kind": kinds,
        "at": [NOW - round(ago * HOUR) for ago in hours],
    }
    return DataLoader.open(write_dataset(tmp_path_factory.mktemp("data") / "village", tables))


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "random"
    return DataLoader.open(
        random_world(folder, users=80, tweets=3000, follows=800, impressions=120_000, topics=5, seed=5)
    )


def search(source, user_id, limit=10, unwanted=()):
    """Ids, scores and ids of query tweets."""
    data = source.data
    left_out = np.zeros(len(data.users), bool)
    left_out[data.user_rows(list(unwanted))] = True
    tweets, scores, queries = source.search(data.user_row(user_id), left_out, limit)
    ids = data.tweets["tweet_id"]
    return ids[tweets].tolist(), scores.tolist(), ids[queries].tolist()


F_103, F_104 = 3 / log(4) / 2, 2 / log(3) / 1  # two others engaged with 103, one with 104


def test_log_cosine_on_paper(data):
    ids, scores, queries = search(CoEngagement.of(data, LOOSE), MARA)
    assert ids == [110, 107]
    # 110: Chloe leads there from both tweets, Ben from 103 as well; 107: Ben, from 103.
    np.testing.assert_allclose(scores, [(F_104 * 1 + F_103 * 2) / log(3), F_103 * 1 / log(2)])
    assert queries == [103, 103]  # 2 · F_103 = 2.16 is more than F_104 = 1.82


def test_the_village_itself_on_paper(tmp_path):
    source = CoEngagement.of(DataLoader.open(village(tmp_path / "village")), LOOSE)
    ids, scores, queries = search(source, BEN)  # 103 with Chloe, who engaged with 104 and 110 once each
    assert (ids, queries) == ([110, 104], [103, 103])
    np.testing.assert_allclose(scores, [2 / log(3) / log(2)] * 2)
    assert search(source, MARA) == ([], [], [])  # nobody else liked 102
    assert search(source, GUS) == ([], [], [])


def test_who_engaged_with_nothing_finds_nothing(data):
    source = CoEngagement.of(data)
    assert search(source, GUS) == ([], [], [])
    assert source.explain(data.user_row(GUS), data.tweet_row(110), np.zeros(8, bool), 10) == (
        "you engaged with nothing that the graph remembers"
    )


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"min_together": 2}, [110]),
        ({"min_degree": 2}, [110]),
        ({"min_score": 2.0}, [110]),
        ({"queries": 1}, [110]),  # 104 alone: Chloe
        ({"min_query_degree": 4}, []),
        ({"busy": 3}, []),  # Ben and Chloe engaged with three tweets each
        ({"kinds": ("like",)}, [110, 107]),
        ({"kinds": ("reply",)}, []),
    ],
)
def test_thresholds(data, change, found):
    assert search(CoEngagement.of(data, replace(LOOSE, **change)), MARA)[0] == found


def test_authors_and_limit(data):
    source = CoEngagement.of(data, LOOSE)
    assert search(source, MARA, limit=1)[0] == [110]
    assert search(source, MARA, limit=0)[0] == []
    assert search(source, MARA, unwanted=[HANA])[0] == [107]


def test_what_left_the_window_leads_on_but_is_not_found(data):
    later = data.as_of(data.now + 24 * HOUR)  # 103 is 54 hours old by then
    source = CoEngagement.of(later, LOOSE)
    ids, _, queries = search(source, MARA)
    assert ids[0] == 110
    assert queries[0] == 103
    assert 103 not in search(source, FINN)[0]


def test_a_sample_is_a_users_own_and_repeatable(noisy):
    full, few = (CoEngagement.of(noisy, replace(LOOSE, sample=n)) for n in (1000, 2))
    differ = 0
    nobody = np.zeros(len(noisy.users), bool)
    for user in range(20):
        found, again, all_of_them = (source.search(user, nobody, 500) for source in (few, few, full))
        assert all(np.array_equal(a, b) for a, b in zip(found, again, strict=True))
        assert np.isin(found[0], all_of_them[0]).all()
        differ += len(found[0]) < len(all_of_them[0])
    assert differ > 10


def test_why_a_tweet_is_not_there(data):
    mara, nobody = data.user_row(MARA), np.zeros(len(data.users), bool)

    def why(tweet_id, unwanted=nobody, limit=10, **change):
        source = CoEngagement.of(data, replace(LOOSE, **change))
        return source.explain(mara, data.tweet_row(tweet_id), unwanted, limit)

    assert why(110) == ""
    assert why(108) == "you wrote it"
    assert why(101) == "older than 48 hours"
    assert why(103) == "you engaged with it already"
    assert why(106) == "nobody drawn from those who engaged with what you did engaged with it"
    assert why(107, min_degree=2) == "engaged with by 1; 2 are asked for"
    assert why(107, min_together=2) == "1 of those who engaged with what you did lead to it; 2 must"
    assert why(107, min_score=2.0) == "score 1.56, not above 2"
    assert why(107, limit=1) == "beyond the best 1"
    assert why(110, unwanted=~nobody) == "its author is left out of the search"


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 79), st.integers(0, 300))
def test_scores_are_what_loops_would_say(noisy, user, back):
    data = noisy.as_of(noisy.now - back * HOUR)
    config = replace(LOOSE, sample=10_000, busy=10_000, queries=5)
    source = CoEngagement.of(data, config)
    log_since = data.now - 24 * HOUR * 14 - (data.now - 1) % (24 * HOUR) - 1
    engaged, newest = {}, {}
    for who, tweet, kind, at in zip(
        *(data.interactions[c] for c in ("user", "tweet", "kind", "at")), strict=True
    ):
        if kind < 4 and at >= log_since:  # the first four responses are the engagements
            engaged.setdefault(int(tweet), set()).add(int(who))
            newest.setdefault(int(who), {})[int(tweet)] = int(at)
    mine = newest.get(user, {})
    queries = source.queries(user).tolist()
    assert queries == sorted(mine, key=lambda t: -mine[t])[:5] or len(set(mine.values())) < len(mine)
    expected = {}
    for q in queries:
        others = engaged[q] - {user}
        for other in others:
            for tweet in newest[other]:
                if tweet >= data.since("tweets") and tweet not in mine:
                    d = len(engaged[q])
                    part = d / np.log1p(d) / len(others) / np.log1p(len(engaged[tweet]))
                    expected[tweet] = expected.get(tweet, 0.0) + part
    tweets, scores, by = source.search(user, np.zeros(len(data.users), bool), 10_000)
    assert set(tweets.tolist()) == set(expected)
    np.testing.assert_allclose(scores, [expected[t] for t in tweets.tolist()], rtol=1e-12)
    assert set(by.tolist()) <= set(queries)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 79), st.integers(0, 500), st.integers(0, 60))
def test_found_tweets_are_live_distinct_wanted_and_in_order(noisy, user, back, limit):
    data = noisy.as_of(noisy.now - back * HOUR)
    unwanted = familiar(data, user)
    source = CoEngagement.of(data)
    tweets, scores, queries = source.search(user, unwanted, limit)
    assert len(tweets) == len(np.unique(tweets)) <= limit
    assert (np.diff(scores) <= 0).all()
    assert ((tweets >= data.since("tweets")) & (tweets < len(data.tweets))).all()
    assert not unwanted[data.tweets["author"][tweets]].any()
    mine = data.interactions["tweet"][data.history(user)]
    assert np.isin(queries, mine).all()
    assert all(source.explain(user, tweet, unwanted, limit) == "" for tweet in tweets[:5].tolist())
    more = source.search(user, unwanted, limit + 10)[0]
    assert np.array_equal(more[: len(tweets)], tweets)


@pytest.mark.course
def test_two_weeks_of_memory_find_more_than_two_days(course):
    data = DataLoader.open(course)
    some = np.random.default_rng(0).permutation(len(data.users))[:300].tolist()
    empty = {}
    for days in (2, 14):
        segments = replace(CoEngagementConfig().segments, closed=days)
        source = CoEngagement.of(data, CoEngagementConfig(segments=segments))
        empty[days] = np.mean([not len(source.search(u, familiar(data, u), 100)[0]) for u in some])
    assert empty[2] > empty[14] + 0.2
