"""Load shedding: which racks go and which come back, against all subsets of a small plant, and what must always hold."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.graph.levels import Bools, Floats, Ints
from twin.sim.laws.load_shedding import switch_off, switch_on

SEEDS = st.integers(0, 100_000)


def racks(seed: int, count: int = 7) -> tuple[Floats, Ints]:
    """Random flows [W] and tiers."""
    rng = np.random.default_rng(seed)
    return rng.integers(1, 20, count).astype(float), rng.integers(0, 3, count)


def subsets(count: int) -> list[Bools]:
    return [np.array(bits) for bits in product([False, True], repeat=count)]


def in_order(off: Bools, tier: Ints) -> bool:
    """Nobody is off while somebody less important is on."""
    return all(tier[i] >= tier[~off].max(initial=-1) for i in np.flatnonzero(off))


@settings(max_examples=40)
@given(seed=SEEDS, share=st.floats(0.01, 1.2))
def test_as_few_as_any_subset_in_the_order_of_tiers(seed: int, share: float) -> None:
    """Of all subsets that suffice and spare nobody less important, none is smaller; if none suffices, all go."""
    flow, tier = racks(seed)
    watts = share * float(flow.sum())
    off = switch_off(flow, tier, watts)
    enough = [s for s in subsets(len(flow)) if in_order(s, tier) and flow[s].sum() >= watts - 1e-6]
    if not enough:
        assert off.all()
        return
    assert in_order(off, tier) and flow[off].sum() >= watts - 1e-6
    assert off.sum() == min(s.sum() for s in enough)


@given(seed=SEEDS)
def test_nothing_to_lose_switches_nobody_off(seed: int) -> None:
    flow, tier = racks(seed)
    assert not switch_off(flow, tier, 0.0).any() and not switch_off(flow, tier, -1.0).any()


def test_off_by_hand() -> None:
    """12 W of tier 3 do not suffice for 20 W: all of it goes, and of tier 2 the one of 9 W alone."""
    flow, tier = np.array([9.0, 5.0, 7.0, 5.0, 30.0]), np.array([2, 2, 3, 3, 0])
    assert switch_off(flow, tier, 20.0).tolist() == [True, False, True, True, False]
    assert switch_off(flow, tier, 12.0).tolist() == [False, False, True, True, False]
    assert switch_off(flow, tier, 6.9).tolist() == [False, False, True, False, False]


def one_by_one(flow: Floats, tier: Ints, room: Floats) -> Bools:
    """The rule, asked of each rack in turn: it comes back if it fits, and if nobody more important waits for that unit."""
    on, waits = np.zeros(len(tier), dtype=bool), dict.fromkeys(range(len(room)), 99)
    for rack in sorted(range(len(tier)), key=lambda r: (tier[r], flow[:, r].sum(), r)):
        units = [u for u in range(len(room)) if flow[u, rack] > 0]
        lacking = [u for u in units if flow[u, on].sum() + flow[u, rack] > room[u] + 1e-9]
        if not lacking and all(waits[u] >= tier[rack] for u in units):
            on[rack] = True
        for u in lacking:
            waits[u] = min(waits[u], int(tier[rack]))
    return on


@settings(max_examples=60)
@given(seed=SEEDS, units=st.integers(1, 3), share=st.floats(0.0, 1.2))
def test_who_comes_back_is_who_one_finds_by_asking_one_after_the_other(
    seed: int, units: int, share: float
) -> None:
    rng = np.random.default_rng(seed)
    flow, tier = rng.integers(0, 10, (units, 7)).astype(float), rng.integers(0, 3, 7)
    room = share * flow.sum(axis=1) * rng.uniform(0.3, 1.0, units)
    on = switch_on(flow, tier, room)
    assert on.tolist() == one_by_one(flow, tier, room).tolist()
    assert (flow[:, on].sum(axis=1) <= room * (1 + 1e-8)).all()


@given(seed=SEEDS, share=st.floats(0.0, 1.2))
def test_of_one_unit_the_more_important_are_back_first_and_as_many_as_any_subset(
    seed: int, share: float
) -> None:
    flow, tier = racks(seed)
    room = share * float(flow.sum())
    on = switch_on(flow[None], tier, np.array([room]))
    fits = [s for s in subsets(len(flow)) if in_order(~s, tier) and flow[s].sum() <= room + 1e-6]
    assert in_order(~on, tier)
    assert on.sum() == max(s.sum() for s in fits)


@given(seed=SEEDS)
def test_what_was_shed_fits_again_when_there_is_that_much_room(seed: int) -> None:
    flow, tier = racks(seed)
    off = switch_off(flow, tier, 0.4 * float(flow.sum()))
    assert switch_on(flow[None, off], tier[off], np.array([flow[off].sum()])).all()
    assert not switch_on(flow[None, off], tier[off], np.array([-np.inf])).any()


def test_a_unit_without_room_does_not_hold_back_who_does_not_need_it() -> None:
    flow, tier = np.array([[5.0, 0.0, 1.0], [0.0, 4.0, 1.0]]), np.array([1, 3, 2])
    assert switch_on(flow, tier, np.array([2.0, 9.0])).tolist() == [False, True, False]
    assert switch_on(flow, tier, np.array([6.0, 5.0])).tolist() == [True, True, True]
    assert switch_on(flow, tier, np.array([5.0, 5.0])) == pytest.approx([True, True, False])
