"""The month: at every tick visits are offered tweets, viewers respond, and the world moves on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from tqdm import tqdm

from mimic.schema import ENGAGEMENTS, RESPONSES
from prep.arrays import Bools, Floats, Ints, first_of_runs, spans, start_of_run
from prep.avoidance import Avoidance
from prep.graph import Follows, draw_ties
from prep.log import Log
from prep.offer import Offer, TopicMemory, Visits
from prep.parameters import END, HOUR, START, WINDOW
from prep.policy import draw_slates
from prep.response import FOLLOW, Truth
from prep.showing import Showing, read_in_order
from prep.state import State
from prep.tweets import describe
from prep.visits import Plan, tick_length

REPLY, QUOTE, BLOCK = (RESPONSES.index(name) for name in ("reply", "quote", "block"))
IS_PUBLIC = np.array([name in ENGAGEMENTS for name in RESPONSES])


class Simulation:
    """One run over the window, or over its first days.

    Args:
        truth: the response model; its tweets are those that are written whatever happens.
        follows: the planned follow graph.
        avoidance: whom and what people do not want to see.
        words: rows of tweets grouped by mutable word, and where each group begins.
        plan: all sessions.
        memory: what the logger believes about interests.
        stream: name of the run's random numbers.
    """

    def __init__(
        self,
        truth: Truth,
        follows: Follows,
        avoidance: Avoidance,
        words: tuple[Ints, Ints],
        plan: Plan,
        memory: TopicMemory,
        stream: str,
    ) -> None:
        self.truth, self.world, self.people = truth, truth.world, truth.people
        self.follows, self.words, self.plan, self.memory = follows, words, plan, memory
        self.rng = self.world.rng(stream)
        self.planned = len(truth.tweets)
        room = round(2.0 * self.world.response.base_rates[REPLY] * self.world.preset.impressions) + 200
        self.tweets = truth.tweets.padded(room)
        self.count = self.planned
        self.truth = dataclasses.replace(truth, tweets=self.tweets)
        capacity = np.bincount(
            plan.user, plan.depth + 3 * self.world.exposure.depth_more, minlength=len(self.people)
        )
        self.state = State(follows, avoidance, capacity.astype(np.int64), len(self.tweets))
        self.step = tick_length(self.world)
        self.mean_tie = follows.mean_tie

    def run(self, ticks: int, *, progress: str | None = None) -> Log:
        """Simulate the first `ticks` ticks."""
        bounds = np.searchsorted(self.plan.tick, np.arange(ticks + 1))
        steps: Iterator[int] | tqdm[int] = iter(range(ticks))
        if progress is not None:
            steps = tqdm(range(ticks), desc=progress, unit="tick", leave=False)
        parts = []
        fade = float(np.exp(-self.step / (self.world.exposure.popular_decay_hours * HOUR)))
        for tick in steps:
            now = START + tick * self.step
            window = self._window(now)
            self.state.tick(now, self.tweets.created_at, fade, window)
            rows = slice(bounds[tick], bounds[tick + 1])
            if rows.stop > rows.start and len(window):
                parts.append(self._visits(rows, window, now))
        return Log.join(parts)

    def _window(self, now: int) -> Ints:
        """Rows of the tweets that a visit before the next tick may be offered."""
        created = self.tweets.created_at
        low = np.searchsorted(created[: self.planned], now - WINDOW)
        high = np.searchsorted(created[: self.planned], now + self.step)
        new = np.arange(self.planned, self.count)
        new = new[(created[new] >= now - WINDOW) & (created[new] < now)]
        return np.concatenate([np.arange(low, high), new])

    def _visits(self, rows: slice, window: Ints, now: int) -> Log:
        plan, more = self.plan, self.world.exposure.depth_more
        visits = Visits(user=plan.user[rows], at=plan.at[rows], wanted=plan.depth[rows] + 3 * more)
        self.state.forget_old(visits.user, self.tweets.created_at)
        offer = Offer(
            self.state,
            self.people,
            self.tweets,
            self.memory,
            self.world.exposure,
            visits,
            window,
            now + self.step,
            self.words,
        )
        slates = draw_slates(offer, self.rng)
        user = visits.user[slates.visit]
        base = Showing(
            viewer=user,
            tweet=slates.tweet,
            at=visits.at[slates.visit],
            tie=slates.bonds.tie,
            proof=slates.bonds.proof / self.mean_tie,
            position=np.zeros(len(user), np.int64),
            author_seen=np.zeros(len(user), np.int64),
            topic_seen=np.zeros(len(user), np.int64),
        )
        appeal = self.truth.appeal(user, slates.tweet)
        order = self._arrange(self.truth.common(base, appeal), slates.visit, plan.shuffled[rows])
        shown = read_in_order(base, slates.visit, order, self.tweets)
        return self._read(
            rows,
            offer,
            slates.visit[order],
            slates.source[order],
            slates.propensity[order],
            shown,
            appeal[order],
        )

    def _arrange(self, score: Floats, visit: Ints, shuffled: Bools) -> Ints:
        """Order of each feed: by a noisy score, or by chance."""
        noise = self.world.exposure.score_noise * self.rng.normal(size=len(visit))
        key = np.where(shuffled[visit], self.rng.random(len(visit)), -(score + noise))
        return np.lexsort((key, visit))

    def _read(
        self,
        rows: slice,
        offer: Offer,
        visit: Ints,
        source: Ints,
        propensity: Floats,
        showing: Showing,
        appeal: Floats,
    ) -> Log:
        """Let viewers scroll until they stop, and respond to what they see."""
        common = self.truth.common(showing, appeal)
        worth = self.rng.random(len(common)) < self.truth.worth(showing, common)
        seen = showing.position < self._depths(visit, showing.position, worth, self.plan.depth[rows])[visit]
        dwell = self._dwell(showing, common)
        after = np.cumsum(dwell)
        began = (after - dwell)[start_of_run(visit)]
        shown_at = showing.at + (after - dwell - began)
        showing = dataclasses.replace(showing, at=np.minimum(shown_at, END - 2))
        keep = np.flatnonzero(seen)
        showing, visit, dwell = showing.take(keep), visit[keep], dwell[keep]
        worth = worth[keep]
        # what stands above takes its time, and a tweet is met a little older
        p = self.truth.probabilities(showing, self.truth.common(showing, appeal[keep]))
        responses = self._without_repeats(showing, self.rng.random(p.shape) < p)
        asked = self.rng.random(len(keep)) < self.world.exposure.survey_share
        log = Log(
            user=showing.viewer.astype(np.int32),
            tweet=showing.tweet.astype(np.int32),
            shown_at=showing.at,
            session=(rows.start + visit).astype(np.int32),
            position=showing.position.astype(np.int16),
            source=source[keep],
            propensity=propensity[keep].astype(np.float32),
            shuffled=self.plan.shuffled[rows][visit],
            proof_user=self._proof_users(offer, visit, showing),
            dwell_ms=dwell.astype(np.int32),
            survey=np.where(asked, worth, -1).astype(np.int8),
            responses=responses,
            responded_at=self._response_times(showing.at, dwell, responses),
            reply=np.full(len(keep), -1, np.int32),
            tie=showing.tie.astype(np.float32),
            proof=showing.proof.astype(np.float32),
            author_seen=showing.author_seen.astype(np.int16),
            topic_seen=showing.topic_seen.astype(np.int16),
            worth=worth,
        )
        self._consequences(log)
        return log

    def _without_repeats(self, showing: Showing, responses: Bools) -> Bools:
        """One follow of the same author in a session is enough."""
        rows = np.flatnonzero(responses[:, FOLLOW])
        key = showing.viewer[rows] * len(self.people) + self.tweets.author[showing.tweet[rows]]
        again = np.ones(len(rows), bool)
        again[np.unique(key, return_index=True)[1]] = False
        responses[rows[again], FOLLOW] = False
        return responses

    def _depths(self, visit: Ints, position: Ints, worth: Bools, drawn: Ints) -> Ints:
        """How far each visit reads, int64[visits], in tweets.

        The drawn depth, and on for each of its last three tweets that was worth it.
        """
        last = (position < drawn[visit]) & (position >= drawn[visit] - 3)
        liked = np.bincount(visit[last & worth], minlength=len(drawn))
        return drawn + self.world.exposure.depth_more * liked

    def _dwell(self, showing: Showing, common: Floats) -> Ints:
        """Time on the screen, ms: longer for what interests, for long texts and for bait."""
        t = self.tweets
        log_time = 0.25 * (common - self.truth.worth_mean) + 0.4 * np.log(t.length[showing.tweet] / 65.0)
        log_time += 0.5 * t.bait[showing.tweet] + self.rng.normal(0.0, 0.6, len(common))
        median = 1000.0 * self.world.response.dwell_seconds
        return np.clip(median * np.exp(log_time), 300, 300_000).astype(np.int64)

    def _response_times(self, shown_at: Ints, dwell: Ints, responses: Bools) -> Ints:
        """When each response that is true happens, int64[responses], ms, row by row.

        While the tweet is on the screen; replies and quotes take another half minute to write.
        """
        row, action = np.nonzero(responses)
        at = shown_at[row] + (dwell[row] * self.rng.uniform(0.3, 1.0, len(row))).astype(np.int64)
        writing = self.rng.exponential(30_000, len(row)).astype(np.int64) + 3_000
        at += np.where((action == REPLY) | (action == QUOTE), writing, 0)
        return np.minimum(at, END - 1)

    def _proof_users(self, offer: Offer, visit: Ints, showing: Showing) -> Ints:
        """The closest followee who engaged, for tweets of strangers: row, or -1."""
        rows = np.flatnonzero((showing.proof > 0) & np.isnan(showing.tie))
        name = np.full(len(visit), -1, np.int32)
        if not len(rows):
            return name
        asked = np.zeros(len(self.tweets), bool)
        asked[showing.tweet[rows]] = True
        some = np.flatnonzero(asked[self.state.engaged_tweet])
        some = some[np.argsort(self.state.engaged_tweet[some], kind="stable")]
        tweet, user = self.state.engaged_tweet[some], self.state.engaged_user[some]
        low = np.searchsorted(tweet, showing.tweet[rows])
        owner, at = spans(low, np.searchsorted(tweet, showing.tweet[rows], side="right") - low)
        tie = np.nan_to_num(offer.edges.of(visit[rows[owner]], user[at])[0], nan=-1.0)
        best = np.lexsort((tie, owner))
        last = np.flatnonzero(np.append(np.diff(owner[best]) > 0, True))
        name[rows[owner[best[last]]]] = user[at[best[last]]]
        return name

    def _consequences(self, log: Log) -> None:
        """Engagements, blocks, follows and replies change what the next ticks bring."""
        user, tweet = log.user.astype(np.int64), log.tweet.astype(np.int64)
        author = self.tweets.author[tweet].astype(np.int64)
        self.state.see(user, tweet)
        row, action = np.nonzero(log.responses)
        public = np.flatnonzero(IS_PUBLIC[action])
        first = public[np.lexsort((log.responded_at[public], row[public]))]
        first = first[first_of_runs(row[first])]
        self.state.engage(user[row[first]], tweet[row[first]], log.responded_at[first])
        blocks = action == BLOCK
        self.state.block(user[row[blocks]], author[row[blocks]], log.responded_at[blocks])
        follows = action == FOLLOW
        self._follow(user[row[follows]], author[row[follows]], log.responded_at[follows])
        replies = action == REPLY
        self._reply(log, row[replies], log.responded_at[replies], author[row[replies]])

    def _follow(self, user: Ints, author: Ints, at: Ints) -> None:
        """New edges, with ties of their own where none was planned."""
        back = self.follows.find(author, user) >= 0
        tie = draw_ties(self.world, self.people, user, author, back, self.rng)
        noise = np.exp(self.rng.normal(0.0, self.world.graph.logger_noise, len(user)))
        self.state.follow(user, author, at, tie.astype(np.float64), (tie + 0.05) * noise)

    def _reply(self, log: Log, rows: Ints, at: Ints, addressed: Ints) -> None:
        """Replies become tweets, on the topic of their parents."""
        parent = log.tweet[rows].astype(np.int64)
        written = describe(
            self.world,
            self.people,
            self.follows,
            self.truth.authors,
            self.rng,
            log.user[rows].astype(np.int64),
            at,
            parent,
            addressed,
            self.tweets.topic[parent],
            self.tweets.event[parent],
        )
        self.tweets.write(self.count, written)
        log.reply[rows] = np.arange(self.count, self.count + len(rows))
        self.count += len(rows)
