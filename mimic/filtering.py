"""What must not be shown, one rule a class, each with a reason that could be told to the user.

Rules that look at facts run before scoring; DuplicateFilter wants scores and runs after it;
ContentBalanceFilter looks at the finished order and runs last. Order and rules follow Home's global
filters (home-mixer/server/src/main/scala/com/twitter/home_mixer/product/scored_tweets) where we
have the data for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from mimic.batch import SCORE, Array, Candidates, Query, Verdicts
from mimic.data_loader import WINDOW_HOURS, DataLoader
from mimic.ordering import best_first

__all__ = [
    "AgeFilter",
    "BlockFilter",
    "ContentBalanceFilter",
    "DuplicateFilter",
    "FollowsSomeone",
    "MuteFilter",
    "OwnFilter",
    "SeenFilter",
    "ServedFilter",
    "TopSelector",
]


@dataclass(frozen=True, kw_only=True)
class FollowsSomeone:
    """A gate: who follows nobody needs no source that starts from the people one follows."""

    data: DataLoader

    def closed(self, query: Query) -> str:
        """The reason when the user follows nobody."""
        user = self.data.user_row(query.user_id)
        return "" if len(self.data.following.of(user)) else "you follow nobody"


@dataclass(frozen=True, kw_only=True)
class OwnFilter:
    """Nobody needs their own tweets recommended. Needs TweetHydrator's columns."""

    data: DataLoader
    reason: str = "you wrote it"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        """False for the viewer's own tweets."""
        return np.asarray(candidates["author"] != self.data.user_row(query.user_id))


@dataclass(frozen=True, kw_only=True)
class AgeFilter:
    """Old tweets are history, not news. Needs TweetHydrator's columns.

    A limit above 48 hours lets nothing more through: the indexes behind the product's sources hold no
    older tweets. Only a source of one's own could bring them.
    """

    max_hours: float = WINDOW_HOURS
    """Oldest age that may be shown, hours (X, August 2026: 48)."""

    @property
    def reason(self) -> str:
        """With the limit in it."""
        return f"older than {self.max_hours:g} hours"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        """False for tweets above the age limit."""
        return np.asarray(candidates["age_hours"] <= self.max_hours)


@dataclass(frozen=True, kw_only=True)
class SeenFilter:
    """A tweet is news once. Whatever was on the user's screen in the last 48 hours does not come back."""

    data: DataLoader
    hours: float = WINDOW_HOURS
    """How far back to look, hours. Home remembers 2 days; here no older tweet is a candidate anyway."""

    @property
    def reason(self) -> str:
        """With the time in it."""
        return f"you saw it in the last {self.hours:g} hours"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        """False for tweets with an impression for this viewer."""
        seen = self.data.seen(self.data.user_row(query.user_id), self.hours)
        return ~np.isin(candidates.rows, seen)


@dataclass(frozen=True, kw_only=True)
class ServedFilter:
    """Page two must not repeat page one, and a client may ask to be spared certain tweets."""

    def keep(self, query: Query, candidates: Candidates) -> Verdicts:
        """Removes the query's `served` and `exclude`."""
        ids = candidates.tweet_ids
        served, excluded = np.isin(ids, query.served), np.isin(ids, query.exclude)
        return Verdicts.of({"shown earlier in this visit": served, "excluded by the request": excluded})


@dataclass(frozen=True, kw_only=True)
class BlockFilter:
    """A block cuts both ways. Needs TweetHydrator's columns."""

    data: DataLoader

    def keep(self, query: Query, candidates: Candidates) -> Verdicts:
        """Removes authors whom the viewer blocks and authors who block the viewer."""
        user, authors = self.data.user_row(query.user_id), candidates["author"]
        blocked = np.isin(authors, self.data.blocking.of(user))
        blocking = np.isin(authors, self.data.blocked_by.of(user))
        return Verdicts.of({"you blocked the author": blocked, "the author blocked you": blocking})


@dataclass(frozen=True, kw_only=True)
class MuteFilter:
    """Muted authors and muted words, in any case and anywhere in the text. Needs TweetHydrator's columns."""

    data: DataLoader

    def keep(self, query: Query, candidates: Candidates) -> Verdicts:
        """Texts are read only for viewers who mute a word."""
        user = self.data.user_row(query.user_id)
        muted = np.isin(candidates["author"], self.data.muting.of(user))
        worded = self._has_word(candidates, self.data.muted_words(user))
        return Verdicts.of({"you muted the author": muted, "it has a word that you muted": worded})

    def _has_word(self, candidates: Candidates, words: list[str]) -> NDArray[np.bool_]:
        found = np.zeros(len(candidates), bool)
        if words:
            texts = self.data.tweets.texts("text", candidates.rows)
            for word in words:
                match = pc.match_substring(texts, word, ignore_case=True)
                found |= match.to_numpy(zero_copy_only=False)
        return found


@dataclass(frozen=True, kw_only=True)
class DuplicateFilter:
    """The same words twice are one tweet too many: of equal texts the best stays. Needs a score."""

    data: DataLoader
    reason: str = "a better tweet says the same"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        """False for all but the best-scored tweet of each text."""
        order = best_first(candidates[SCORE], candidates.rows)
        texts = self.data.tweets["text_number"][candidates.rows[order]]
        _, first = np.unique(texts, return_index=True)
        keep = np.zeros(len(candidates), bool)
        keep[order[first]] = True
        return keep


@dataclass(frozen=True, kw_only=True)
class TopSelector:
    """Best score first; equal scores newest first; no score last. Needs a score."""

    def select(self, query: Query, candidates: Candidates) -> Array:
        """All places, in order."""
        return best_first(candidates[SCORE], candidates.rows)


@dataclass(frozen=True, kw_only=True)
class ContentBalanceFilter:
    """Half of the feed from authors you follow, half from others. Needs ViewerHydrator's columns.

    Home fetches and ranks both sides to be about equal, 60 and 60 (home-mixer/server/src/main/scala/
    com/twitter/home_mixer/product/scored_tweets). Here a side that has its share is passed over,
    until the feed is full. When the other side is too short to fill its half, the first takes the
    rest: balance never makes a feed shorter.
    """

    in_network: float = 0.5
    """Share of the feed for followed authors, 0 … 1; an odd place goes to them."""

    def keep(self, query: Query, candidates: Candidates) -> Verdicts:
        """Removes what is passed over on the way to a full feed; what comes after is left to the cut."""
        known = candidates["in_network"].astype(bool)
        size = min(query.size, len(candidates))
        inside = min(int(np.ceil(query.size * self.in_network)), int(known.sum()))
        inside = max(inside, size - int((~known).sum()))
        room = np.where(known, inside, size - inside)
        place_in_side = np.where(known, np.cumsum(known), np.cumsum(~known))
        taken = place_in_side <= room
        end = np.flatnonzero(taken)[-1] if taken.any() else -1
        passed_over = ~taken & (np.arange(len(candidates)) < end)
        return Verdicts.of(
            {
                "followed authors have their share": passed_over & known,
                "other authors have their share": passed_over & ~known,
            }
        )
