"""InterestedIn, tweet embeddings that follow each like, and the search through communities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import PRODUCERS, READERS, group_of, planted_world, producer, reader
from scipy import sparse
from worlds import GUS, HOUR, random_world, village

from mimic import DataLoader
from mimic.retrieval.communities import Communities, CommunityConfig
from mimic.retrieval.interested_in import InterestedIn, strongest
from mimic.retrieval.simclusters import SimClusters, TopTweets, tweet_embeddings
from mimic.schema import RESPONSES

SMALL = CommunityConfig(min_followers=8, neighbours=4)
LIKE = RESPONSES.index("like")

# Group 0 writes the tweets 1 to 3, group 1 the tweets 4 and 5. Nobody likes 3.
TWEETS = [(producer(0, 0), 60.0), (producer(0, 0), 30.0), (producer(0, 1), 20.0), (producer(1, 0), 18.0)]
TWEETS += [(producer(1, 1), 10.0), (producer(1, 1), 9.0)]
LIKES = [
    (reader(0, 0), 1, 50.0),  # the tweet is older than two days: not in the window
    (reader(0, 0), 2, 24.0),
    (reader(0, 1), 2, 16.0),
    (reader(1, 2), 4, 8.0),
    (reader(1, 3), 5, 8.0),
    (reader(0, 3), 5, 8.0),
    (producer(1, 1), 6, 4.0),  # one's own
]


@pytest.fixture(scope="module")
def clusters(tmp_path_factory):
    """Four groups without strays, so that every number can be had on paper."""
    folder = tmp_path_factory.mktemp("data") / "planted"
    data = DataLoader.open(planted_world(folder, strays=0, tweets=TWEETS, likes=LIKES))
    return data, SimClusters.of(data, InterestedIn.of(data, Communities.of(data, SMALL)))


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """A world without sense, with communities that are drawn."""
    folder = tmp_path_factory.mktemp("data") / "random"
    data = DataLoader.open(
        random_world(folder, users=150, tweets=2500, follows=4000, impressions=250_000, seed=3)
    )
    communities = Communities.of(data, CommunityConfig(min_followers=5, neighbours=6, resolutions=(1.0,)))
    drawn = np.random.default_rng(0).integers(-1, 8, len(communities.producers))
    return data, SimClusters.of(data, InterestedIn.of(data, communities.regrouped(drawn)))


def nobody(data):
    return np.zeros(len(data.users), bool)


def community_of(clusters, group):
    """The number of a planted group."""
    communities = clusters.interests.communities
    return int(communities.community[group_of(communities.producers) == group][0])


# InterestedIn


def test_users_are_interested_in_what_they_follow(clusters):
    _, found = clusters
    for group in range(4):
        for r in range(READERS):
            communities, weights = found.interests.of_user(reader(group, r))
            assert communities.tolist() == [community_of(found, group)]
            assert weights[0] > 0
    assert found.interests.of_user(producer(0, 0))[0].tolist() == []  # follows nobody, likes nobody
    length = np.sqrt(found.interests.matrix.multiply(found.interests.matrix).sum(axis=0))
    np.testing.assert_allclose(length, 1.0)


def test_interests_by_hand(clusters):
    data, found = clusters
    communities = found.interests.communities
    score = np.zeros(len(data.users))
    score[communities.producers] = communities.score
    follows = score[[producer(0, p) for p in range(PRODUCERS)]].sum()
    # Two likes of producer 0 by reader 0 (50 and 24 hours ago) and one by reader 1, fading with 100 days.
    faded = 2 ** (-50 / 2400) + 2 ** (-24 / 2400)
    raw = np.full(READERS, follows)
    raw[0] += np.log2(1 + faded) * score[producer(0, 0)]
    raw[1] += np.log2(1 + 2 ** (-16 / 2400)) * score[producer(0, 0)]
    expected = raw / np.sqrt((raw**2).sum())
    mine = [found.interests.of_user(reader(0, r))[1][0] for r in range(READERS)]
    np.testing.assert_allclose(mine, expected)


def test_one_producer_is_no_proof_and_two_are(tmp_path):
    tweets = [(producer(1, 1), 40.0), (producer(2, 0), 39.0)]
    data = DataLoader.open(
        planted_world(
            tmp_path / "world",
            strays=0,
            tweets=tweets,
            likes=[(reader(0, 0), 1, 30.0), (reader(0, 0), 2, 29.0)],
            follows=[(reader(0, 0), producer(1, 0), 50.0)],
        )
    )
    communities = Communities.of(data, SMALL)
    interests = InterestedIn.of(data, communities)
    found, _ = interests.of_user(reader(0, 0))
    planted = {int(communities.community[communities.producers == producer(g, 0)][0]): g for g in range(4)}
    # Group 1: one followed and another liked. Group 2: one liked.
    assert [planted[c] for c in found.tolist()] == [0, 1]
    lenient, _ = InterestedIn.of(data, communities, social_proof=1).of_user(reader(0, 0))
    assert {planted[c] for c in lenient.tolist()} == {0, 1, 2}
    narrow, _ = InterestedIn.of(data, communities, per_user=1).of_user(reader(0, 0))
    assert [planted[c] for c in narrow.tolist()] == [0]


@given(seed=st.integers(0, 1000), limit=st.integers(0, 6))
@settings(deadline=None, max_examples=40)
def test_the_strongest_of_each_row_are_kept(seed, limit):
    dense = np.random.default_rng(seed).integers(0, 4, (7, 6)).astype(float)
    kept = strongest(sparse.csr_array(dense), limit).toarray()
    for row, full in zip(kept, dense, strict=True):
        best = sorted(range(6), key=lambda c: (-full[c], c))[:limit]
        assert row.tolist() == [full[c] if c in best else 0.0 for c in range(6)]


# Tweet embeddings


def replayed(data, interests, half_life_hours=8.0):
    """As production does it: a value and the moment it was written, faded whenever a like comes."""
    matrix = interests.matrix.toarray()
    log, value, written = data.interactions, {}, {}
    for user, tweet, kind, at in zip(
        *(log[c].tolist() for c in ("user", "tweet", "kind", "at")), strict=True
    ):
        if kind != LIKE or tweet < data.since("tweets") or data.tweets["author"][tweet] == user:
            continue
        faded = 2 ** (-(at - written.get(tweet, at)) / (half_life_hours * HOUR))
        value[tweet] = value.get(tweet, 0.0) * faded + matrix[user]
        written[tweet] = at
    vectors = np.zeros((len(data.tweets) - data.since("tweets"), matrix.shape[1]))
    for tweet, vector in value.items():
        vectors[tweet - data.since("tweets")] = vector * 2 ** (
            -(data.now - written[tweet]) / (half_life_hours * HOUR)
        )
    return vectors


@pytest.mark.parametrize("hours_ago", [0, 7, 100])
def test_embeddings_are_what_a_replay_of_the_likes_ends_with(noisy, hours_ago):
    data, found = noisy
    data = data.as_of(data.now - hours_ago * HOUR)
    closed, replay = tweet_embeddings(data, found.interests).toarray(), replayed(data, found.interests)
    assert (replay > 0).sum() > 100
    np.testing.assert_allclose(closed, replay, rtol=1e-9, atol=1e-15)
    short = tweet_embeddings(data, found.interests, half_life_hours=1.0).toarray()
    np.testing.assert_allclose(short, replayed(data, found.interests, 1.0), rtol=1e-9, atol=1e-15)


def test_embeddings_by_hand(clusters):
    data, found = clusters
    interest = {user: found.user(user) for user in (reader(0, 0), reader(0, 1), reader(0, 3), reader(1, 3))}
    row = {tweet: data.tweet_row(tweet) for tweet in (2, 3, 5, 6)}
    np.testing.assert_allclose(
        found.tweet(row[2]), interest[reader(0, 0)] / 8 + interest[reader(0, 1)] / 4, rtol=1e-12
    )
    np.testing.assert_allclose(
        found.tweet(row[5]), (interest[reader(1, 3)] + interest[reader(0, 3)]) / 2, rtol=1e-12
    )
    assert not found.tweet(row[3]).any()  # nobody liked it
    assert not found.tweet(row[6]).any()  # only its author did
    assert not found.tweet(data.tweet_row(1)).any()  # liked, but older than two days
    assert len(found) == 3


def test_likes_to_come_and_likes_forgotten(noisy):
    data, found = noisy
    earlier = data.as_of(data.now - 5 * HOUR)
    before = SimClusters.of(earlier, InterestedIn.of(earlier, found.interests.communities))
    assert before.first == earlier.since("tweets")
    assert len(before.author) == len(earlier.tweets) - before.first
    # The same tweets, five hours later and without new likes, are weaker by 2^(−5/8).
    log = data.interactions
    new = log["tweet"][len(earlier.interactions) :]
    still = np.arange(data.since("tweets"), len(earlier.tweets))
    untouched = np.setdiff1d(still, new)
    old, now = (tweet_embeddings(d, found.interests).toarray() for d in (earlier, data))
    assert old[untouched - before.first].any()
    np.testing.assert_allclose(
        now[untouched - found.first], old[untouched - before.first] * 2 ** (-5 / 8), rtol=1e-9
    )


def test_top_lists_hold_the_strongest_of_each_community(noisy):
    _, found = noisy
    dense = found.embeddings.toarray()
    for limit in (0, 3, 10_000):
        top = TopTweets.of(found.embeddings, limit)
        for community in range(dense.shape[1]):
            column = dense[:, community]
            expected = sorted(np.flatnonzero(column), key=lambda t: (-column[t], -t))[:limit]
            assert top.tweet.of(community).tolist() == expected
        place, tweets, values = top.read(np.array([2, 0]))
        np.testing.assert_array_equal(values, dense[tweets, np.array([2, 0])[place]])


# The search


def test_a_search_finds_what_one_s_community_likes(clusters):
    data, found = clusters
    tweets, scores = found.search(reader(0, 5), nobody(data), 10)
    # 2 is liked by group 0 alone, 5 by one of each group at the same moment.
    near, far = found.user(reader(0, 3)).max(), found.user(reader(1, 3)).max()
    assert data.tweets["tweet_id"][tweets].tolist() == [2, 5]
    assert scores[0] == pytest.approx(1.0)
    assert scores[1] == pytest.approx(near / np.hypot(near, far))
    without = nobody(data)
    without[producer(0, 0)] = True
    assert data.tweets["tweet_id"][found.search(reader(0, 5), without, 10)[0]].tolist() == [5]
    assert found.search(reader(2, 0), nobody(data), 10)[0].tolist() == []  # nobody there likes anything
    assert found.search(producer(0, 0), nobody(data), 10)[0].tolist() == []  # interested in nothing
    assert found.search(reader(0, 5), nobody(data), 0)[0].tolist() == []


def test_the_partial_cosine_cannot_tell_a_hit_from_a_single_like(clusters):
    data, found = clusters
    tweets, scores = found.search(reader(0, 5), nobody(data), 10, by="partial")
    assert data.tweets["tweet_id"][tweets].tolist() == [5, 2]  # both 1, the newer first
    assert scores.tolist() == [1.0, 1.0]


def test_a_liked_tweet_is_a_source_too(clusters):
    data, found = clusters
    four = data.tweet_row(4)
    tweets, _ = found.near(found.tweet(four), nobody(data), 10)
    assert data.tweets["tweet_id"][tweets].tolist() == [4, 5]


@given(user=st.integers(0, 149), limit=st.integers(0, 60), seed=st.integers(0, 9), scanned=st.integers(1, 8))
@settings(deadline=None, max_examples=60)
def test_searches_agree_with_the_definition(noisy, user, limit, seed, scanned):
    data, found = noisy
    found = replace(found, top=TopTweets.of(found.embeddings, 40), scanned=scanned)
    unwanted = np.random.default_rng(seed).random(len(data.users)) < 0.2
    source, dense = found.user(user), found.embeddings.toarray()
    read = [c for c in np.argsort(-source, kind="stable") if source[c] > 0][:scanned]
    lists = {c: found.top.tweet.of(c) for c in read}
    listed = np.unique(np.concatenate([np.zeros(0, np.int64), *lists.values()]))
    listed = listed[~unwanted[data.tweets["author"][found.first + listed]]]
    in_list = np.zeros(dense.shape, bool)
    for c, tweets in lists.items():
        in_list[tweets, c] = True
    for by in ("cosine", "partial"):
        seen = dense[listed] if by == "cosine" else np.where(in_list, dense, 0.0)[listed]
        expected = seen @ source / np.sqrt((seen**2).sum(axis=1) * (source**2).sum())
        tweets, scores = found.search(user, unwanted, limit, by=by)
        assert len(tweets) == min(limit, len(listed))
        assert len(set(tweets.tolist())) == len(tweets)
        assert (np.diff(scores) <= 0).all()
        assert ((scores >= 0) & (scores <= 1.000001)).all()
        by_row = dict(zip((found.first + listed).tolist(), expected.tolist(), strict=True))
        np.testing.assert_allclose(scores, [by_row[t] for t in tweets.tolist()], rtol=1e-5)
        np.testing.assert_allclose(np.sort(scores)[::-1], np.sort(expected)[::-1][:limit], rtol=1e-5)
        ties = np.flatnonzero(np.diff(scores) == 0)
        assert (tweets[ties] > tweets[ties + 1]).all()


def test_a_shorter_list_is_the_beginning_of_a_longer_one(noisy):
    data, found = noisy
    for user in range(0, 150, 10):
        long, scores = found.search(user, nobody(data), 50)
        short, _ = found.search(user, nobody(data), 7)
        assert short.tolist() == long[:7].tolist()
        assert (long >= data.since("tweets")).all()
        assert (long < len(data.tweets)).all()
        assert scores.dtype == np.float32


def test_a_village_without_producers_answers_with_nothing(tmp_path):
    data = DataLoader.open(village(tmp_path / "village"))
    found = SimClusters.of(data)
    assert len(found) == 0
    for by in ("cosine", "partial"):
        tweets, scores = found.search(data.user_row(GUS), nobody(data), 10, by=by)
        assert tweets.tolist() == scores.tolist() == []


def test_by_default_communities_are_of_the_late_fit(tmp_path):
    data = DataLoader.open(planted_world(tmp_path / "world"))
    later = data.as_of(data.now + HOUR)
    assert SimClusters.of(later).interests.communities.key == Communities.of(data).key
    earlier = data.as_of(data.now - HOUR)
    assert SimClusters.of(earlier).interests.communities.key == Communities.of(earlier).key


@pytest.mark.course
def test_simclusters_find_what_topics_do_not(course):
    from mimic.history import language_shares, topic_shares
    from mimic.retrieval.topic_popular import TopicPopular
    from prep.oracle import Oracle

    oracle, data = Oracle.open(course), DataLoader.open(course)
    found, topics = SimClusters.of(data), TopicPopular.of(data)
    rng = np.random.default_rng(0)
    active = np.unique(data.impressions["user"][data.since("impressions", 24) :])
    covered, partial, beyond = [], [], []
    for user in rng.choice(active, 100, replace=False).tolist():
        ids, value = oracle.values_of_eligible(int(data.users["user_id"][user]), data.now)
        best = data.tweet_rows(ids[np.argsort(-value, kind="stable")[:100]])
        strangers = nobody(data)
        strangers[[user, *data.following.of(user)]] = True
        mine, _ = found.search(user, strangers, 200)
        shares = topic_shares(data, user), language_shares(data, user)
        others = topics.search(*shares, strangers, 200)
        followed = strangers[data.tweets["author"][best]]
        covered.append(np.isin(best, mine).mean())
        partial.append(np.isin(best, found.search(user, strangers, 200, by="partial")[0]).mean())
        beyond.append((np.isin(best, mine) & ~np.isin(best, others) & ~followed).mean())
    assert np.mean(beyond) >= 0.06  # .04 is asked for, .11 measured
    assert np.mean(covered) >= 0.16  # .20 measured
    assert np.mean(covered) > np.mean(partial) + 0.01
