"""What is true of every generated world, whatever its parameters: read from the files alone."""

from __future__ import annotations

import functools

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from published import DAY, HOUR, Published, earliest

from mimic.schema import ENGAGEMENTS, RESPONSES, TABLES
from prep.text import MUTABLE_WORDS

WINDOW = 48 * HOUR
read = functools.cache(Published)


@pytest.fixture(params=["tiny", pytest.param("course", marks=pytest.mark.course)])
def world(request):
    return read(request.getfixturevalue(request.param))


def ascending(*keys):
    """Whether rows are sorted by several keys, the most important first."""
    order = np.lexsort(keys[::-1])
    return (order == np.arange(len(order))).all()


def test_tables_have_the_columns_types_and_meanings_of_the_schema(world):
    for name, schema in TABLES.items():
        found = pq.read_schema(world.folder / f"{name}.parquet")
        assert found.equals(schema), name
        assert [field.metadata for field in found] == [field.metadata for field in schema], name
        assert world.manifest["rows"][name] == len(getattr(world, name))


def test_sizes_are_those_of_the_preset(world):
    size = world.world["parameters"]["preset"]
    assert len(world.users) == size["users"]
    assert len(world.tweets) == pytest.approx(size["tweets"], rel=0.05)
    assert len(world.impressions) == pytest.approx(size["impressions"], rel=0.05)


# --- users --------------------------------------------------------------------------------------


def test_user_ids_are_distinct_and_are_not_row_numbers(world):
    ids = world.users["user_id"]
    assert (np.diff(ids) > 0).all()
    assert (ids[1:] > len(ids)).all()


def test_handles_are_unique_and_short(world):
    handles = [handle.lower() for handle in world.users["handle"]]
    assert len(set(handles)) == len(handles)
    assert max(map(len, handles)) <= 15
    assert all(world.users["name"])


def test_user_42_is_present_and_active(world):
    mine = world.impressions["user_id"] == 42
    days = np.unique((world.impressions["shown_at"][mine] - world.start) // DAY)
    assert len(days) >= 4
    assert days[-1] >= (world.now - world.start) // DAY
    assert world.users["followers_count"][0] > 0
    assert (world.follows["follower_id"] == 42).sum() >= 5
    assert (world.tweets["author_id"] == 42).sum() >= 5
    planned = world.blocks["at"] < world.start
    assert not (world.blocks["blocked_id"][planned] == 42).any()


def test_counts_of_day_one_are_degrees_of_the_graph(world):
    before = world.follows["created_at"] < world.start
    for count, side in (("followers_count", "followed_id"), ("following_count", "follower_id")):
        row = world.user_row(world.follows[side][before])
        assert (np.bincount(row, minlength=len(world.users)) == world.users[count]).all()


# --- who knows whom -----------------------------------------------------------------------------


def test_follow_edges_are_distinct_sorted_and_not_to_oneself(world):
    follower, followed = world.follows["follower_id"], world.follows["followed_id"]
    assert (follower != followed).all()
    key = world.pair(world.user_row(follower), world.user_row(followed))
    assert (np.diff(key) > 0).all()


@pytest.mark.parametrize(
    ("table", "first", "second", "moment"),
    [
        ("follows", "follower_id", "followed_id", "created_at"),
        ("blocks", "user_id", "blocked_id", "at"),
        ("mutes", "user_id", "muted_id", "at"),
    ],
)
def test_nothing_happens_between_accounts_that_do_not_exist_yet(world, table, first, second, moment):
    rows = getattr(world, table)
    at, other = rows[moment], rows[second]
    born = world.users["created_at"]
    assert (at >= born[world.user_row(rows[first])]).all()
    assert (at[other >= 0] >= born[world.user_row(other[other >= 0])]).all()
    assert (at < world.end).all()
    assert (rows[first] != other).all()


def test_blocks_are_sorted_by_time_and_a_mute_is_of_an_author_or_a_word(world):
    assert ascending(world.blocks["at"])
    word = world.mutes["word"]
    has_word = np.array([w is not None for w in word])
    assert (has_word == (world.mutes["muted_id"] < 0)).all()
    assert set(word[has_word]) <= set(MUTABLE_WORDS)


# --- tweets -------------------------------------------------------------------------------------


def test_tweet_ids_grow_with_time_and_fit_a_javascript_number(world):
    ids, created = world.tweets["tweet_id"], world.tweets["created_at"]
    assert (np.diff(ids) > 0).all()
    assert (np.diff(created) >= 0).all()
    assert ids[-1] < 2**53
    assert world.start <= created[0] <= created[-1] < world.end


def test_tweets_are_written_by_accounts_that_exist(world):
    assert (world.tweets["created_at"] >= world.users["created_at"][world.author]).all()


def test_every_tweet_has_a_text_of_at_most_280_characters_and_a_leaf_topic(world):
    length = np.array([len(text) for text in world.tweets["text"]])
    assert length.min() >= 1
    assert length.max() <= 280
    leaves = world.topics["topic_id"] != world.topics["root_id"]
    assert np.isin(world.tweets["topic_id"], world.topics["topic_id"][leaves]).all()


def test_parents_of_replies_are_earlier(world):
    reply = np.flatnonzero(world.tweets["reply_to"] >= 0)
    parent = world.tweet_row(world.tweets["reply_to"][reply])
    assert len(reply) > 0.3 * len(world.tweets)
    assert (world.tweets["created_at"][parent] < world.tweets["created_at"][reply]).all()


def test_reviews_are_of_distinct_tweets_and_come_after_them(world):
    row = world.tweet_row(world.moderation["tweet_id"])
    assert (np.diff(row) > 0).all()
    assert (world.moderation["reviewed_at"] > world.tweets["created_at"][row]).all()
    assert (world.moderation["reviewed_at"] < world.end).all()


# --- impressions --------------------------------------------------------------------------------


def test_nothing_is_shown_twice_and_rows_are_sorted_by_time(world):
    key = world.viewer * np.int64(len(world.tweets)) + world.shown
    assert (np.diff(np.sort(key)) > 0).all()
    assert (np.diff(world.impressions["shown_at"]) >= 0).all()
    assert world.impressions["shown_at"][-1] < world.end


def test_impressions_are_of_others_tweets_of_the_last_48_hours(world):
    assert (world.author[world.shown] != world.viewer).all()
    age = world.began - world.tweets["created_at"][world.shown]
    assert age.min() > 0
    assert age.max() <= WINDOW


def test_viewers_exist_when_they_look(world):
    assert (world.began >= world.users["created_at"][world.viewer]).all()


def test_nothing_is_shown_of_whom_the_viewer_had_blocked_or_muted_or_was_blocked_by(world):
    viewer, author, tick = world.viewer, world.author[world.shown], world.tick(world.began)
    asked, accused = world.user_row(world.blocks["user_id"]), world.user_row(world.blocks["blocked_id"])
    blocks = world.pair(asked, accused), world.blocks["at"]
    named = world.mutes["muted_id"] >= 0
    muter, muted = (world.user_row(world.mutes[name][named]) for name in ("user_id", "muted_id"))
    mutes = world.pair(muter, muted), world.mutes["at"][named]
    later = 0
    for (keys, moments), pairs in (
        (blocks, world.pair(viewer, author)),
        (blocks, world.pair(author, viewer)),
        (mutes, world.pair(viewer, author)),
    ):
        since = earliest(keys, moments, pairs)
        assert (since >= tick).all()
        later += (since < world.end).sum()
    assert later > 0, "some avoid whom they had seen, or this proves nothing"


def test_nothing_is_shown_with_a_word_that_the_viewer_had_muted(world):
    text = pc.utf8_lower(world.tweets.table["text"])
    holds = {word: pc.match_substring(text, word.lower()).to_numpy() for word in MUTABLE_WORDS}
    assert sum(rows.any() for rows in holds.values()) > len(holds) / 2
    tick, order = world.tick(world.began), np.argsort(world.impressions["user_id"], kind="stable")
    ids = world.impressions["user_id"][order]
    for user, word, at in zip(*(world.mutes[c] for c in ("user_id", "word", "at")), strict=True):
        if word is not None:
            mine = order[slice(*np.searchsorted(ids, [user, user + 1]))]
            assert not (holds[word][world.shown[mine]] & (tick[mine] > at)).any()


def test_sessions_are_one_viewers_read_from_the_top(world):
    columns = world.impressions
    order = np.lexsort((columns["position"], columns["session_id"]))
    session = columns["session_id"][order]
    first = np.append(True, np.diff(session) > 0)
    run = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    assert (columns["position"][order] == np.arange(len(order)) - run).all()
    for name in ("user_id", "random_order"):
        assert (columns[name][order] == columns[name][order][run]).all()
    shown_at = columns["shown_at"][order]
    # the last sessions are cut short by the end of the month
    assert ((np.diff(shown_at) > 0) | first[1:] | (shown_at[1:] == world.end - 2)).all()
    assert (columns["dwell_ms"] > 0).all()


def test_propensities_are_probabilities(world):
    propensity = world.impressions["propensity"]
    assert propensity.min() > 0
    assert propensity.max() <= 1
    assert set(np.unique(world.impressions["source"])) == {
        "in_network",
        "followee",
        "popular",
        "topic",
        "random",
    }


def test_a_named_followee_had_engaged_with_a_strangers_tweet(world):
    named = np.flatnonzero(world.impressions["proof_user_id"] >= 0)
    viewer, shown, tick = world.viewer[named], world.shown[named], world.tick(world.began[named])
    friend = world.user_row(world.impressions["proof_user_id"][named])
    assert (world.followed_since(viewer, friend) < tick).all()
    assert (world.followed_since(viewer, world.author[shown]) >= tick).all()
    public = np.isin(world.interactions["kind"], ENGAGEMENTS)
    who, what = (world.interactions[name][public] for name in ("user_id", "tweet_id"))
    key = world.user_row(who) * np.int64(len(world.tweets)) + world.tweet_row(what)
    engaged = earliest(key, world.interactions["at"][public], friend * np.int64(len(world.tweets)) + shown)
    assert (engaged < tick).all()
    assert len(named) > 0.01 * len(world.impressions)


def test_the_survey_asks_one_in_a_hundred_and_hears_the_truth(world):
    answer = world.impressions["survey"]
    asked = np.flatnonzero([a is not None for a in answer])
    n = len(answer)
    assert abs(len(asked) - 0.01 * n) < 4.5 * np.sqrt(0.01 * n)
    assert (answer[asked].astype(bool) == world.hidden["impressions"]["worth"][asked]).all()


# --- responses ----------------------------------------------------------------------------------


def test_interactions_are_the_booleans_of_the_impressions(world):
    def keys(viewer, shown, kind):
        pair = viewer * np.int64(len(world.tweets)) + shown
        return np.sort(pair * len(RESPONSES) + kind)

    row, kind = np.nonzero(np.stack([world.impressions[name] for name in RESPONSES], axis=1))
    expected = keys(world.viewer[row], world.shown[row], kind)
    code = {name: k for k, name in enumerate(RESPONSES)}
    found = keys(
        world.user_row(world.interactions["user_id"]),
        world.tweet_row(world.interactions["tweet_id"]),
        np.array([code[kind] for kind in world.interactions["kind"]]),
    )
    assert np.array_equal(found, expected)
    assert (np.diff(world.interactions["at"]) >= 0).all()


def test_responses_come_while_the_tweet_is_on_the_screen_and_answers_a_little_later(world):
    key = world.viewer * np.int64(len(world.tweets)) + world.shown
    order = np.argsort(key)
    wanted = world.user_row(world.interactions["user_id"]) * np.int64(len(world.tweets)) + world.tweet_row(
        world.interactions["tweet_id"]
    )
    row = order[np.searchsorted(key[order], wanted)]
    delay = world.interactions["at"] - world.impressions["shown_at"][row]
    assert delay.min() > 0
    written = np.isin(world.interactions["kind"], ("reply", "quote"))
    assert (delay[~written] <= world.impressions["dwell_ms"][row][~written]).all()
    assert (delay[written] > 3_000).mean() > 0.999  # but for the last seconds of the month
    assert world.interactions["at"][-1] < world.end


def test_every_logged_reply_is_a_tweet(world):
    is_reply = world.interactions["kind"] == "reply"
    assert ((world.interactions["reply_id"] >= 0) == is_reply).all()
    reply = world.tweet_row(world.interactions["reply_id"][is_reply])
    assert len(np.unique(reply)) == len(reply)
    for column, mine in (("author_id", "user_id"), ("reply_to", "tweet_id"), ("created_at", "at")):
        assert (world.tweets[column][reply] == world.interactions[mine][is_reply]).all()


def test_every_follow_makes_an_edge_and_nobody_follows_twice(world):
    follow = world.interactions["kind"] == "follow"
    user = world.user_row(world.interactions["user_id"][follow])
    author = world.author[world.tweet_row(world.interactions["tweet_id"][follow])]
    since = world.followed_since(user, author)
    assert (since <= world.interactions["at"][follow]).all()
    followed = np.flatnonzero(world.impressions["follow"])
    before = world.followed_since(world.viewer[followed], world.author[world.shown[followed]])
    assert (before >= world.tick(world.began[followed])).all()


# --- events -------------------------------------------------------------------------------------


@pytest.mark.course
def test_at_its_peak_an_event_holds_a_known_part_of_what_may_be_shown(course):
    world = read(course)
    events = world.world["parameters"]["events"]
    hidden, created = world.hidden["tweets"], world.tweets["created_at"]
    for index, (start, length) in enumerate(zip(events["start_hours"], events["length_hours"], strict=True)):
        of_event = hidden["event"] == index
        leaf = np.unique(hidden["topic"][of_event & (world.tweets["reply_to"] < 0)])
        assert len(leaf) == 1
        topic = created[hidden["topic"] == leaf]
        hours = world.start + ((start + np.arange(length)) * HOUR).astype(np.int64)
        share = [
            ((topic >= at - WINDOW) & (topic < at)).sum() / ((created >= at - WINDOW) & (created < at)).sum()
            for at in hours
        ]
        assert max(share) >= 0.015


@pytest.mark.course
def test_one_event_breaks_on_day_28_on_a_topic_that_was_rare(course):
    world = read(course)
    events = world.world["parameters"]["events"]
    starts = world.start + (np.array(events["start_hours"]) * HOUR).astype(np.int64)
    (index,) = np.flatnonzero((starts >= world.now) & (starts < world.now + DAY))
    topic = world.hidden["tweets"]["topic"]
    leaf = topic[world.hidden["tweets"]["event"] == index][0]
    before = world.tweets["created_at"] < world.now
    assert (topic[before] == leaf).mean() < 0.5 / 120
