"""GraphJet: segments, second degree with names, thinning and UTEG, on paper and on random worlds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import (
    BEN,
    CHLOE,
    DAN,
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

from mimic import DataLoader, MimicError
from mimic.models.logistic import HingedLogit
from mimic.retrieval.edge_features import EDGE_FEATURES
from mimic.retrieval.graph_jet import EngagementGraph, Segment, SegmentConfig, UserTweetGraph
from mimic.retrieval.real_graph import RealGraph, TieModel
from mimic.retrieval.social_proof import second_degree
from mimic.retrieval.uteg import Uteg, UtegConfig, plain_worth, thin
from mimic.viewer import familiar, listened_to

LIKE, REPLY, RETWEET, QUOTE = range(4)
BY_BEN, BY_CHLOE = 1 + 1.97 * 0.5, 1 + 1.97 * 0.1


def real_graph(data, affinities):
    """A RealGraph that knows these affinities, {(who, whom): float}, and .02 for everybody else."""
    pairs = sorted((data.user_row(a), data.user_row(b), value) for (a, b), value in affinities.items())
    flat = HingedLogit.flat(len(EDGE_FEATURES), 0.0)
    model = TieModel(
        key="", fitted_at=data.now, meeting=flat, answering=flat, base_tie=0.01, base_affinity=0.02
    )
    return RealGraph(
        now=data.now,
        model=model,
        starts=np.searchsorted([who for who, _, _ in pairs], np.arange(len(data.users) + 1)),
        others=np.array([whom for _, whom, _ in pairs], np.int32),
        tie=np.zeros(len(pairs), np.float32),
        affinity=np.array([value for _, _, value in pairs], np.float32),
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return DataLoader.open(village(tmp_path_factory.mktemp("data") / "village"))


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """A world without sense: 120 people who engaged some 9,000 times in a month."""
    folder = tmp_path_factory.mktemp("data") / "random"
    return DataLoader.open(
        random_world(folder, users=120, tweets=4000, follows=1500, impressions=250_000, topics=5, seed=4)
    )


@pytest.fixture(scope="module")
def uteg(data):
    return Uteg.of(data, real_graph(data, {(MARA, BEN): 0.5, (MARA, CHLOE): 0.1}))


def rows(data, *user_ids):
    return data.user_rows(user_ids)


def ids(data, tweets):
    return data.tweets["tweet_id"][tweets].tolist()


def people_of(data, reached, place):
    """Whom a tweet's card can name, and what they did."""
    run = slice(reached.people.starts[place], reached.people.starts[place + 1])
    users = data.users["user_id"][reached.people.values[run]].tolist()
    return list(zip(users, reached.actions[run].tolist(), strict=True))


# The village: Ben liked and retweeted 103, Chloe quoted it, liked 104 and retweeted 110.


def test_segments_hold_the_log_from_now_backwards_and_nothing_of_the_future(data):
    graph = UserTweetGraph.of(data)
    assert len(graph) == 6  # seven engagements lie before now; Mara's click is none; two are to come
    sizes = [len(segment) for segment in graph.segments]
    assert sizes == [
        2,
        0,
        0,
        0,
        3,
        0,
        1,
        0,
        0,
    ]  # 6 h ago belongs to the newest: a cut is part of the later side
    place, edge = graph.of_users(rows(data, BEN, CHLOE))
    found = list(zip(place.tolist(), ids(data, graph.tweet[edge]), graph.kind[edge].tolist(), strict=True))
    assert found == [(1, 110, RETWEET), (1, 104, LIKE), (0, 103, RETWEET), (0, 103, LIKE), (1, 103, QUOTE)]
    place, edge = graph.of_tweets(data.tweet_rows([104, 103, 111]))
    found = list(zip(place.tolist(), data.users["user_id"][graph.user[edge]].tolist(), strict=True))
    assert found == [(0, CHLOE), (1, BEN), (1, CHLOE), (1, BEN)]


def test_second_degree_by_hand(data):
    reached = UserTweetGraph.of(data).from_seeds(rows(data, BEN, CHLOE), np.array([2.0, 1.5]))
    assert ids(data, reached.tweets) == [103, 104, 110]
    assert reached.weights.tolist() == [3.5, 1.5, 1.5]
    assert reached.counts.tolist() == [2, 1, 1]
    assert people_of(data, reached, 0) == [(BEN, 1 << LIKE | 1 << RETWEET), (CHLOE, 1 << QUOTE)]
    assert data.users["user_id"][[reached.first[0], reached.second[0]]].tolist() == [BEN, CHLOE]
    assert reached.second[1:].tolist() == [-1, -1]
    assert reached.by_action().tolist() == [[1, 0, 1, 1], [1, 0, 0, 0], [0, 0, 1, 0]]
    assert reached.weights_as_published().tolist() == [2 * 2.0 + 1.5, 1.5, 1.5]  # Ben counts twice there


def test_only_the_kinds_that_are_asked_for_and_only_the_newest_edges(data):
    graph, seeds, weights = UserTweetGraph.of(data), rows(data, BEN, CHLOE), np.array([2.0, 1.5])
    likes = graph.from_seeds(seeds, weights, kinds=("like",))
    assert (ids(data, likes.tweets), likes.weights.tolist()) == ([103, 104], [2.0, 1.5])
    newest = graph.from_seeds(seeds, weights, edges_per_seed=1)
    assert ids(data, newest.tweets) == [103, 110]
    assert newest.actions.tolist() == [1 << RETWEET, 1 << RETWEET]  # Ben's like is an edge further back
    assert len(graph.from_seeds(seeds[:0], weights[:0])) == 0
    assert len(graph.from_seeds(rows(data, GUS), np.ones(1))) == 0


def test_a_card_says_who_did_what(data):
    reached = UserTweetGraph.of(data).from_seeds(rows(data, BEN, CHLOE), np.array([2.0, 1.5]))
    assert [reached.context(data, place) for place in range(3)] == [
        "liked by @ben, whom you follow",
        "liked by @chloe, whom you follow",
        "retweeted by @chloe, whom you follow",
    ]
    seeds = rows(data, BEN, CHLOE, HANA, DAN)
    many = second_degree(
        seeds,
        np.array([1.0, 4.0, 3.0, 2.0]),
        np.array([0, 1, 2, 3, 0]),
        np.full(5, 7),
        np.array([2, 1, 2, 2, 0]),
    )
    assert many.context(data, 0) == "retweeted by @hana and @dan and 1 more, whom you follow"
    assert second_degree(seeds, np.ones(4), np.array([0]), np.array([7])).context(data, 0) == ""


def test_uteg_weighs_by_affinity_and_leaves_out_those_who_are_followed(data, uteg):
    mara = data.user_row(MARA)
    heaviest = uteg.heaviest(mara, familiar(data, mara))
    assert ids(data, heaviest.tweets) == [103, 110, 104]  # of equals the newer
    np.testing.assert_allclose(heaviest.weights, [BY_BEN + BY_CHLOE, BY_CHLOE, BY_CHLOE])
    hana = data.user_row(HANA)  # follows Chloe, who is no candidate of hers: the base affinity
    assert ids(data, uteg.heaviest(hana, familiar(data, hana)).tweets) == [104]  # 103 and 110 are her own
    np.testing.assert_allclose(uteg.heaviest(hana, familiar(data, hana)).weights, 1 + 1.97 * 0.02)
    gus = data.user_row(GUS)
    assert len(uteg.search(gus, familiar(data, gus))) == 0


def test_only_the_closest_are_seeds(data, uteg):
    mara = data.user_row(MARA)
    one = replace(uteg, config=UtegConfig(seeds=1))
    people, weights = one.seeds(mara)
    assert data.users["user_id"][people].tolist() == [BEN]
    np.testing.assert_allclose(weights, [BY_BEN])
    assert ids(data, one.reached(mara).tweets) == [103]


def test_the_plain_rule_on_paper(data, uteg):
    mara = data.user_row(MARA)
    reached = uteg.reached(mara)
    share = {103: 0.0, 104: 0.0, 110: 1.0}  # a like and a click of cycling and the interest: all is cycling
    engaged, age = {103: 3, 104: 1, 110: 1}, {103: 30.0, 104: 20.0, 110: 5.0}
    expected = [
        np.log(weight * np.sqrt((share[i] + 0.01) * 1.01 * (1 + engaged[i]) / (1 + age[i] / 6)))
        for i, weight in zip((103, 104, 110), reached.weights.tolist(), strict=True)
    ]
    np.testing.assert_allclose(plain_worth(data, mara, reached), expected, rtol=1e-6)
    assert ids(data, uteg.search(mara, familiar(data, mara)).tweets) == [110, 103, 104]


def test_thinning_keeps_the_best_of_the_heaviest_with_their_people(data, uteg):
    mara = data.user_row(MARA)
    few = replace(uteg, config=UtegConfig(limit=2, kept=1))
    kept = few.search(mara, familiar(data, mara))
    assert ids(data, kept.tweets) == [110]
    assert people_of(data, kept, 0) == [(CHLOE, 1 << RETWEET)]
    reached = uteg.reached(mara)
    turned = thin(reached, np.array([1.0, np.nan, 2.0]), 3)
    assert ids(data, turned.tweets) == [110, 103, 104]  # what cannot be judged goes last
    assert people_of(data, turned, 1) == people_of(data, reached, 0)
    assert turned.weights_as_published().tolist() == reached.weights_as_published()[[2, 0, 1]].tolist()


def test_a_light_ranker_adds_the_logarithm_of_the_weight(data, uteg):
    mara = data.user_row(MARA)
    ranker = SimpleNamespace(
        data=data, score=lambda user, tweets: np.where(tweets == data.tweet_row(104), 9.0, 0.0)
    )
    ranked = Uteg.of(data, uteg.real_graph, ranker=ranker)
    assert ids(data, ranked.search(mara, familiar(data, mara)).tweets) == [104, 103, 110]
    reached = ranked.reached(mara)
    np.testing.assert_allclose(
        ranked.worth(mara, reached), np.log(reached.weights) + 9.0 * (reached.tweets == data.tweet_row(104))
    )


def test_why_a_tweet_is_not_there(data, uteg, tmp_path):
    mara, unwanted = data.user_row(MARA), familiar(data, data.user_row(MARA))

    def why(tweet_id, source=uteg, unwanted=unwanted):
        return source.explain(mara, source.data.tweet_row(tweet_id), unwanted)

    assert why(103) == ""
    assert why(108) == "you wrote it"
    assert why(101) == "older than 48 hours"
    assert why(111) == "you follow @ben: a tweet for the network's source"
    assert why(106) == "nobody you follow engaged with it in the last 48 hours"
    assert why(104, replace(uteg, config=UtegConfig(limit=2))) == (
        "number 3 by weight of who engaged with it, beyond the 2 heaviest"
    )
    assert (
        why(104, replace(uteg, config=UtegConfig(kept=2)))
        == "number 3 of 3 that were looked at; the best 2 are kept"
    )
    assert why(104, replace(uteg, config=UtegConfig(min_people=2))) == (
        "1 of those you follow engaged with it; 2 are asked for"
    )
    assert why(104, replace(uteg, config=UtegConfig(seeds=1))).startswith("who engaged with it is not among")
    assert why(104, unwanted=np.ones(len(data.users), bool)) == "its author is left out of the search"
    tables = village_tables()
    tables["mutes"] = {"user_id": [MARA], "muted_id": [CHLOE], "at": [NOW - HOUR]}
    muted = DataLoader.open(write_dataset(tmp_path / "muted", tables))
    silenced = Uteg.of(muted, real_graph(muted, {}))
    assert why(104, silenced) == "those you follow who engaged with it are muted or blocked"
    assert ids(muted, silenced.reached(mara).tweets) == [103]
    assert silenced.reached(mara).counts.tolist() == [1]


def test_parts_of_other_moments_are_refused(data, uteg):
    later = data.as_of(data.now + 12 * HOUR)
    with pytest.raises(MimicError, match="as of"):
        Uteg.of(later, uteg.real_graph)
    with pytest.raises(MimicError, match="cannot go back"):
        UserTweetGraph.of(later).later(data)


# Random worlds


def same(graph, other):
    return all(
        np.array_equal(getattr(graph, name), getattr(other, name)) for name in ("user", "tweet", "kind", "at")
    )


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 60), st.integers(0, 70), st.sampled_from([1, 6, 24]))
def test_a_graph_that_moves_on_is_the_graph_made_anew(noisy, back, ahead, hours):
    config = SegmentConfig(hours=hours, closed=48 // hours)
    then = noisy.as_of(noisy.now - back * HOUR + 17)
    later = noisy.as_of(min(then.now + ahead * HOUR, noisy.manifest.end))
    before, made = UserTweetGraph.of(then, config), UserTweetGraph.of(later, config)
    moved = before.later(later)
    assert same(moved, made)
    assert moved.first == later.since("tweets")
    kept = {segment.start for segment in moved.segments} & {
        s.start for s in before.segments if s.end <= then.now
    }
    shared = [segment for segment in moved.segments if any(segment is old for old in before.segments)]
    assert {segment.start for segment in shared} == kept  # the very objects, not copies


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 400), st.integers(0, 8))
def test_dropping_a_segment_is_dropping_its_edges(noisy, back, closed):
    data = noisy.as_of(noisy.now - back * HOUR)
    full, short = UserTweetGraph.of(data), UserTweetGraph.of(data, SegmentConfig(closed=closed))
    kept = full.at >= full.segments[closed].start
    assert (short.at < data.now).all()
    for name in ("user", "tweet", "kind", "at"):
        assert np.array_equal(getattr(full, name)[kept], getattr(short, name))
    seeds = np.arange(len(data.users))
    weights = 1.0 + seeds / 7
    live = kept & (full.tweet >= full.first)
    by_edges = second_degree(seeds, weights, full.user[live], full.tweet[live], full.kind[live])
    walked = short.from_seeds(seeds, weights)
    for name in ("tweets", "weights", "counts", "first", "second", "actions"):
        assert np.array_equal(getattr(by_edges, name), getattr(walked, name))


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 6), st.integers(0, 3), st.integers(0, 4)),
        max_size=25,
        unique=True,
    ),
    st.randoms(use_true_random=False),
)
def test_a_segment_does_not_mind_the_order_of_its_edges(edges, random):
    shuffled = random.sample(edges, len(edges))
    one, other = (
        Segment.of((0, 5), tuple(np.array(given, np.int64).reshape(-1, 4).T), 6)
        for given in (edges, shuffled)
    )
    for name in ("user", "tweet", "kind", "at", "left"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    assert one.low == other.low
    assert np.array_equal(one.right.values, other.right.values)
    assert sorted(zip(one.user, one.tweet, one.kind, one.at, strict=True)) == sorted(edges)
    assert all((np.diff(one.at[one.left[u] : one.left[u + 1]]) <= 0).all() for u in range(6))  # newest first
    for tweet in range(one.low, one.low + len(one.right)):
        assert (one.tweet[one.right.of(tweet - one.low)] == tweet).all()
    assert one.right.sizes.sum() == len(edges)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 3)), max_size=20),
    st.lists(st.sampled_from([1.0, 1.5, 2.25]), min_size=4, max_size=4),
    st.permutations(range(4)),
)
def test_second_degree_is_what_a_dictionary_would_say(edges, weights, order):
    seeds = np.array([50, 20, 40, 10])
    did = defaultdict(lambda: defaultdict(int))
    for place, tweet, kind in edges:
        did[tweet][place] |= 1 << kind
    place, tweet, kind = np.array(edges, np.int64).reshape(-1, 3).T
    reached = second_degree(seeds, np.array(weights), place, tweet, kind)
    assert reached.tweets.tolist() == sorted(did)
    for n, (_, people) in enumerate(sorted(did.items())):
        ranked = sorted(people, key=lambda p: (-weights[p], p))
        run = slice(reached.people.starts[n], reached.people.starts[n + 1])
        assert reached.people.values[run].tolist() == [seeds[p] for p in ranked]
        assert reached.actions[run].tolist() == [people[p] for p in ranked]
        assert reached.weights[n] == sum(weights[p] for p in people)
        assert (reached.first[n], reached.counts[n]) == (seeds[ranked[0]], len(ranked))
        assert reached.second[n] == (seeds[ranked[1]] if len(ranked) > 1 else -1)
    # The seeds in another order: the same tweets, weights and people.
    moved = np.array(order)
    other = second_degree(seeds[moved], np.array(weights)[moved], np.argsort(moved)[place], tweet, kind)
    np.testing.assert_array_equal(other.weights, reached.weights)
    assert [set(other.people.of(n)) for n in range(len(other))] == [
        set(reached.people.of(n)) for n in range(len(reached))
    ]


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 119), st.integers(0, 300))
def test_uteg_on_a_world_without_sense(noisy, user, back):
    data = noisy.as_of(noisy.now - back * HOUR)
    uteg = Uteg.of(data, real_graph(data, {}), config=UtegConfig(limit=20, kept=7))
    unwanted = familiar(data, user)
    heaviest, found = uteg.heaviest(user, unwanted), uteg.search(user, unwanted)
    assert len(found) == min(len(heaviest), 7)
    assert len(np.unique(found.tweets)) == len(found)
    assert np.isin(found.tweets, heaviest.tweets).all()
    assert not unwanted[data.tweets["author"][found.tweets]].any()
    assert (found.tweets >= data.since("tweets")).all()
    assert np.isin(found.people.values, listened_to(data, user)).all()
    assert all(uteg.explain(user, tweet, unwanted) == "" for tweet in found.tweets.tolist())
    reached = uteg.reached(user)
    others = np.setdiff1d(np.arange(data.since("tweets"), len(data.tweets)), found.tweets)
    for tweet in np.append(others[::97], np.setdiff1d(reached.tweets, found.tweets)[:3]).tolist():
        assert uteg.explain(user, tweet, unwanted)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 119), st.integers(0, 500), st.sampled_from([1, 3, 500]))
def test_segments_and_the_flat_graph_walk_alike(noisy, user, back, most):
    data = noisy.as_of(noisy.now - back * HOUR)
    seeds = data.following.of(user)
    weights = 1.0 + np.sqrt(np.arange(len(seeds)))
    flat = EngagementGraph.of(data).walk(seeds, weights)
    cut = UserTweetGraph.of(data).from_seeds(seeds, weights)
    for name in ("tweets", "weights", "counts", "first", "second"):
        assert getattr(flat, name).tobytes() == getattr(cut, name).tobytes()
    place, _ = UserTweetGraph.of(data).of_users(seeds, most)
    assert np.bincount(place, minlength=1).max() <= most


# The book's world


@pytest.mark.course
def test_figures_of_the_book(course):
    from prep.oracle import Oracle

    data, oracle = DataLoader.open(course), Oracle.open(course)
    uteg = Uteg.of(data, RealGraph.of(data))
    held, doubled, reached_by_all = defaultdict(int), 0, 0
    log = data.as_of(data.now + 24 * HOUR).impressions
    viewers = np.unique(log["user"][len(data.impressions) :])
    viewers = viewers[data.users["created_at"][viewers] < data.now]
    for user in np.random.default_rng(0).permutation(viewers)[:60].tolist():
        eligible, value = oracle.values_of_eligible(int(data.users["user_id"][user]), data.now)
        best = data.tweet_rows(eligible[np.argsort(-value, kind="stable")[:100]])
        unwanted = familiar(data, user)
        heaviest = uteg.heaviest(user, unwanted)
        lists = {
            "all": heaviest,
            "weight": thin(heaviest, heaviest.weights, 30),
            "rule": uteg.search(user, unwanted),
        }
        for name, found in lists.items():
            held[name] += np.isin(found.tweets, best).sum()
        reached = uteg.reached(user)
        doubled += int((reached.weights_as_published() > reached.weights).sum())
        reached_by_all += len(reached)
    assert held["rule"] > 1.08 * held["weight"]
    assert held["rule"] > 0.65 * held["all"]  # a third of the tweets holds two thirds of what is good
    assert held["all"] / 6000 > 0.06
    assert 0.05 < doubled / reached_by_all < 0.15
