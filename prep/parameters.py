"""Every number that makes the world what it is, each with its unit and where it comes from.

Sources: kwak2010what and the like are keys of the book's bibliography (book/references.bib); *row A13*
is a row of the calibration table (`calibration.json`), which the value was set to meet; *prototype* marks
what a smaller prototype showed to work; *chosen* a decision of ours that no publication supports. A hash
of these values stands in a test: the world is frozen (LOG.md says when and why).
"""

from __future__ import annotations

import dataclasses
from typing import Final

HOUR: Final = 3_600_000
"""Milliseconds in an hour."""
DAY: Final = 24 * HOUR
"""Milliseconds in a day."""
START: Final = 1_677_628_800_000
"""2023-03-01T00:00:00Z, the first moment of the window, ms."""
DAYS: Final = 30
"""Length of the window, days: 25 tweets a user and month is what pew2019sizing implies."""
NOW: Final = START + 27 * DAY
"""`data.now`: the start of day 28, ms. Days 28 to 30 are the future that evaluation asks for."""
END: Final = START + DAYS * DAY
"""The first moment after the window, ms."""
WINDOW: Final = 48 * HOUR
"""A tweet is eligible for this long after it was written, ms (X serves tweets up to 48 h old)."""


class PrepError(ValueError):
    """Something that `prep` was asked for cannot be done; the message says how to mend it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PeopleParameters:
    """Who the users are."""

    language_shares: tuple[float, ...] = (0.45, 0.18, 0.15, 0.08, 0.07, 0.07)
    """Share of users by language, in the order of LANGUAGES (alshaabi2021growing)."""
    second_language: float = 0.15
    """Share of users who read a second language (hale2014global: over 10 % use several)."""
    utc_offset_hours: tuple[float, ...] = (-5.0, 9.0, -4.0, 3.0, -3.0, 3.0)
    """Where the speakers of each language live, hours from UTC (chosen)."""
    utc_offset_sd: float = 1.5
    """Spread of the users of one language over time zones, hours (chosen)."""
    community_exponent: float = 0.8
    """Size of a community goes as (rank + offset) ** -exponent (row C2)."""
    community_offset: float = 5.0
    """See `community_exponent`."""
    extra_memberships: float = 1.0
    """Poisson mean of memberships beyond the first, at most four (row C3)."""
    foreign_membership: float = 0.03
    """Share of extra memberships outside one's language (chosen)."""
    community_leaves: int = 3
    """Leaf topics that a community cares about (chosen)."""
    keep_community_leaf: float = 0.8
    """A member takes over each of them with this probability (chosen)."""
    own_leaves: int = 1
    """Leaf topics a user has apart from any community (prototype)."""
    broad_share: float = 0.6
    """Share of users who like each of the three broad leaves (chosen)."""
    declared_share: float = 0.6
    """A true interest above .3 is declared at sign-up with this probability (prototype)."""
    appetite_sd: float = 1.45
    """Lognormal sd of how many accounts one wants to follow (row G4)."""
    fame_sd: float = 1.75
    """Lognormal sd of how many want to follow one (row G3)."""
    appetite_fame: float = 0.6
    """Correlation of the two logs (row G19)."""
    hub_share: float = 0.01
    """Share of users whose fame is raised into the tail (row G5)."""
    nobody_share: float = 0.04
    """Share of users whom nobody would find (row G8)."""
    fame_cap: float = 0.012
    """No one has more than this share of the sum of fame ** global_exponent (row G7)."""
    newcomer_share: float = 0.05
    """Share of accounts made inside the window (row G20)."""
    newcomer_reach: float = 0.3
    """A newcomer's wish to follow and fame, against what they will be (myers2014bursty)."""
    style_dims: int = 8
    """Dimensions of the hidden taste vector (prototype)."""
    style_community: float = 0.5
    """Share of a taste vector's variance that the communities explain (chosen)."""
    style_followees: float = 0.2
    """Share that the followees explain (chosen)."""
    author_style_own: float = 0.7
    """Weight of a person's taste in what they write; the rest is noise (prototype)."""
    activity_sd: float = 1.3
    """Lognormal sd of how often a user opens the app (row A13)."""
    activity_appetite: float = 0.4
    """Correlation of its log with that of the wish to follow: who comes often follows many (chosen)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class GraphParameters:
    """Who follows whom, and how closely."""

    triadic_share: float = 0.2
    """Share of stubs that go to a followee of a followee."""
    local_share: float = 0.43
    """Share of the other stubs that stay inside one of one's communities; about .24 of all edges then
    lie inside one primary community (chosen)."""
    primary_weight: int = 5
    """A local stub stays in the primary community so many times as often as in each other one, so
    that community detection on who follows whom can find it (chosen: NMI .80 to .95)."""
    guest_fame: float = 0.3
    """Fame inside a community that is not one's primary one, against fame inside that."""
    global_exponent: float = 1.3
    """Outside the communities a target is drawn by fame to this power."""
    foreign_drop: float = 0.68
    """Share of cross-language global stubs that are dropped."""
    out_cap: float = 0.15
    """Nobody draws more stubs than this share of all users."""
    window_share: float = 0.07
    """Share of edges made inside the window (myers2014bursty: followers grow by a tenth a month)."""
    tie_a: float = 1.2
    """First parameter of the Beta from which a tie's strength is drawn (prototype)."""
    tie_b: float = 4.0
    """Second parameter of that Beta."""
    tie_mutual: float = 0.08
    """Added where the edge is mutual (chosen)."""
    tie_community: float = 0.40
    """Times a uniform draw, added where both have the same primary community (chosen)."""
    logger_noise: float = 0.5
    """Lognormal sd of the logger's estimate of a tie (chosen)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TweetParameters:
    """What is written, when, and what hides in it."""

    posting_sd: float = 2.25
    """Lognormal sd of tweets per user (pew2019sizing: a tenth writes 80 %)."""
    silent_share: float = 0.25
    """Share of users who never write, beside those who happen not to (twopcharts2014accounts)."""
    posting_cap: float = 0.01
    """Nobody writes more than this share of all tweets."""
    burst_share: float = 0.6
    """Share of a user's tweets that follow the one before (row A11)."""
    burst_minutes: float = 8.0
    """Mean gap inside a burst, minutes."""
    weekend: float = 0.95
    """Volume of a weekend day against a weekday (chosen)."""
    reply_share: float = 0.45
    """Share of rows of `tweets` that are replies (row A6)."""
    off_topic: float = 0.08
    """Share of tweets on a topic drawn at random (chosen)."""
    media_share: float = 0.40
    """Share of tweets with a picture or a video (row A8)."""
    link_share: float = 0.20
    """Share of tweets with a link (row A8)."""
    hashtag_share: float = 0.12
    """Share of tweets with a hashtag (suh2010want)."""
    log_length_mean: float = 4.18
    """Mean of the log of a tweet's length in characters (row T1)."""
    log_length_sd: float = 0.65
    """Standard deviation of that log."""
    clarity_shares: tuple[float, float, float] = (0.30, 0.25, 0.45)
    """Share of tweets whose text tells nothing, the root, the leaf of their topic (chosen, so that
    label and text together find the leaf in at most .80)."""
    topic_right: float = 0.70
    """Share of tweets whose topic the platform infers rightly (chosen)."""
    topic_near: float = 0.5
    """Share of its errors that stay within the root (chosen)."""
    scene_share: float = 0.5
    """Share of tweets that are inside one community (chosen)."""
    scene_primary: float = 0.7
    """Of these, the share inside the author's primary one (chosen)."""
    author_quality_sd: float = 0.5
    """Standard deviation of an author's quality, log-odds (chosen)."""
    quality_sd: float = 0.6
    """Standard deviation of a tweet's own quality, log-odds (chosen)."""
    quality_visible: float = 0.65
    """Share of its variance that shows in media, link, length and wording (chosen)."""
    bait_share: float = 0.15
    """Share of tweets with some engagement bait (chosen)."""
    spam_share: float = 0.05
    """Share of accounts that behave like spam (Twitter: under 5 % of daily users)."""
    nsfw_author_share: float = 0.03
    """Share of authors who write most of what is not safe for work (reuters2022decline)."""
    nsfw_share: float = 0.05
    """Share of tweets that are not safe for work (reuters2022decline: 13 % of those with media)."""
    toxic_share: float = 0.03
    """Share of toxic tweets (row T4)."""
    reviewed_share: float = 0.10
    """Share of tweets that moderators looked at (chosen)."""
    reviewer_error: float = 0.05
    """Share of wrong verdicts among them (chosen)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EventParameters:
    """Four bursts of attention (chosen)."""

    names: tuple[str, ...] = ("final", "storm", "scandal", "meme")
    """What happens, in the order of the fields below."""
    start_hours: tuple[float, ...] = (6 * 24 + 18.0, 657.0, 13 * 24 + 9.0, 20 * 24 + 12.0)
    """Hours after START; the storm breaks at 09:00 on day 28."""
    length_hours: tuple[float, ...] = (8.0, 36.0, 24.0, 14.0)
    """How long each lasts, hours."""
    rise_hours: float = 1.0
    """Time to the peak, hours."""
    share_at_peak: float = 0.024
    """Share of the eligible tweets that an event holds when it is largest (chosen: 1.5 % or more)."""
    reach: float = 0.6
    """Share of users who care."""
    interest: tuple[float, float] = (0.4, 1.0)
    """Interest that the event adds for them at its peak, uniform between the two."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExposureParameters:
    """The logging policy: what users were shown, by chance with known probabilities."""

    mixture: tuple[float, ...] = (0.83, 0.055, 0.04, 0.063, 0.012)
    """Share of each component at a visit's first draw, in the order of SOURCES. Lists run dry as a
    viewer scrolls, so over the log in_network falls and random rises towards .50, .12, .13, .20, .05."""
    recency_hours: float = 0.6
    """The logger weighs a tweet by (1 + age / this) ** -recency_power, hours (rows E18 and E19)."""
    recency_power: float = 4.0
    """See `recency_hours`."""
    recency_power_own: float = 2.1
    """The same for followees' tweets, of which there are fewer."""
    popular_decay_hours: float = 4.0
    """Engagements fade with this time constant in the popular component, hours (chosen)."""
    topic_memory: int = 8
    """Leaf topics that the logger keeps for a user (chosen)."""
    topic_noise: float = 0.5
    """Lognormal sd of its estimate of an interest (chosen)."""
    sessions_cap: int = 280
    """Most sessions of one user in the window."""
    depth_median: float = 16.0
    """Median of the drawn depth of a session, tweets (row A12)."""
    depth_sd: float = 0.85
    """Lognormal sd of that depth."""
    depth_range: tuple[int, int] = (2, 110)
    """Least and greatest drawn depth, tweets."""
    depth_more: int = 3
    """A session goes on for this many tweets for each of its last three that was worth it."""
    score_noise: float = 3.4
    """Sd of the noise in the score by which the logger orders a feed, log-odds (chosen)."""
    shuffled_share: float = 0.05
    """Share of sessions shown in random order (chosen)."""
    survey_share: float = 0.01
    """Share of impressions after which the viewer is asked (chosen)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResponseParameters:
    """What people do with a tweet that they see. All in log-odds unless said."""

    topic: float = 1.8
    """Times the interest in the tweet's true leaf, 0 to about 1 (chosen)."""
    follow: float = 1.2
    """Where the viewer follows the author. Lower than the prototype's 1.6: most tweets are in a language
    that a viewer cannot read, so strangers' tweets compete less (LOG)."""
    tie: float = 1.8
    """Times the strength of that tie, 0 to 1 (chosen)."""
    scene_inside: float = 1.25
    """A tweet inside a community, for its members (chosen)."""
    scene_outside: float = -0.6
    """The same for everybody else (chosen)."""
    style_sd: float = 0.35
    """Sd of the match of hidden tastes (chosen)."""
    user_sd: float = 0.5
    """Sd of how readily a user responds at all (chosen)."""
    user_action_sd: float = 0.5
    """Sd of how readily a user does one thing in particular (prototype)."""
    talk_reply: float = 0.8
    """Who writes much replies much: times the standard normal `talk` (chosen)."""
    silent_reply: float = -3.0
    """The same for those who never write (chosen)."""
    freshness: float = -0.45
    """Times ln(1 + age / 6 h) (chosen)."""
    freshness_hours: float = 6.0
    """See `freshness`."""
    position: float = -0.25
    """Times ln(1 + position), positions from 0 (chosen)."""
    proof: float = 1.2
    """Times ln(1 + kappa) where the viewer does not follow the author: chosen, and stronger than
    experiments suggest (chosen)."""
    proof_cap: float = 3.0
    """Largest kappa: engaged followees, each weighed by tie / mean tie."""
    author_fatigue: float = 0.8
    """Odds at the third tweet of one author in a session, in even steps (chosen)."""
    topic_fatigue: float = 0.9
    """Odds at the third tweet of one leaf topic in a session, in even steps (chosen)."""
    unreadable: float = -2.5
    """Where the viewer does not read the tweet's language (chosen)."""
    loading: tuple[float, ...] = (1.0, 0.9, 0.95, 0.9, 0.8, 0.65, 0.6, -0.35, -0.3, -0.3)
    """How much of the common part enters each response, in the order of RESPONSES."""
    bait: tuple[float, ...] = (-0.1, 0.7, -0.1, 0.6, 0.0, 0.8, 0.2, 0.5, 0.3, 0.3)
    """Times a tweet's bait, 0 to 1, for each response (chosen: raises click, reply and quote)."""
    media: tuple[float, ...] = (0.1, -0.1, 0.15, 0.0, 0.0, 0.1, 0.0, 0.0, 0.0, 0.0)
    """Where the tweet has media."""
    link: tuple[float, ...] = (-0.1, -0.1, 0.1, 0.1, 0.0, 0.6, 0.0, 0.0, 0.0, 0.0)
    """Where it has a link."""
    nsfw: tuple[float, ...] = (-0.2, -0.3, -0.6, -0.3, -0.3, 0.4, 0.3, 0.9, 0.7, 1.5)
    """Where it is not safe for work."""
    toxic: tuple[float, ...] = (-0.6, 0.5, -0.5, 0.5, -0.8, 0.2, 0.3, 1.2, 2.2, 2.5)
    """Where it is toxic."""
    followed: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -0.5, -0.4, -0.6, -0.4)
    """Where the viewer follows the author, beside the common part; nobody follows twice."""
    base_rates: tuple[float, ...] = (
        0.065,
        0.0075,
        0.010,
        0.001,
        0.0012,
        0.05,
        0.010,
        0.003,
        0.0003,
        0.0002,
    )
    """Mean of each response over the log, in the order of RESPONSES (chosen)."""
    first_guess: tuple[float, ...] = (-1.8, -1.85, -2.15, -2.1, -0.15, -1.25, -0.75, -0.3, -0.33, -0.55)
    """Log-odds of each response at z = 0, less the log of its base rate, from which a pilot begins
    (what eight drafts came to)."""
    worth_mean_guess: float = 0.28
    """Mean of the common part over the log, from which a pilot begins."""
    pilot_shares: tuple[float, ...] = (0.955, 0.94, 0.95, 0.955, 1.03, 0.96, 0.98, 1.0, 1.0, 1.0)
    """Intercepts are solved for the base rates times these on day 3 of a pilot: over the month
    engagement grows by about a twentieth, with the graph and with events (measured on drafts)."""
    worth_base: float = -0.9
    """Intercept of «was this worth your time?» (chosen)."""
    worth_common: float = 0.45
    """Times the common part, less its mean over the log."""
    worth_bait: float = -1.6
    """Times the tweet's bait."""
    worth_harm: float = -1.2
    """Where the tweet is toxic or not safe for work."""
    dwell_seconds: float = 4.0
    """Median time on an average tweet, s (chosen)."""
