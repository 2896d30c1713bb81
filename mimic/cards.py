"""Tweets and people as cards: what a reader of the course looks at when it speaks of Mara and her feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mimic.batch import SCORE
from mimic.columns import NONE
from mimic.data_loader import HOUR_MS, DataLoader
from mimic.history import topic_shares
from mimic.markup import CARD, MUTED, SMALL, Shown, chip, div, fold, frame, span, tag, text
from mimic.palette import BASELINE, look_of
from mimic.schema import LANGUAGES
from mimic.why import Why

__all__ = ["age_words", "avatar", "card_html", "cards", "profile", "profile_numbers", "replying_to"]
__all__ += ["source_chip", "top_topics", "tweet_facts", "why_words"]

_LANGUAGE_WORDS: Final = dict(
    zip(LANGUAGES, ("English", "Japanese", "Spanish", "Arabic", "Portuguese", "Turkish"), strict=True)
)
_BACKGROUNDS: Final = ("#9CC5E0", "#F2CE86", "#9BD3BF", "#E3B9D0", "#D9D2C3", "#B9C3DA", "#F0B79A", "#C7D8A4")
_SHIRTS: Final = ("#0072B2", "#B26B00", "#007A58", "#8C4A6F", "#5B5B66", "#A8480A", "#3B6E8F", "#6A7B2F")
_FACES: Final = ("#F3D6BE", "#E6BC98", "#CD9A70", "#A8754E", "#7D5436", "#5C3D28")
_HAIR: Final = ("#2B2320", "#4A3224", "#7A5230", "#B58A4C", "#8F8F92", "#A4512B")
_HAIRCUTS: Final = (
    "M11 19C10 9 15 7 20 7s10 2 9 12c-2-5-5-6-9-6s-7 1-9 6Z",  # short
    "M10 27C9 10 14 6 20 6s11 4 10 21h-3c1-8 0-12-2-13-4 2-9 2-11 1-1 3-1 6-1 12Z",  # long
    "M12 17c-1-6 3-10 8-10s9 4 8 10c-4-3-12-3-16 0ZM17 6a3 3 0 1 1 6 0Z",  # a bun
    "M9 18a4 4 0 0 1 3-6 5 5 0 0 1 7-4 5 5 0 0 1 7 2 4 4 0 0 1 4 8c-4-4-17-4-21 0Z",  # curls
    "M12 15c1-5 4-7 8-7s7 2 8 7c-3-2-13-2-16 0Z",  # a cap
    "M20 7c-3 0-4 2-4 5h8c0-3-1-5-4-5Z",  # a tuft
)
_EYES: Final = "M16.6 19.2h.02M23.4 19.2h.02"
_GLASSES: Final = (
    "M13.7 19.2a2.9 2.9 0 1 0 5.8 0 2.9 2.9 0 1 0-5.8 0m6.8 0a2.9 2.9 0 1 0 5.8 0 2.9 2.9 0 1 0-5.8 0"
)
_MOUTHS: Final = ("M17.4 23.6q2.6 2.2 5.2 0", "M17.8 24h4.4", "M17.6 23.4q2.4 3.4 4.8 0Z")
_DARK_INK: Final = "#26211f"
_LIGHT_INK: Final = "#f4e6da"


def avatar(user_id: int, size: int = 42) -> str:
    """A drawn face, always the same for a user: inline SVG without a word, so that it is not read aloud.

    Args:
        user_id: whose; its digits, well mixed, choose each part.
        size: of the picture, CSS pixels.
    """
    back, shirt, face, hair, cut, glasses, smile = _picks(user_id)
    ink = _DARK_INK if face % len(_FACES) < 4 else _LIGHT_INK
    skin = _FACES[face % len(_FACES)]
    parts = (
        f'<path d="M5 41c0-9 7-12 15-12s15 3 15 12Z" fill="{_SHIRTS[shirt % len(_SHIRTS)]}"/>',
        f'<path d="M17 25h6v6a3 3 0 0 1-6 0Z" fill="{skin}"/>',
        f'<ellipse cx="20" cy="19" rx="7.6" ry="8.8" fill="{skin}"/>',
        f'<path d="{_HAIRCUTS[cut % len(_HAIRCUTS)]}" fill="{_HAIR[hair % len(_HAIR)]}"/>',
        f'<path d="{_EYES}" stroke="{ink}" stroke-width="2.1" stroke-linecap="round"/>',
        f'<path d="{_GLASSES if glasses % 5 == 0 else ""}" fill="none" stroke="{ink}" stroke-width=".9"/>',
        f'<path d="{_MOUTHS[smile % len(_MOUTHS)]}" fill="none" stroke="{ink}" stroke-width="1.1"/>',
    )
    # Said as style too: JupyterLab gives every picture the height «auto», and a flexible row stretches that.
    look = f"flex:none;align-self:flex-start;width:{size}px;height:{size}px;border-radius:50%"
    look += f";background:{_BACKGROUNDS[back % len(_BACKGROUNDS)]}"
    drawn = {"viewBox": "0 0 40 40", "width": str(size), "height": str(size)}
    return tag("svg", "".join(parts), look, drawn | {"aria-hidden": "true", "focusable": "false"})


def _picks(user_id: int) -> list[int]:
    """Seven numbers below 64 that look as if they were drawn, always the same for a user."""
    mixed = (user_id * 0x9E3779B97F4A7C15 + 0x7F4A7C15) % 2**64
    mixed ^= mixed >> 29
    return [mixed >> 6 * part & 63 for part in range(7)]


def age_words(hours: float) -> str:
    """An age as people write it: "25 min", "3 h", "2 days"."""
    if hours < 1:
        return f"{max(round(60 * hours), 1)} min"
    return f"{round(hours)} h" if hours < 47.5 else f"{round(hours / 24)} days"


def card_html(tweet: Mapping[Any, Any], *, why: str = "", rank: int | None = None) -> str:
    """One tweet as a card.

    Args:
        tweet: a row of `Feed.table()`, or of `tweet_facts`.
        why: HTML that is folded below.
        rank: its place, from 1.
    """
    look = look_of(tweet["sources"]) if tweet.get("sources") else None
    edge = f"5px {look.edge} {look.colour}" if look else f"5px solid {BASELINE}"
    words = {"lang": tweet["lang"], "dir": "auto"}
    answered = tweet.get("replying_to")
    parts = [
        _remark(tweet.get("context", "")),
        _head(tweet, rank),
        _remark(f"replying to @{answered}" if answered else ""),
        tag("div", text(tweet["text"]), "margin:.1em 0 .35em;overflow-wrap:anywhere", words),
        _foot(tweet, chip(look.word, look.colour) if look else ""),
        fold("why", why, f"{SMALL};margin-top:.3em") if why else "",
    ]
    body = div("".join(parts), "flex:1;min-width:0")
    card = f"display:flex;gap:.75em;margin:0 0 .6em;{CARD};border-left:{edge}"
    return tag("article", avatar(int(tweet["author_id"])) + body, card)


def _remark(words: str) -> str:
    return div(text(words), f"{SMALL};{MUTED}") if words else ""


def _head(tweet: Mapping[Any, Any], rank: int | None) -> str:
    """Name, handle, age, and the place in the feed."""
    name = tag("b", tag("bdi", text(tweet["author_name"])), "overflow-wrap:anywhere")
    tick = span(" verified", f"font-size:12px;{MUTED}") if tweet["author_verified"] else ""
    about = span(f" @{text(tweet['author_handle'])} · {age_words(tweet['age_hours'])}", MUTED)
    place = span(str(rank), f"{MUTED};font-variant-numeric:tabular-nums") if rank else ""
    row = "display:flex;gap:.6em;justify-content:space-between"
    return div(div(name + tick + about, "min-width:0") + place, row)


def _foot(tweet: Mapping[Any, Any], source: str) -> str:
    """Counts, source and score."""
    counted = [
        (tweet["replies"], "reply", "replies"),
        (tweet["retweets"] + tweet["quotes"], "retweet", "retweets"),
        (tweet["likes"], "like", "likes"),
    ]
    said = [f"{count:,} {one if count == 1 else many}" for count, one, many in counted if count]
    score = tweet.get("score", np.nan)
    parts = [" · ".join(said) or "no likes yet", source, "" if np.isnan(score) else f"score {score:.3g}"]
    row = f"{SMALL};display:flex;flex-wrap:wrap;gap:.1em 1.1em;{MUTED}"
    return div("".join(span(part) for part in parts if part), row)


def why_words(why: Why) -> str:
    """The short story of a tweet, as HTML, for the fold of a card."""
    lines = [f"{source_chip(name)} found it, at rank {rank}" for name, rank in why.found.items()]
    lines += [f"{source_chip(name)} did not: {text(reason)}" for name, reason in why.missed.items()]
    scores = [f"{text(name)} {value:.3g}" for name, value in why.scores.items() if name != SCORE]
    lines += [" · ".join(scores)] if scores else []
    return div("".join(div(line, "margin:.15em 0") for line in lines), "margin:.3em 0 0")


def source_chip(sources: str) -> str:
    """The name of a source, or of several, with their colour."""
    look = look_of(sources)
    return chip(look.word, look.colour)


def cards(data: DataLoader, tweet_ids: ArrayLike) -> Shown:
    """Some tweets as cards, in the order given, as everybody sees them.

    Args:
        data: the snapshot whose counts and ages are shown.
        tweet_ids: int[n].

    Raises:
        UnknownTweet: one of them does not exist, or not yet.
    """
    tweets = tweet_facts(data, data.tweet_rows(tweet_ids))
    words = [f"@{row['author_handle']}, {age_words(row['age_hours'])}: {row['text']}" for row in tweets]
    return Shown(frame(*(card_html(row) for row in tweets)), "\n".join(words))


def tweet_facts(data: DataLoader, tweets: NDArray[np.int64]) -> list[dict[str, Any]]:
    """What a card shows of tweets (rows), one dictionary each, with the names of `Feed.table()`."""
    profiles = data.profiles(data.tweets["author"][tweets])
    columns = {
        "tweet_id": data.tweets["tweet_id"][tweets],
        "author_id": profiles["user_id"],
        "author_name": profiles["name"],
        "author_handle": profiles["handle"],
        "author_verified": profiles["verified"],
        "text": data.text(tweets),
        "lang": np.array(LANGUAGES)[data.tweets["lang"][tweets]],
        "age_hours": data.age_hours(tweets),
        "likes": data.counts("like")[tweets],
        "replies": data.reply_counts()[tweets],
        "retweets": data.counts("retweet")[tweets],
        "quotes": data.counts("quote")[tweets],
        "replying_to": replying_to(data, tweets),
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def replying_to(data: DataLoader, tweets: NDArray[np.int64]) -> list[str]:
    """Handles of those whom tweets (rows) reply to, "" for a tweet that replies to nobody."""
    parents = data.tweets["reply_to"][tweets]
    answered = parents != NONE
    handles = np.full(len(tweets), "", object)
    authors = data.tweets["author"][parents[answered]]
    handles[answered] = data.users.texts("handle", authors).to_pylist()
    return [str(handle) for handle in handles]


def profile(data: DataLoader, user_id: int, *, role: str = "", notes: Sequence[str] = ()) -> Shown:
    """A person's profile: who they are, whom they follow, what they have liked so far.

    Args:
        data: the snapshot that is asked.
        user_id: whose profile.
        role: what they are in the course, above the name.
        notes: further lines of words below.

    Raises:
        UnknownUser: this snapshot does not know the user.
    """
    user = data.user_row(user_id)
    about = data.profiles(np.array([user])).iloc[0]
    topics = ", ".join(top_topics(data, user)) or "nothing yet"
    lines = [profile_numbers(data, user), f"favourite topics: {topics}", *notes]
    name = tag("b", tag("bdi", text(about["name"]))) + span(f" @{text(about['handle'])}", MUTED)
    bio = tag("div", text(about["bio"]), "margin:.15em 0", {"lang": about["lang"], "dir": "auto"})
    facts = div("<br>".join(text(line) for line in lines), f"{SMALL};{MUTED}")
    body = div(_remark(role) + div(name) + bio + facts, "flex:1;min-width:0")
    words = [f"{about['name']} (@{about['handle']}): {about['bio']}", *lines]
    return Shown(frame(div(avatar(user_id, 64) + body, f"display:flex;gap:.9em;{CARD}")), "\n".join(words))


def profile_numbers(data: DataLoader, user: int) -> str:
    """Follows, followers, time on the platform and language of a user (row), as a line of words."""
    follows, followers = len(data.following.of(user)), len(data.followers.of(user))
    days = max(int((data.now - data.users["created_at"][user]) / HOUR_MS / 24), 0)
    since = f"{days // 365} years" if days >= 730 else f"{days} days"
    language = _LANGUAGE_WORDS[LANGUAGES[data.users["lang"][user]]]
    return f"follows {follows:,} · {followers:,} followers · here for {since} · reads {language}"


def top_topics(data: DataLoader, user: int, most: int = 3) -> list[str]:
    """Names of the topics that a user's (row) history is about, the largest share first."""
    shares = topic_shares(data, user)
    best = np.argsort(-shares, kind="stable")[:most]
    return [str(name) for name in data.topics.texts("name", best[shares[best] > 0]).to_pylist()]
