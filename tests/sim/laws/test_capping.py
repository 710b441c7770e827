"""Capping: who gives up what, against a greedy that takes one watt at a time, and what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.graph.levels import Floats, Ints
from twin.sim.laws.capping import cut, hand_back, water_level


def racks(seed: int, count: int = 6) -> tuple[Floats, Floats, Floats, Ints]:
    """Random draws [W], floors [W], weights and tiers."""
    rng = np.random.default_rng(seed)
    draw = rng.integers(100, 900, count).astype(float)
    return draw, draw * rng.uniform(0.2, 1.1, count), rng.uniform(0.3, 1.0, count), rng.integers(0, 3, count)


def greedily(draw: Floats, floor: Floats, weight: Floats, tier: Ints, watts: float) -> Floats:
    """Take half a watt at a time from the highest draw of the lowest priority that is above its floor."""
    level = draw.copy()
    while watts > 1e-9:
        able = level > floor + 1e-9
        if not able.any():
            break
        able &= tier == tier[able].max()
        highest = int(np.argmax(np.where(able, level, -np.inf)))
        taken = min(0.5, level[highest] - floor[highest], watts / weight[highest])
        level[highest] -= taken
        watts -= taken * weight[highest]
    return level


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 0.9))
def test_cut_takes_from_where_a_greedy_takes(seed: int, share: float) -> None:
    draw, floor, weight, tier = racks(seed)
    watts = share * float(weight @ draw) / 2
    caps = np.minimum(cut(draw, floor, weight, tier, watts), draw)
    assert caps == pytest.approx(greedily(draw, floor, weight, tier, watts), abs=0.6)


@given(seed=st.integers(0, 10_000), share=st.floats(0.0, 1.5))
def test_cut_takes_exactly_what_is_asked_or_all_that_there_is(seed: int, share: float) -> None:
    draw, floor, weight, tier = racks(seed)
    watts = share * float(weight @ draw)
    caps = np.minimum(cut(draw, floor, weight, tier, watts), draw)
    spare = float(weight @ np.maximum(draw - floor, 0.0))
    assert float(weight @ (draw - caps)) == pytest.approx(min(watts, spare), abs=1e-6)
    assert (caps >= np.minimum(floor, draw) - 1e-9).all()


@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 0.9))
def test_the_more_important_are_cut_only_when_the_others_are_at_their_floors(seed: int, share: float) -> None:
    draw, floor, weight, tier = racks(seed)
    caps = np.minimum(cut(draw, floor, weight, tier, share * float(weight @ draw)), draw)
    for rank in np.unique(tier):
        if (caps[tier == rank] < draw[tier == rank] - 1e-6).any():
            below = tier > rank
            assert caps[below] == pytest.approx(np.minimum(floor, draw)[below], abs=1e-6)


@given(seed=st.integers(0, 10_000), share=st.floats(0.0, 1.2))
def test_what_is_handed_back_never_adds_more_than_there_is_room(seed: int, share: float) -> None:
    draw, floor, weight, tier = racks(seed)
    cap, most = np.minimum(floor, draw), draw * 1.2
    room = share * float(weight @ (most - cap))
    caps = np.minimum(hand_back(cap, most, weight, tier, room), most)
    added = float(weight @ (caps - cap))
    assert added == pytest.approx(min(room, float(weight @ (most - cap))), abs=1e-6)
    assert (caps >= cap - 1e-9).all()


def test_what_was_cut_comes_back_to_the_last_watt() -> None:
    draw, floor, weight, tier = racks(3)
    caps = cut(draw, floor, weight, tier, 500.0)
    limited = np.isfinite(caps)
    back = hand_back(caps[limited], draw[limited], weight[limited], tier[limited], 500.0 + 1e-6)
    assert np.isinf(back).all()


def test_level_by_hand() -> None:
    """Of three vessels 30 W fill the first to 25 W and the second to its brim at 15 W; the third begins at 50 W."""
    low, high, weight = np.array([0.0, 10.0, 50.0]), np.array([100.0, 15.0, 60.0]), np.ones(3)
    assert water_level(low, high, weight, 30.0) == pytest.approx([25.0, 15.0, 50.0])
    assert water_level(low, high, weight, 0.0) == pytest.approx(low)
    assert water_level(low, high, weight, 1e9) == pytest.approx(high)
