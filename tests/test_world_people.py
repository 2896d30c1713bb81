"""Mara, whom the course follows: on every seed she has the interests, company and visits told of her."""

from __future__ import annotations

import numpy as np
import pytest

from mimic.schema import LANGUAGES
from prep.parameters import DAY, NOW
from prep.people import MARA, make_people
from prep.topics import LEAVES, MARA_LEAVES
from prep.visits import plan_sessions
from prep.world import make_world

SMALLEST = make_world("tiny", users=200)


@pytest.mark.parametrize("world", [SMALLEST, *(make_world("tiny", seed) for seed in range(8))])
def test_mara_is_active_on_the_first_day_after_now(world):
    people = make_people(world)
    plan = plan_sessions(world, people)
    hers = plan.at[plan.user == MARA]
    assert people.user_id[MARA] == 42
    assert ((hers >= NOW) & (hers < NOW + DAY)).any()
    assert (np.diff(plan.tick) >= 0).all()


@pytest.mark.parametrize("preset", ["tiny", "course"])
def test_maras_communities_care_about_what_she_cares_about(preset):
    people = make_people(make_world(preset, 3))
    hers = people.memberships[MARA]
    assert (hers >= 0).sum() == len(MARA_LEAVES)
    for community, leaf in zip(hers, MARA_LEAVES, strict=False):
        assert LANGUAGES[people.community_lang[community]] == "en"
        others = np.flatnonzero(people.memberships[:, 0] == community)
        others = others[others != MARA]
        elsewhere = np.flatnonzero(people.memberships[:, 0] != community)
        mine, theirs = (np.mean(people.interests[rows, leaf] > 0.3) for rows in (others, elsewhere))
        assert mine > theirs + 0.3, LEAVES[leaf]


def test_a_session_that_is_nobodys_habit_is_not_planned_twice():
    """One visit a user and tick, Mara's planted one included."""
    world = make_world("tiny", 5)
    plan = plan_sessions(world, make_people(world))
    assert len(np.unique(plan.user * (plan.tick.max() + 1) + plan.tick)) == len(plan.user)
