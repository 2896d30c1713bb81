"""The month as it was: a pilot that settles the intercepts, then the whole window."""

from __future__ import annotations

import dataclasses

import numpy as np

from prep.arrays import Ints
from prep.authors import Authors
from prep.avoidance import Avoidance
from prep.graph import Follows
from prep.log import Log
from prep.parameters import DAYS, START, WINDOW
from prep.people import People
from prep.policy import make_topic_memory
from prep.response import Truth, solve_intercepts
from prep.showing import logged
from prep.simulate import Simulation
from prep.state import State
from prep.tweets import Tweets
from prep.visits import plan_sessions, tick_count
from prep.world import World

PILOT_DAYS = 3
"""Length of the pilot, days: two until there is as much to choose from as ever, and one to weigh."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Month:
    """What a simulated month leaves behind."""

    log: Log
    truth: Truth
    """The response model; its tweets hold the logged replies after the planned ones."""
    state: State


def simulate_month(
    world: World,
    people: People,
    follows: Follows,
    authors: Authors,
    tweets: Tweets,
    avoidance: Avoidance,
    words: tuple[Ints, Ints],
    *,
    progress: str | None = None,
) -> Month:
    """Solve the intercepts on a pilot of three days, then simulate the whole window.

    The pilot begins near enough to the base rates that social proof is at its level in it.

    Args:
        world: sizes, seed, parameters.
        people: the users.
        follows: the planned follow graph.
        authors: what hides in who writes.
        tweets: what is written whatever happens; replies in the log come on top.
        avoidance: whom and what people do not want to see.
        words: rows of tweets grouped by mutable word, and where each group begins.
        progress: label of a bar on standard error; none when None.
    """
    plan = plan_sessions(world, people)
    memory = make_topic_memory(people, world.exposure, world.rng("topic memory"))
    r = world.response
    truth = Truth(
        world=world,
        people=people,
        authors=authors,
        tweets=tweets,
        intercepts=np.log(r.base_rates) + r.first_guess,
        worth_mean=r.worth_mean_guess,
    )
    run = Simulation(truth, follows, avoidance, words, plan, memory, "pilot")
    log = run.run(PILOT_DAYS * tick_count(world) // DAYS)
    truth = _calibrated(truth, run, log)
    run = Simulation(truth, follows, avoidance, words, plan, memory, "exposure")
    log = run.run(tick_count(world), progress=progress)
    kept = dataclasses.replace(run.truth, tweets=run.tweets.take(np.arange(run.count)))
    return Month(log=log, truth=kept, state=run.state)


def _calibrated(truth: Truth, run: Simulation, log: Log) -> Truth:
    """The response model with intercepts that give the base rates over a pilot's log."""
    rows = np.flatnonzero(log.shown_at >= START + WINDOW)  # before, there is less to choose from
    rows = rows[:: max(1, len(rows) // 100_000)]
    showing = logged(log, rows)
    common = run.truth.common(showing)
    p = run.truth.probabilities(showing, common)
    logits = np.log(np.maximum(p, 1e-300)) - np.log1p(-np.minimum(p, 1 - 1e-16))
    r = truth.world.response
    shift = solve_intercepts(logits, np.multiply(r.pilot_shares, r.base_rates), p > 0)
    # rounded, so that last bits in which processors differ do not travel
    return dataclasses.replace(
        truth, intercepts=np.round(truth.intercepts + shift, 9), worth_mean=round(float(common.mean()), 9)
    )
