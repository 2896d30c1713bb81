"""The whole product: known feeds in the village, and twenty tweets for everybody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from worlds import (
    BEN,
    GUS,
    HANA,
    HOUR,
    MARA,
    NOW,
    first_product,
    random_world,
    village,
    village_tables,
    write_dataset,
)

from mimic import Candidates, DataLoader, MimicError, Query, UnknownUser


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return DataLoader.open(village(tmp_path_factory.mktemp("data") / "village"))


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "crowd"
    return DataLoader.open(random_world(folder, users=300, tweets=8000, follows=6000, impressions=40_000))


def test_maras_feed(data):
    feed = first_product(data, strict=True).run(Query(user_id=MARA))
    assert feed.tweet_ids.tolist() == [110, 111, 109, 104, 103]
    table = feed.table()
    assert list(table.columns[:6]) == ["rank", "tweet_id", "author_id", "sources", "score", "text"]
    assert table["rank"].tolist() == [1, 2, 3, 4, 5]
    assert table["author_id"].tolist() == [HANA, BEN, 3, GUS, HANA]
    assert table["sources"][0] == "in_network + graph + out_of_network + popular"
    assert table["text"][4] == "rye, two days of patience"
    assert table["context"].tolist()[0] == "@chloe retweeted"
    assert table[["likes", "retweets", "quotes", "replies"]].loc[4].tolist() == [1, 1, 1, 0]
    assert table["score"].is_monotonic_decreasing


def test_every_tweet_of_the_village_has_its_story(data):
    feed = first_product(data, strict=True).run(Query(user_id=MARA))
    assert {tweet: feed.why(tweet).verdict for tweet in range(101, 112)} == {
        101: "never fetched",
        102: "removed: you saw it in the last 48 hours",
        103: "shown at place 5",
        104: "shown at place 4",
        105: "removed: you saw it in the last 48 hours",
        106: "removed: you muted the author",
        107: "removed: it has a word that you muted",
        108: "never fetched",
        109: "shown at place 3",
        110: "shown at place 1",
        111: "shown at place 2",
    }
    why = feed.why(104)
    assert (why.author, why.text, why.found) == ("gus", "a quiet move", {"graph": 3, "popular": 3})
    assert why.missed["out_of_network"] == "filed under chess, which is none of your topics"
    assert list(why.scores)[-1] == "score"
    assert why.facts["proof_count"] == 1
    assert set(feed.why(101).missed.values()) == {"older than 48 hours"}


def test_time_moves_on(data):
    later = first_product(data.as_of(NOW + 3 * HOUR), strict=True).run(Query(user_id=MARA))
    assert 112 in later.tweet_ids
    assert later.candidates["in_network"][later.candidates.tweet_ids == 110].tolist() == [
        True
    ]  # Hana is followed now
    earlier = first_product(data.as_of(NOW - 25 * HOUR), strict=True).run(Query(user_id=MARA))
    assert max(earlier.candidates.tweet_ids) == 103


def test_nobody_followed_and_no_history_means_backfill_by_name(data):
    feed = first_product(data, strict=True).run(Query(user_id=GUS))
    assert len(feed.tweet_ids) == 8
    assert set(feed.candidates.sources) == {"popular"}
    gates = feed.trace.table().query("stage == 'gate'")
    assert gates["name"].tolist() == ["FollowsSomeone to in_network", "FollowsSomeone to graph"]
    assert gates["out"].tolist() == [0, 0]
    assert feed.why(111).missed == {
        "in_network": "you follow nobody",
        "graph": "you follow nobody",
        "out_of_network": "not in a language you read",
        "popular": "not in a language you read",
    }


def test_a_newcomer_gets_what_they_declared(tmp_path):
    tables = village_tables()
    tables["users"]["interests"][-2] = [1]  # Gus ticks bread
    data = DataLoader.open(write_dataset(tmp_path / "v", tables))
    feed = first_product(data, strict=True).run(Query(user_id=GUS))
    assert set(feed.candidates.tweet_ids[feed.candidates.found_by("out_of_network")].tolist()) == {
        103,
        107,
        109,
    }
    assert feed.tweet_ids[0] in (103, 107, 109)


def test_an_unknown_user_is_an_error(data):
    with pytest.raises(UnknownUser, match="999"):
        first_product(data).run(Query(user_id=999))


def test_twenty_tweets_for_everybody(crowd):
    product = first_product(crowd, strict=True)
    for user in crowd.users["user_id"].tolist():
        feed = product.run(Query(user_id=user))
        assert len(feed.tweet_ids) == 20, user
        shown = feed.candidates.take(feed.places)
        assert not np.isin(shown.rows, crowd.seen(crowd.user_row(user))).any()
        assert (shown["age_hours"] <= 48).all()
        assert (feed.trace.fates == "over budget").sum() == max(len(feed.candidates) - 500, 0)
        ranked = feed.candidates.take(
            np.isin(feed.trace.fates, ["shown", "not selected"]) | _passed_over(feed)
        )
        inside = int(ranked["in_network"].sum())
        assert shown["in_network"].sum() == max(min(10, inside), 20 - (len(ranked) - inside))


def _passed_over(feed):
    return np.char.endswith(feed.trace.reasons, "have their share")


def test_running_changes_nothing(crowd):
    product = first_product(crowd, strict=True)
    queries = [Query(user_id=int(user)) for user in crowd.users["user_id"][:30]]
    forwards = [product.run(query).candidates.table() for query in queries]
    backwards = [first_product(crowd).run(query).candidates.table() for query in reversed(queries)]
    assert all(a.equals(b) for a, b in zip(forwards, reversed(backwards), strict=True))


def test_pages_do_not_repeat_themselves(crowd):
    product = first_product(crowd, strict=True)
    one = product.run(Query(user_id=42)).tweet_ids.tolist()
    two = product.run(Query(user_id=42, served=tuple(one))).tweet_ids.tolist()
    assert len({*one, *two}) == 40


def test_any_part_can_be_replaced(data):
    product = first_product(data, strict=True)
    only_network = first_product(data, sources=product.sources[:1], backfill=[], late_filters=[], strict=True)
    assert set(only_network.run(Query(user_id=MARA)).candidates.sources) == {"in_network"}
    small = replace(product, budget=2).run(Query(user_id=MARA))
    assert (small.trace.fates == "over budget").sum() == len(small.candidates) - 2
    bare = source_of(product, "in_network")
    alone = first_product(data, sources=[bare], backfill=[]).run(Query(user_id=MARA))
    assert set(alone.tweet_ids.tolist()) == {103, 109, 110, 111}
    with pytest.raises(MimicError, match="no column 'score'"):
        first_product(data, scorers=[]).run(Query(user_id=MARA))


def source_of(product, name):
    return next(part.source for part in product.sources if part.name == name)


def test_a_broken_source_is_not_the_end(data):
    class Falls:
        name = "falls"

        def fetch(self, query):
            raise KeyError("embedding")

        def explain(self, query, tweet_id):
            return "it fell"

    product = first_product(data)
    feed = first_product(data, sources=[Falls(), *product.sources]).run(Query(user_id=MARA))
    assert feed.tweet_ids.tolist() == product.run(Query(user_id=MARA)).tweet_ids.tolist()
    assert feed.warnings == ("source falls failed: KeyError: 'embedding'",)


def test_a_readers_own_parts_fit_in(data):
    class Quiet:
        """A filter in one honest line."""

        def keep(self, query, candidates):
            return candidates["topic"] != 1

    class Found:
        name = "found"

        def fetch(self, query):
            return Candidates(data=data, rows=data.tweet_rows([104, 109]))

        def explain(self, query, tweet_id):
            return "it knows two tweets"

    feed = first_product(data, sources=[Found()], backfill=[], filters=[Quiet()], strict=True).run(
        Query(user_id=MARA)
    )
    assert feed.tweet_ids.tolist() == [104]
    assert feed.why(109).verdict == "removed: removed by Quiet"
    assert feed.why(102).missed == {"found": "it knows two tweets"}
