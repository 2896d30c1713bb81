"""Bursts of attention: how strong each event is at a moment."""

from __future__ import annotations

import numpy as np

from prep.arrays import Floats, Ints
from prep.parameters import HOUR, START, EventParameters
from prep.topics import EVENT_LEAVES


def event_leaves(events: EventParameters) -> Ints:
    """The leaf topic of each event, int64[events]."""
    return np.array([EVENT_LEAVES[name] for name in events.names])


def profile(events: EventParameters, index: int, at: Ints) -> Floats:
    """Strength of one event at each moment (ms): 0 outside, 1 at its peak, then fading."""
    hours = (np.asarray(at, np.float64) - START) / HOUR - events.start_hours[index]
    length, rise = events.length_hours[index], events.rise_hours
    fading = np.exp(-np.maximum(hours - rise, 0.0) / (length / 3))
    strength = np.minimum(hours / rise, 1.0) * fading
    return np.asarray(np.where((hours >= 0) & (hours < length), strength, 0.0))


def posting_share(events: EventParameters, index: int) -> float:
    """Share of the tweets written at its peak that are about an event.

    It is such that the event then holds `share_at_peak` of the tweets of 48 hours, at most .6.
    """
    minutes = np.arange(0, events.length_hours[index] * 60)
    at = START + np.round((events.start_hours[index] * 60 + minutes) * HOUR / 60).astype(np.int64)
    area = float(profile(events, index, at).sum()) / 60
    return min(events.share_at_peak * 48 / area, 0.6)
