"""The village: eight people and twelve tweets, small enough to work through on paper.

Every algorithm of the course is done here by hand first, and the tests know the right answers for this
same village. Mara follows Ben and Chloe; Hana follows Chloe; Ben follows Mara; Gus follows nobody and has
no history. Mara blocks Dan, and mutes Eve and the word «sourDough».
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from mimic.schema import RESPONSES

__all__ = ["END", "HOUR", "NOW", "PEOPLE", "START", "TOPICS", "Village", "village", "village_tables"]

HOUR: Final = 3_600_000
"""Milliseconds."""
START: Final = 1_677_628_800_000
"""2023-03-01T00:00Z, ms."""
NOW: Final = START + 27 * 24 * HOUR
"""The moment that ages are counted from."""
END: Final = START + 30 * 24 * HOUR

MARA, BEN, CHLOE, DAN, EVE, FINN, GUS, HANA = 42, 7, 3, 11, 19, 23, 31, 36
PEOPLE: Final = {
    MARA: "mara",
    BEN: "ben",
    CHLOE: "chloe",
    DAN: "dan",
    EVE: "eve",
    FINN: "finn",
    GUS: "gus",
    HANA: "hana",
}
"""Handles by user id."""
CYCLING, BREAD, CHESS, SPORT, LIFE = range(5)
TOPICS: Final = ("cycling", "bread", "chess", "sport", "life")
"""Names by topic id; sport is the root of cycling and chess, life that of bread."""

FOLLOWS: Final = (
    # who, whom, hours before START (a minus: after), None for an hour after NOW
    (MARA, CHLOE, 3.0),
    (MARA, BEN, 5.0),
    (BEN, MARA, 0.0),
    (HANA, CHLOE, -1.0),
    (MARA, HANA, None),
)
TWEETS: Final = (
    # id, author, hours before now, topic, lang, text
    (101, DAN, 60.0, CYCLING, "en", "an old ride"),
    (102, BEN, 40.0, CYCLING, "en", "forty kilometres before breakfast"),
    (103, HANA, 30.0, BREAD, "en", "rye, two days of patience"),
    (104, GUS, 20.0, CHESS, "en", "a quiet move"),
    (105, DAN, 10.0, CYCLING, "en", "a flat tyre"),
    (106, EVE, 9.0, CYCLING, "en", "wind from all sides"),
    (107, FINN, 8.0, BREAD, "en", "my SOURDOUGH is alive"),
    (108, MARA, 7.0, CYCLING, "en", "hello from the saddle"),
    (109, CHLOE, 6.0, BREAD, "en", "rolls at six"),
    (110, HANA, 5.0, CYCLING, "en", "a bell that works"),
    (111, BEN, 1.0, CHESS, "ja", "forty kilometres before breakfast"),
    (112, BEN, -2.0, CYCLING, "en", "not written yet"),
)
INTERACTIONS: Final = (
    # user, tweet, kind, hours before now
    (MARA, 102, "like", 39.0),
    (BEN, 103, "like", 29.0),
    (CHLOE, 103, "quote", 28.0),
    (BEN, 103, "retweet", 27.0),
    (MARA, 105, "click", 9.5),
    (CHLOE, 104, "like", 6.0),
    (CHLOE, 110, "retweet", 3.0),
    (HANA, 109, "like", -1.0),
    (BEN, 107, "like", -1.5),
)
IMPRESSIONS: Final = (
    # user, tweet, hours before now
    (MARA, 102, 39.5),
    (BEN, 103, 29.5),
    (CHLOE, 103, 28.5),
    (MARA, 105, 9.6),
    (CHLOE, 104, 6.5),
    (CHLOE, 110, 3.5),
    (HANA, 109, 1.0),
    (BEN, 107, -1.0),
)


def village_tables() -> dict[str, dict[str, Any]]:
    """The village as a data set: table to columns. Columns that are left out hold nothing of note."""
    responded = {(user, tweet, kind) for user, tweet, kind, _ in INTERACTIONS}
    ids, authors, ages, topics, langs, texts = zip(*TWEETS, strict=True)
    return {
        "users": {
            "user_id": list(PEOPLE),
            "created_at": [START - HOUR] * len(PEOPLE),
            "name": [handle.title() for handle in PEOPLE.values()],
            "handle": list(PEOPLE.values()),
            "interests": [[CYCLING] if user == MARA else [] for user in PEOPLE],
        },
        "follows": {
            "follower_id": [who for who, _, _ in FOLLOWS],
            "followed_id": [whom for _, whom, _ in FOLLOWS],
            "created_at": [_followed_at(hours) for _, _, hours in FOLLOWS],
        },
        "blocks": {"user_id": [MARA], "blocked_id": [DAN], "at": [NOW - HOUR]},
        "mutes": {
            "user_id": [MARA, MARA],
            "muted_id": [EVE, None],
            "word": [None, "sourDough"],
            "at": [NOW - 3 * HOUR, NOW - 2 * HOUR],
        },
        "topics": {
            "topic_id": [CYCLING, BREAD, CHESS, SPORT, LIFE],
            "root_id": [SPORT, LIFE, SPORT, SPORT, LIFE],
            "name": list(TOPICS),
        },
        "tweets": {
            "tweet_id": list(ids),
            "author_id": list(authors),
            "created_at": [_before(age) for age in ages],
            "text": list(texts),
            "topic_id": list(topics),
            "lang": list(langs),
        },
        "impressions": {
            "user_id": [user for user, _, _ in IMPRESSIONS],
            "tweet_id": [tweet for _, tweet, _ in IMPRESSIONS],
            "shown_at": [_before(age) for _, _, age in IMPRESSIONS],
            **{
                kind: [(user, tweet, kind) in responded for user, tweet, _ in IMPRESSIONS]
                for kind in RESPONSES
            },
        },
        "interactions": {
            "user_id": [user for user, _, _, _ in INTERACTIONS],
            "tweet_id": [tweet for _, tweet, _, _ in INTERACTIONS],
            "kind": [kind for _, _, kind, _ in INTERACTIONS],
            "at": [_before(age) for _, _, _, age in INTERACTIONS],
        },
        "moderation": {"tweet_id": [105], "nsfw": [False], "toxic": [False], "reviewed_at": [NOW - HOUR]},
    }


def _before(hours: float) -> int:
    return NOW - round(hours * HOUR)


def _followed_at(hours: float | None) -> int:
    return NOW + HOUR if hours is None else START - round(hours * HOUR)


@dataclass(frozen=True)
class Village:
    """The village to look at, as it is now: one table each of people, follows, tweets and answers."""

    people: pd.DataFrame
    """user_id, handle, follows."""
    follows: pd.DataFrame
    """follower, followed."""
    tweets: pd.DataFrame
    """tweet_id, author, hours (before now; less than 0 is to come), topic, text."""
    answers: pd.DataFrame
    """user, tweet_id, kind, hours (before now)."""

    def __repr__(self) -> str:
        return f"{self.people.to_string(index=False)}\n\n{self.tweets.to_string(index=False)}"

    def _repr_html_(self) -> str:
        from mimic.course.village_map import village_html

        return village_html(self)


def village() -> Village:
    """The village as of now. One tweet is not written yet; a follow and two likes to come are left out."""
    follows = [(PEOPLE[who], PEOPLE[whom]) for who, whom, hours in FOLLOWS if hours is not None]
    whom_by_who = {
        name: ", ".join(b for a, b in follows if a == name) or "nobody" for name in PEOPLE.values()
    }
    tweets = [
        (tweet, PEOPLE[author], hours, TOPICS[topic], text) for tweet, author, hours, topic, _, text in TWEETS
    ]
    answers = [(PEOPLE[user], tweet, kind, hours) for user, tweet, kind, hours in INTERACTIONS if hours > 0]
    people = [(user, handle, whom_by_who[handle]) for user, handle in PEOPLE.items()]
    return Village(
        people=pd.DataFrame(people, columns=["user_id", "handle", "follows"]),
        follows=pd.DataFrame(follows, columns=["follower", "followed"]),
        tweets=pd.DataFrame(tweets, columns=["tweet_id", "author", "hours", "topic", "text"]),
        answers=pd.DataFrame(answers, columns=["user", "tweet_id", "kind", "hours"]),
    )
