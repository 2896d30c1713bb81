"""Trends: planted bursts are found, what only looks like one is not, and the book's four events."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from worlds import HOUR, NOW, START, random_world, write_dataset

from mimic import DataLoader
from mimic.retrieval.trends import Trends, TrendsConfig, surprise
from mimic.schema import ENGAGEMENTS, LANGUAGES
from mimic.viewer import familiar

AUTHORS, MINUTE = 60, HOUR // 60
STORM, USUAL = 1, 0
"""Topics. Every hour there are three tweets about USUAL and, every fourth hour, one about STORM."""
ENGLISH, JAPANESE = 100, 101
"""Readers by the language of their interface; they write nothing."""


def tables(extra=(), hours=24 * 27):
    """Quiet days from START on, and more: (author, minutes before NOW, topic, language, parent)."""
    quiet = [
        (NOW - hour * HOUR + k * MINUTE, (7 * hour + k) % AUTHORS, USUAL, "en", None)
        for hour in range(1, hours)
        for k in range(3)
    ]
    rare = [
        (NOW - hour * HOUR + 9 * MINUTE, hour % AUTHORS, STORM, LANGUAGES[hour // 4 % 6], None)
        for hour in range(4, hours, 4)
    ]
    tweets = quiet + rare
    tweets += [
        (NOW - round(ago * MINUTE), *rest) for author, ago, *more in extra for rest in [(author, *more)]
    ]
    tweets.sort(key=lambda tweet: tweet[0])
    at, author, topic, lang, parent = zip(*tweets, strict=True)
    users = [*range(AUTHORS), ENGLISH, JAPANESE]
    empty = {"user_id": [], "at": []}
    return {
        "users": {
            "user_id": users,
            "created_at": [START - HOUR] * len(users),
            "lang": ["en"] * (AUTHORS + 1) + ["ja"],
            "name": [str(user) for user in users],
            "handle": [f"u{user}" for user in users],
        },
        "topics": {"topic_id": [0, 1, 2], "root_id": [2, 2, 2], "name": ["usual", "storm", "root"]},
        "tweets": {
            "tweet_id": list(range(1, len(at) + 1)),
            "author_id": author,
            "created_at": at,
            "text": ["words"] * len(at),
            "topic_id": topic,
            "lang": lang,
            "reply_to": parent,
        },
        "follows": {"follower_id": [], "followed_id": [], "created_at": []},
        "blocks": {**empty, "blocked_id": []},
        "mutes": empty,
        "moderation": {"tweet_id": [], "nsfw": [], "toxic": [], "reviewed_at": []},
        "impressions": {"user_id": [], "tweet_id": [], "shown_at": []},
        "interactions": {"user_id": [], "tweet_id": [], "kind": [], "at": []},
    }


@pytest.fixture
def world(tmp_path):
    return lambda extra=(), **more: DataLoader.open(
        write_dataset(tmp_path / f"w{len(list(tmp_path.iterdir()))}", tables(extra, **more))
    )


def burst(count, *, lang=None, author=None, parent=None, ago=50):
    """`count` tweets about STORM, a minute apart, in one language or in all by turns."""
    return [
        (k if author is None else author, ago - k, STORM, lang or LANGUAGES[k % 6], parent)
        for k in range(count)
    ]


def search(trends, reader, limit=50):
    user = trends.data.user_row(reader)
    return trends.search(user, familiar(trends.data, user), limit)


# ---------------------------------------------------------------- planted bursts, and none


def test_a_burst_in_one_language_is_found_there_and_read_by_those_who_read_it(world):
    trends = Trends.of(world(burst(12, lang="ja")))
    assert np.argwhere(trends.bursting).tolist() == [[STORM, LANGUAGES.index("ja")]]
    rows, topics = search(trends, JAPANESE)
    assert set(range(12)) <= set(trends.data.tweets["author"][rows].tolist())
    assert topics.tolist() == [STORM] * len(rows)
    assert rows.tolist() == sorted(rows, reverse=True)  # nobody has engaged, so the freshest is the best
    assert len(search(trends, ENGLISH)[0]) == 0


def test_a_burst_everywhere_is_found_where_no_language_would_show_it(world):
    data = world(burst(12))
    trends = Trends.of(data)
    assert trends.surprise[STORM, : len(LANGUAGES)].max() < TrendsConfig().threshold
    assert trends.surprise[STORM, -1] >= TrendsConfig().threshold
    assert np.argwhere(trends.bursting).tolist() == [[STORM, k] for k in range(len(LANGUAGES))]
    table = trends.table()
    assert table.loc[0, ["topic", "language", "hours", "now", "bursting"]].tolist() == [
        "storm",
        "all",
        1,
        12,
        True,
    ]
    assert 0.05 < table.loc[0, "usual"] < 0.4
    assert table["surprise"].is_monotonic_decreasing


@pytest.mark.parametrize(
    "extra",
    [
        (),
        burst(2),
        burst(4, lang="ja"),
        burst(12, lang="ja", author=5),
        burst(12, parent=3),
        burst(12, ago=16 * 60),
    ],
    ids=["nothing", "two tweets", "four people", "one author", "a conversation", "last night"],
)
def test_what_is_no_burst_brings_nothing(world, extra):
    trends = Trends.of(world(extra))
    assert not trends.bursting.any()
    assert len(trends.tweets) == 0
    for reader in (ENGLISH, JAPANESE):
        rows, topics = search(trends, reader)
        assert rows.shape == topics.shape == (0,)


def test_the_time_of_day_counts(world):
    """Forty tweets an hour are usual at this hour when every day has them, and a burst when it is night."""
    every_day = [(k, day * 24 * 60 + 50 - k, USUAL, "en", None) for day in range(1, 27) for k in range(40)]
    today = [(k, 50 - k, USUAL, "en", None) for k in range(40)]
    data = world(every_day + today)
    assert not Trends.of(data).bursting.any()
    assert Trends.of(world(today)).bursting[USUAL, 0]


def test_six_hours_notice_what_one_hour_does_not(world):
    slow = [(k, 20 * k + 5, STORM, LANGUAGES[k % 6], None) for k in range(17)]
    data = world(slow)
    assert not Trends.of(data, TrendsConfig(windows=(1.0,))).bursting.any()
    assert Trends.of(data).bursting[STORM].any()


def test_on_the_first_day_nothing_is_usual(world):
    data = world(burst(12), hours=20)
    early = data.as_of(START)
    assert not Trends.of(early).bursting.any()
    assert len(Trends.of(early).table()) == 0


def test_nothing_of_the_future_counts(world):
    after = [(k, -5, STORM, "ja", None) for k in range(20)]
    assert not Trends.of(world(after)).bursting.any()


# ---------------------------------------------------------------- the surprise


@given(st.integers(1, 40), st.floats(0.5, 500), st.floats(0.5, 5000))
def test_surprise_is_a_negative_binomial_tail(count, past, exposure):
    tail = stats.nbinom.sf(count - 1, past, exposure / (exposure + 1))
    found = surprise(np.array([count]), np.array([past]), np.array([exposure]))[0]
    assert found == pytest.approx(min(-np.log10(max(tail, 1e-300)), 300), rel=1e-6, abs=1e-9)


def test_surprise_by_hand():
    """Much experience makes it Poisson: e⁻¹ of nothing leaves .632 for one or more of a usual one."""
    found = surprise(np.array([1, 0, 5, 5]), np.array([1e9, 1e9, 0, 1]), np.array([1e9, 1e9, 1, 0]))
    assert found[0] == pytest.approx(-np.log10(1 - np.exp(-1)), rel=1e-6)
    assert found[1:].tolist() == [0, 0, 0]
    sure, unsure = surprise(np.array([6, 6]), np.array([100.0, 1.0]), np.array([100.0, 1.0]))
    assert sure > unsure + 1


# ---------------------------------------------------------------- rules


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """A world without sense, and a threshold at which much bursts."""
    folder = tmp_path_factory.mktemp("data") / "random"
    data = DataLoader.open(random_world(folder, users=80, tweets=6000, follows=900, impressions=20_000))
    return Trends.of(data, TrendsConfig(threshold=0.7, voices=1))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 79), st.integers(0, 60))
def test_a_search_within_its_rules(noise, user, limit):
    data, unwanted = noise.data, familiar(noise.data, user)
    rows, topics = noise.search(user, unwanted, limit)
    everything, _ = noise.search(user, unwanted, 10_000)
    assert len(noise.tweets) > 20
    assert rows.tolist() == everything[:limit].tolist()
    assert len(np.unique(rows)) == len(rows)
    assert not unwanted[data.tweets["author"][rows]].any()
    assert noise.bursting[data.tweets["topic"][rows], data.tweets["lang"][rows]].all()
    assert topics.tolist() == data.tweets["topic"][rows].tolist()
    assert (data.age_hours(rows) <= TrendsConfig().window_hours).all()


def test_engagement_lifts_a_tweet(noise):
    fresh = np.exp2(-noise.data.age_hours(noise.tweets) / TrendsConfig().half_life_hours)
    engaged = np.sum([noise.data.counts(kind)[noise.tweets] for kind in ENGAGEMENTS], axis=0)
    np.testing.assert_allclose(noise.base, fresh * (1 + engaged), rtol=1e-6)
    assert (engaged > 0).any()


# ---------------------------------------------------------------- the book's world


@pytest.fixture(scope="module")
def book(course):
    from prep.parameters import EventParameters

    events = EventParameters()
    return DataLoader.open(course), list(zip(events.start_hours, events.length_hours, strict=True))


def at(data, hours):
    return Trends.of(data.as_of(data.manifest.start + round(hours * HOUR)))


@pytest.mark.course
def test_it_is_silent_at_ordinary_moments(book):
    """Of 1,774 moments on days 3 to 30, the largest surprise among five authors or more is 5.3."""
    data, events = book
    moments = [
        hour
        for hour in np.arange(72.0, 718.0, 7.3)
        if not any(start - 1 < hour < start + length + 6 for start, length in events)
    ]
    found = [at(data, hour) for hour in moments]
    assert len(moments) >= 60
    assert (
        max(trends.surprise[trends.counts >= TrendsConfig().voices].max(initial=0) for trends in found) < 5.6
    )
    assert not any(len(trends.tweets) for trends in found)


@pytest.mark.course
def test_it_finds_each_event_within_an_hour_of_its_first_tweet(book, course):
    """After 20, 30, 35 and 30 minutes; after an hour the surprise is over 10."""
    import pyarrow.parquet as pq

    data, events = book
    event = pq.read_table(course / "truth" / "tweets.parquet", columns=["event"])["event"].to_numpy()
    tweets = data.as_of(data.manifest.end).tweets
    for number in range(len(events)):
        about = np.flatnonzero(event == number)
        first = (tweets["created_at"][about[0]] - data.manifest.start) / HOUR
        before, later = at(data, first - 0.1), at(data, first + 0.75)
        assert not before.bursting.any()
        topics = np.unique(np.argwhere(later.bursting)[:, 0])
        values, counts = np.unique(tweets["topic"][about], return_counts=True)
        assert topics.tolist() == [values[counts.argmax()]]
        assert later.surprise.max() > 7
