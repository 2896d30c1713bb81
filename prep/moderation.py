"""The sample that human moderators looked at, with their mistakes."""

from __future__ import annotations

import dataclasses

import numpy as np

from prep.arrays import Bools, Ints
from prep.parameters import END, HOUR
from prep.tweets import Tweets
from prep.world import World


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reviews:
    """Reviewed tweets in the order of their rows. k rows."""

    tweet: Ints
    """int64[k], row of the tweet."""
    nsfw: Bools
    """bool[k], the verdict, sometimes wrong."""
    toxic: Bools
    """bool[k], the verdict, sometimes wrong."""
    reviewed_at: Ints
    """int64[k], ms: some hours after the tweet was written."""


def make_reviews(world: World, tweets: Tweets) -> Reviews:
    """A tenth of all tweets, chosen by chance; a verdict is wrong now and then.

    A wrong verdict is as rare in absolute number among the harmless as among the harmful: moderators
    miss some, and take a few harmless ones for harmful.
    """
    rng = world.rng("moderation")
    t = world.tweets
    row = np.flatnonzero(rng.random(len(tweets)) < t.reviewed_share)
    verdicts = []
    for truth in (tweets.nsfw[row], tweets.toxic[row]):
        rare = t.reviewer_error * truth.mean()
        wrong = rng.random(len(row)) < np.where(truth, t.reviewer_error, rare)
        verdicts.append(truth ^ wrong)
    delay = np.round(rng.lognormal(np.log(6.0), 0.8, len(row)) * HOUR).astype(np.int64)
    at = tweets.created_at[row] + delay
    keep = at < END
    return Reviews(tweet=row[keep], nsfw=verdicts[0][keep], toxic=verdicts[1][keep], reviewed_at=at[keep])
