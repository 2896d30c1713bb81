"""The cast: six people of the world, each chosen by a rule, whose feeds the course looks at.

The rules read public tables only, as of the snapshot, so that another world has another cast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mimic.cards import profile
from mimic.data_loader import HOUR_MS, DataLoader
from mimic.errors import MimicError
from mimic.schema import LANGUAGES, RESPONSES

__all__ = ["Cast", "Member", "cast"]

_MARA: Final = 42


@dataclass(frozen=True, eq=False)
class Member:
    """One of the cast."""

    role: str
    """Such as "the lurker"."""
    user_id: int
    name: str
    rule: str
    """How the world was asked for this person, in words."""
    biography: str
    """What the public tables say, in a line."""
    data: DataLoader
    """The snapshot that was asked."""

    def __repr__(self) -> str:
        return f"{self.name}, {self.role} ({self.user_id}): {self.biography}"

    def _repr_html_(self) -> str:
        notes = (self.biography, f"Chosen by rule: {self.rule}.")
        return profile(self.data, self.user_id, role=self.role, notes=notes).html


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Everybody, by role."""

    mara: Member
    newcomer: Member
    lurker: Member
    celebrity: Member
    small_language: Member
    heavy_user: Member

    def members(self) -> tuple[Member, ...]:
        """All of them, in the order in which the course meets them."""
        return (self.mara, self.newcomer, self.lurker, self.celebrity, self.small_language, self.heavy_user)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.members()))

    def _repr_html_(self) -> str:
        return "".join(member._repr_html_() for member in self.members())


def cast(data: DataLoader) -> Cast:
    """Choose the cast of a world.

    Mara is user 42. The others are chosen one after the other, nobody twice, and only among people who
    have seen a tweet; between equals the larger user id is taken.

    Raises:
        MimicError: fewer than six people have seen a tweet.
    """
    seen = np.bincount(data.impressions["user"], minlength=len(data.users))
    answers = np.bincount(data.interactions["user"], minlength=len(data.users))
    language, speakers = data.users["lang"], np.bincount(data.users["lang"], minlength=len(LANGUAGES))
    smallest = np.where(speakers > 0, speakers, len(data.users) + 1).argmin()
    watchers = seen >= np.quantile(seen, 0.9)
    choose = _Chooser(data, seen, answers)
    return Cast(
        mara=choose.member("the one we follow", "user 42", _is(data, _MARA)),
        newcomer=choose.member(
            "the newcomer", "the newest account that has seen a tweet", data.users["created_at"]
        ),
        lurker=choose.member(
            "the lurker",
            "of the tenth of all people who have seen most, the one who answers the least of it",
            np.where(watchers, -answers / np.maximum(seen, 1), -np.inf),
        ),
        celebrity=choose.member("the celebrity", "the account with most followers", data.followers.sizes),
        small_language=choose.member(
            "the small language",
            "of those whose language has the fewest accounts, the one who has seen most",
            np.where(language == smallest, seen, -np.inf),
        ),
        heavy_user=choose.member("the heavy user", "the one who has seen most tweets", seen),
    )


def _is(data: DataLoader, user_id: int) -> NDArray[np.bool_]:
    wanted = np.zeros(len(data.users), bool)
    wanted[data.user_row(user_id)] = True
    return wanted


class _Chooser:
    """Takes the first by a criterion who is not in the cast yet."""

    def __init__(self, data: DataLoader, seen: NDArray[np.int64], answers: NDArray[np.int64]) -> None:
        self._data, self._seen, self._answers = data, seen, answers
        self._free = (seen > 0) & (data.users["created_at"] < data.now)
        self._free[data.user_row(_MARA)] = True

    def member(self, role: str, rule: str, criterion: NDArray[Any]) -> Member:
        """The free user with the largest criterion."""
        free = np.flatnonzero(self._free)
        if not len(free):
            raise MimicError("a cast needs six people who have seen a tweet")
        ids = self._data.users["user_id"][free]
        row = int(free[np.lexsort((ids, criterion[free]))[-1]])
        self._free[row] = False
        about = self._data.profiles(np.array([row])).iloc[0]
        return Member(role, int(about["user_id"]), str(about["name"]), rule, self._biography(row), self._data)

    def _biography(self, user: int) -> str:
        """What the public tables say beyond the profile."""
        kinds = self._data.interactions["kind"][self._data.history(user)]
        likes = int((kinds == RESPONSES.index("like")).sum())
        seen, answers = int(self._seen[user]), int(self._answers[user])
        days = round((self._data.now - self._data.manifest.start) / HOUR_MS / 24)
        said = f"{answers:,} answer{'' if answers == 1 else 's'}, {likes:,} of them likes"
        return f"{self._circle(user)}; has seen {seen:,} tweets in {days} days and left {said}"

    def _circle(self, user: int) -> str:
        """Whom they follow, by what those people write about."""
        followees = self._data.following.of(user)
        if not len(followees):
            return "follows nobody"
        wrote = np.isin(self._data.tweets["author"], followees)
        topics = np.bincount(self._data.tweets["topic"][wrote], minlength=len(self._data.topics))
        best = np.argsort(-topics, kind="stable")[:2]
        names = [str(name) for name in self._data.topics.texts("name", best[topics[best] > 0]).to_pylist()]
        about = f", who write most about {' and '.join(names)}" if names else ""
        return f"follows {len(followees):,} account{'' if len(followees) == 1 else 's'}{about}"
