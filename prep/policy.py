"""The logging policy: which tweets a visit is offered, by chance with known probabilities.

A visit's tweets are drawn one after another, without replacement, from a mixture of five
components over the tweets eligible for the viewer:

    m(t | u) = sum over components c of share_c(u) * p_c(t | u)

where an empty component gives its share to the others (`offer.py`). Drawing from m and passing over
what was drawn before *is* drawing without replacement, so the probability of each draw given the
earlier ones is exactly

    propensity(t) = m(t | u) / (1 - m(drawn before))

The index behind the components knows tweets up to the last tick; a followee's tweets appear in
`in_network` at once.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from prep.arrays import Floats, Ints, first_of_runs, found_in, order_by, rank_in_runs, start_of_run
from prep.offer import Bonds, Offer, TopicMemory
from prep.parameters import ExposureParameters
from prep.people import People


@dataclasses.dataclass(frozen=True, kw_only=True)
class Slates:
    """What the visits are offered, grouped by visit in the order of the draws. n rows."""

    visit: Ints
    """int64[n], index into the visits."""
    tweet: Ints
    """int64[n], row of the tweet."""
    source: Ints
    """int8[n], the component that drew it."""
    propensity: Floats
    """float64[n], probability of this draw given the visit's earlier ones."""
    bonds: Bonds
    """What ties each visit to its tweet."""


def make_topic_memory(people: People, exposure: ExposureParameters, rng: np.random.Generator) -> TopicMemory:
    """What the logger believes: a noisy copy of the true interests."""
    guess = people.interests * np.exp(rng.normal(0.0, exposure.topic_noise, people.interests.shape))
    leaf = np.argsort(-guess, axis=1, kind="stable")[:, : exposure.topic_memory]
    weight = np.take_along_axis(guess, leaf, axis=1) ** 2
    return TopicMemory(leaf=leaf.astype(np.int16), weight=weight / weight.sum(axis=1, keepdims=True))


def draw_slates(offer: Offer, rng: np.random.Generator) -> Slates:
    """Draw what every visit is offered, without replacement, with exact propensities.

    A visit gets fewer tweets than it wants where few are left: draws stop after a bound, and a draw
    that repeats an earlier one is passed over.
    """
    wanted, count = offer.visits.wanted, len(offer.visits.user)
    stream = np.repeat(np.arange(count), 3 * wanted + 16)
    stream = stream[((offer.allowed > 1e-6) & (offer.shares.sum(axis=1) > 0))[stream]]
    col, source = offer.draw(stream, rng)
    order = order_by((stream, count), (col, offer.width))
    first = np.sort(order[first_of_runs(stream[order], col[order])])
    first = first[~found_in(offer.forbidden, stream[first] * offer.width + col[first])[0]]
    first = first[rank_in_runs(stream[first]) < wanted[stream[first]]]
    visit, col = stream[first], col[first]
    bonds = offer.bonds(visit, col)
    density = offer.density(visit, col, bonds)
    running = np.cumsum(density) - density
    earlier = running - running[start_of_run(visit)]
    return Slates(
        visit=visit,
        tweet=offer.window[col],
        source=source[first].astype(np.int8),
        propensity=density / np.maximum(1.0 - earlier, density),
        bonds=bonds,
    )
