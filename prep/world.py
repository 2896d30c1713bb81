"""A world before it is drawn: its size, its seed, its parameters."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import numpy as np

from prep.parameters import (
    EventParameters,
    ExposureParameters,
    GraphParameters,
    PeopleParameters,
    PrepError,
    ResponseParameters,
    TweetParameters,
)
from prep.presets import PRESETS, Preset

MOST_TWEETS = 50_000_000
"""Of one world; one with more would need hundreds of gigabytes of memory."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """Everything that a world is made from: its size, its seed and its parameters."""

    preset: Preset
    seed: int
    people: PeopleParameters = dataclasses.field(default_factory=PeopleParameters)
    graph: GraphParameters = dataclasses.field(default_factory=GraphParameters)
    tweets: TweetParameters = dataclasses.field(default_factory=TweetParameters)
    events: EventParameters = dataclasses.field(default_factory=EventParameters)
    exposure: ExposureParameters = dataclasses.field(default_factory=ExposureParameters)
    response: ResponseParameters = dataclasses.field(default_factory=ResponseParameters)

    def rng(self, stream: str) -> np.random.Generator:
        """The generator of one kind of thing, independent of all others."""
        key = int.from_bytes(hashlib.blake2b(stream.encode(), digest_size=4).digest(), "little")
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(key,)))

    def parameters(self) -> dict[str, object]:
        """All parameters but the seed, as JSON would have them."""
        values = dataclasses.asdict(self)
        del values["seed"]
        return values

    def fingerprint(self) -> str:
        """A hash of all parameters but size and seed: what is frozen."""
        values = self.parameters()
        del values["preset"]
        return hashlib.blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=8).hexdigest()


def make_world(
    preset: str = "course", seed: int = 7, *, users: int | None = None, tweets: int | None = None
) -> World:
    """The world of a preset, or of another size with the preset's proportions.

    Args:
        preset: one of PRESETS.
        seed: any whole number from 0.
        users: accounts, 200 to 1,000,000; the preset's when None.
        tweets: about how many tweets, at least 10 a user, at most MOST_TWEETS; the preset's share a user
            when None.

    Raises:
        PrepError: unknown preset, negative seed, or a size out of range.
    """
    if preset not in PRESETS:
        raise PrepError(f"unknown preset {preset!r}: use one of {', '.join(PRESETS)}")
    if type(seed) is not int or seed < 0:
        raise PrepError(f"seed must be a whole number from 0, got {seed!r}")
    size = PRESETS[preset]
    if users is None and tweets is None:
        return World(preset=size, seed=seed)
    people = size.users if users is None else users
    written = round(size.tweets / size.users * people) if tweets is None else tweets
    if not 200 <= people <= 1_000_000:
        raise PrepError(f"a world has 200 to 1,000,000 users, got {people}")
    if not 10 * people <= written <= MOST_TWEETS:
        raise PrepError(f"a world of {people} users has {10 * people} to {MOST_TWEETS} tweets, got {written}")
    custom = dataclasses.replace(
        size,
        name=f"custom-{people}x{written}",
        users=people,
        tweets=written,
        impressions=round(size.impressions / size.tweets * written),
        communities=max(10, round(size.communities * (people / size.users) ** 0.7)),
    )
    return World(preset=custom, seed=seed)
