"""The bet: one person, twelve tweets, and the question which five to show.

The page compares the reader's five with the newest five, the machine's five and the truth's five. It is
plain HTML that says the answer without a script; `book/_static/js/bet.js` hides it until the reader has
chosen. What the tweets are truly worth comes in from outside: the recommender cannot know it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mimic.batch import SCORE
from mimic.cards import age_words, avatar, profile_numbers, top_topics, tweet_facts
from mimic.columns import NONE
from mimic.data_loader import DataLoader
from mimic.errors import MimicError
from mimic.feed import Feed
from mimic.markup import tag, text
from mimic.scoring import VALUE_WEIGHTS

__all__ = ["CHOSEN", "SHOWN", "Bet", "bet_html", "choose_tweets", "make_bet"]

SHOWN: Final = 12
"""Tweets on the table."""
CHOSEN: Final = 5
"""How many of them one may show."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Bet:
    """Twelve tweets for one person, and what everybody would choose."""

    data: DataLoader
    user_id: int
    tweet_ids: NDArray[np.int64]
    """int64[12], in the order of the table."""
    values: NDArray[np.float64]
    """float64[12]: what each is truly worth, at the first place and without fatigue."""
    scores: NDArray[np.float64]
    """float64[12]: what the machine thinks of each; NaN for a tweet that it never fetched."""

    def five_by(self, measure: NDArray[np.float64]) -> NDArray[np.int64]:
        """Places of the five with the largest measure, int64[5]; NaN last, equal ones newest first."""
        sinking = np.where(np.isnan(measure), -np.inf, measure)
        return np.sort(np.lexsort((-self.tweet_ids, -sinking))[:CHOSEN])

    @property
    def newest(self) -> NDArray[np.int64]:
        """Places of the newest five."""
        return self.five_by(self.tweet_ids.astype(np.float64))

    @property
    def machine(self) -> NDArray[np.int64]:
        """Places of the five with the best score."""
        return self.five_by(self.scores)

    @property
    def truth(self) -> NDArray[np.int64]:
        """Places of the five that are worth most."""
        return self.five_by(self.values)

    def share(self, places: NDArray[np.int64]) -> float:
        """Value of five as a share of the value of the best five."""
        return float(self.values[places].sum() / self.values[self.truth].sum())

    @property
    def blind(self) -> float:
        """What five drawn blindly reach on average, as a share of the best five."""
        return float(CHOSEN * self.values.mean() / self.values[self.truth].sum())


def choose_tweets(feed: Feed, best: ArrayLike, avoid: ArrayLike = ()) -> NDArray[np.int64]:
    """Choose the twelve by rule: in turn from the truth's best, the machine's best and the newest followed.

    No author twice, no reply, nothing in another language than the viewer's, nothing of `avoid`. The order
    of the table is drawn with a seed, so that it betrays nothing.

    Args:
        feed: the machine's answer for the viewer.
        best: ids of the tweets that are truly worth most, best first; a hundred are enough.
        avoid: ids of tweets that should not stand on a first page.

    Raises:
        MimicError: fewer than twelve tweets fit the rule.
    """
    data, candidates = feed.data, feed.candidates
    ranked = candidates.tweet_ids[np.argsort(-np.nan_to_num(candidates[SCORE], nan=-np.inf), kind="stable")]
    in_network = np.sort(candidates.tweet_ids[candidates.found_by("in_network")])[::-1]
    pools = [data.tweet_rows(ids) for ids in (np.asarray(best, np.int64), ranked, in_network) if len(ids)]
    language = data.users["lang"][data.user_row(feed.query.user_id)]
    chosen: list[int] = []
    for take in range(SHOWN):
        pool = pools[take % len(pools)]
        fits = (data.tweets["lang"][pool] == language) & (data.tweets["reply_to"][pool] == NONE)
        fits &= ~np.isin(data.tweets["tweet_id"][pool], np.asarray(avoid, np.int64))
        fits &= ~np.isin(data.tweets["author"][pool], data.tweets["author"][np.array(chosen, np.int64)])
        if not fits.any():
            raise MimicError(f"only {len(chosen)} of {SHOWN} tweets fit the rule of the bet")
        chosen.append(int(pool[fits.argmax()]))
    order = np.random.default_rng(feed.query.user_id).permutation(SHOWN)
    ids: NDArray[np.int64] = data.tweets["tweet_id"][np.array(chosen)[order]]
    return ids


def make_bet(feed: Feed, tweet_ids: ArrayLike, values: ArrayLike) -> Bet:
    """Lay the tweets on the table.

    Args:
        feed: the machine's answer, which has its scores.
        tweet_ids: int[12], from `choose_tweets`.
        values: float[12]: what each is truly worth to the viewer.

    Raises:
        MimicError: the numbers of tweets and values differ, or the best five are worth nothing.
    """
    ids, worth = np.asarray(tweet_ids, np.int64), np.asarray(values, np.float64)
    if ids.shape != worth.shape or np.sort(worth)[-CHOSEN:].sum() <= 0:
        raise MimicError(f"a bet needs a value for each tweet, and five of some worth; got {worth.tolist()}")
    candidates = feed.candidates
    known = {
        int(tweet): float(score) for tweet, score in zip(candidates.tweet_ids, candidates[SCORE], strict=True)
    }
    scores = np.array([known.get(int(tweet), np.nan) for tweet in ids])
    return Bet(data=feed.data, user_id=feed.query.user_id, tweet_ids=ids, values=worth, scores=scores)


def bet_html(bet: Bet) -> str:
    """The fragment that the page includes: the person, the twelve cards, and what everybody chose."""
    facts = tweet_facts(bet.data, bet.data.tweet_rows(bet.tweet_ids))
    cards = "".join(_card(bet, place, tweet) for place, tweet in enumerate(facts))
    parts = [
        _person(bet),
        tag("p", f"Choose {CHOSEN}.", "", {"class": "bet-task", "role": "status"}),
        tag("ol", cards, "", {"class": "bet-cards", "role": "list"}),
        _BUTTONS,
        _result(bet),
    ]
    best = {"class": "bet", "data-best": f"{bet.values[bet.truth].sum():.6f}"}
    style = '<link rel="stylesheet" href="../_static/css/bet.css">'
    script = '<script src="../_static/js/bet.js" defer></script>'
    return "\n".join([style, tag("div", "\n".join(["", *parts, ""]), "", best), script, ""])


_BUTTONS: Final = (
    '<p class="bet-buttons"><button type="button" class="bet-compare" disabled>Compare</button> '
    '<button type="button" class="bet-again" hidden>Try again</button></p>'
)


def _person(bet: Bet) -> str:
    data = bet.data
    user = data.user_row(bet.user_id)
    about = data.profiles(np.array([user])).iloc[0]
    topics = ", ".join(top_topics(data, user))
    name = tag("b", tag("bdi", text(about["name"]))) + _span("bet-quiet", f" @{text(about['handle'])}")
    bio = tag("div", text(about["bio"]), "", {"lang": about["lang"], "dir": "auto"})
    quiet = f"{text(profile_numbers(data, user))}<br>has liked most: {text(topics)}"
    body = f"<div>{name}{bio}{tag('div', quiet, '', {'class': 'bet-quiet bet-small'})}</div>"
    return tag("div", avatar(bet.user_id, 64) + body, "", {"class": "bet-person"})


def _span(names: str, content: str) -> str:
    return tag("span", content, "", {"class": names})


def _card(bet: Bet, place: int, tweet: dict[str, Any]) -> str:
    """One tweet with its box to tick; the whole card is the label of the box."""
    box = f'<input type="checkbox" id="bet-{place}" data-value="{bet.values[place]:.6f}">'
    about = f" @{text(tweet['author_handle'])} · {age_words(tweet['age_hours'])}"
    head = tag("b", tag("bdi", text(tweet["author_name"]))) + _span("bet-quiet", about)
    words = tag("span", text(tweet["text"]), "", {"class": "bet-text", "lang": tweet["lang"], "dir": "auto"})
    likes = f"{tweet['likes']} like{'' if tweet['likes'] == 1 else 's'}" if tweet["likes"] else "no likes yet"
    body = _span("bet-body", _span("bet-head", head) + words + _span("bet-quiet bet-small", likes))
    label = f'<label for="bet-{place}">{avatar(int(tweet["author_id"]), 38)}{body}</label>'
    return tag("li", box + label + _badges(bet, place), "", {"class": "bet-card"})


def _badges(bet: Bet, place: int) -> str:
    """What a card says once everything is open: its worth, and who chose it."""
    chosen = {"newest": bet.newest, "machine": bet.machine, "truth": bet.truth}
    said = [_span(f"bet-badge bet-{name}", name) for name, places in chosen.items() if place in places]
    said += [_span("bet-badge bet-missed", "never fetched")] if np.isnan(bet.scores[place]) else []
    worth = _span("bet-worth", f"worth {100 * bet.values[place]:.0f}")
    return _span("bet-badges", "".join([worth, _span("bet-badge bet-yours", "yours"), *said]))


def _result(bet: Bet) -> str:
    """Everybody's five, as shares of the best five."""
    rows = [
        _bar("yours", "Your five", None),
        _bar("newest", "The newest five", bet.share(bet.newest)),
        _bar("machine", "The machine's five", bet.share(bet.machine)),
        _bar("truth", "The truth's five", 1.0),
        _bar("blind", "Five drawn blindly, on average", bet.blind),
    ]
    name = bet.data.profiles(np.array([bet.data.user_row(bet.user_id)]))["name"][0].split()[0]
    heading = tag("p", tag("b", "What they are worth"), "", {"class": "bet-heading", "tabindex": "-1"})
    like, reply = (f"{100 * VALUE_WEIGHTS[kind]:.0f}" for kind in ("like", "reply"))
    scale = (
        f"A tweet's worth is what {text(name)} would do with it, weighed and counted by someone who knows "
        f"the chances: a sure like would be worth {like}, a sure reply {reply}, and what annoys counts "
        "against it. Each tweet is counted as if it stood first. The bars are shares of the best five. "
        "Every third tweet on the table comes from the truth's best, so even a blind choice does well. The "
        "machine is that of chapter 1, which has learnt nothing yet; there its whole feeds are measured, for "
        "many readers."
    )
    note = tag("p", scale, "", {"class": "bet-quiet bet-small"})
    return tag("div", heading + _table(rows) + note, "", {"class": "bet-result"})


def _table(rows: Sequence[str]) -> str:
    return tag("ul", "".join(rows), "", {"class": "bet-bars", "role": "list"})


def _bar(name: str, words: str, share: float | None) -> str:
    percent = "" if share is None else f"{100 * share:.0f} %"
    width = 0.0 if share is None else 100 * min(max(share, 0.0), 1.0)
    track = f'<span class="bet-track"><span class="bet-fill" style="width:{width:.0f}%"></span></span>'
    content = _span("bet-who", text(words)) + track + _span("bet-percent", percent)
    return tag("li", content, "", {"class": f"bet-row bet-{name}"})
