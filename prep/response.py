"""The truth: how likely each response of a viewer to a tweet is.

One formula, used when the log is made and again by the oracle. Everything that the viewer, the
tweet and the moment bring is summed into a *common part* z, in log-odds. Each response then has

    logit p = intercept + loading * z + the user's own habit + what the tweet adds to this response.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mimic.schema import RESPONSES
from prep.arrays import Bools, Floats, Ints
from prep.authors import Authors
from prep.events import event_leaves, profile
from prep.parameters import HOUR
from prep.people import People
from prep.showing import Showing
from prep.topics import LEAVES
from prep.tweets import Tweets
from prep.world import World

FOLLOW = RESPONSES.index("follow")
"""Column of the response that only strangers' tweets can get."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Truth:
    """The response model of one world."""

    world: World
    people: People
    authors: Authors
    tweets: Tweets
    intercepts: Floats
    """float64[responses], log-odds, solved so that the log has the base rates of the parameters."""
    worth_mean: float
    """Mean of the common part over the log; «worth it» is measured from there."""

    def appeal(self, viewer: Ints, tweet: Ints) -> Floats:
        """The part of z that viewer and tweet bring, whenever they meet: float64[n]."""
        r, people, t = self.world.response, self.people, self.tweets
        author, scene = t.author[tweet], t.scene[tweet]
        z = r.topic * people.interests[viewer, t.topic[tweet]].astype(np.float64)
        member = np.where(people.inside(viewer, scene), r.scene_inside, r.scene_outside)
        z += np.where(scene >= 0, member, 0.0)
        z += r.style_sd * self.authors.match(viewer, author)
        z += self.authors.quality[author].astype(np.float64) + t.quality[tweet] + people.intercept[viewer]
        return np.asarray(z + np.where(people.reads[viewer, t.lang[tweet]], 0.0, r.unreadable))

    def moment(self, viewer: Ints, tweet: Ints, at: Ints) -> Floats:
        """The part of z that the moment brings, age and events: float64[n]."""
        r, t = self.world.response, self.tweets
        age = np.maximum(at - t.created_at[tweet], 0) / HOUR
        z = r.freshness * np.log1p(age / r.freshness_hours)
        topic = t.topic[tweet]
        leaves = event_leaves(self.world.events)
        some = np.flatnonzero(np.isin(np.arange(len(LEAVES)), leaves)[topic])
        for index, leaf in enumerate(leaves):
            rows = some[topic[some] == leaf]
            strength = profile(self.world.events, index, at[rows])
            z[rows] += r.topic * strength * self.people.event_interest[viewer[rows], index]
        return np.asarray(z)

    def common(self, showing: Showing, appeal: Floats | None = None) -> Floats:
        """The common part z of each showing: float64[n], log-odds; `appeal` saves working it out."""
        r = self.world.response
        follows = ~np.isnan(showing.tie)
        z = self.appeal(showing.viewer, showing.tweet) if appeal is None else appeal
        z = z + self.moment(showing.viewer, showing.tweet, showing.at)
        z += np.where(follows, r.follow + r.tie * showing.tie, 0.0)
        proof = r.proof * np.log1p(np.minimum(showing.proof, r.proof_cap))
        z += np.where(follows, 0.0, proof) + r.position * np.log1p(showing.position)
        return z + self.fatigue(showing.author_seen, showing.topic_seen)

    def fatigue(self, author_seen: Ints, topic_seen: Ints) -> Floats:
        """Log-odds lost to repetition: even steps that reach the stated odds at the third tweet."""
        r = self.world.response
        author, topic = np.log(r.author_fatigue) / 2, np.log(r.topic_fatigue) / 2
        return np.asarray(author * author_seen + topic * topic_seen, np.float64)

    def probabilities(self, showing: Showing, common: Floats | None = None) -> Floats:
        """The probability of each response: float64[n, responses]."""
        r, t = self.world.response, self.tweets
        z = self.common(showing) if common is None else common
        tweet, follows = showing.tweet, ~np.isnan(showing.tie)
        logit = np.multiply.outer(z, np.array(r.loading))
        logit += self.intercepts + self.people.action_effects[showing.viewer]
        logit += np.multiply.outer(t.bait[tweet].astype(np.float64), np.array(r.bait))
        for flag, effect in (
            (t.has_media[tweet], r.media),
            (t.has_link[tweet], r.link),
            (t.nsfw[tweet], r.nsfw),
            (t.toxic[tweet], r.toxic),
            (follows, r.followed),
        ):
            rows = np.flatnonzero(flag)
            logit[rows] += np.array(effect)
        p = 1.0 / (1.0 + np.exp(-logit))
        p[follows, FOLLOW] = 0.0
        return np.asarray(p)

    def worth(self, showing: Showing, common: Floats) -> Floats:
        """The probability that the viewer would call the tweet worth the time: float64[n]."""
        r, t = self.world.response, self.tweets
        harm = t.nsfw[showing.tweet] | t.toxic[showing.tweet]
        logit = r.worth_base + r.worth_common * (common - self.worth_mean)
        logit += r.worth_bait * t.bait[showing.tweet] + r.worth_harm * harm
        return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def solve_intercepts(logits: Floats, base_rates: Floats, possible: Bools) -> Floats:
    """Shifts that give each response its base rate over the rows of a log.

    Args:
        logits: float64[n, responses], with some intercepts already in them.
        base_rates: float64[responses], wanted mean over all rows.
        possible: bool[n, responses], where the response can happen at all.

    Returns:
        float64[responses], to be added to the intercepts (by 40 halvings of [-8, 8]).
    """
    low, high = np.full(len(base_rates), -8.0), np.full(len(base_rates), 8.0)
    for _ in range(40):
        middle = (low + high) / 2
        rate = (possible / (1.0 + np.exp(-(logits + middle)))).mean(axis=0)
        low, high = np.where(rate < base_rates, middle, low), np.where(rate < base_rates, high, middle)
    return np.asarray((low + high) / 2)
