"""Max-min fairness against its definition, a linear program, one freeze at a time, and its properties."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from twin.graph.levels import Floats, Ints
from twin.sim.laws.maxmin import Hops, max_min

SEEDS = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Case:
    """Flows with their paths, the parts they send over each link of them, and wishes; links with their capacities."""

    paths: list[list[int]]
    demand: Floats
    capacity: Floats
    parts: Floats | None = None

    @property
    def hops(self) -> Hops:
        flow = np.repeat(np.arange(len(self.paths)), [len(path) for path in self.paths])
        link = np.array([link for path in self.paths for link in path], dtype=np.int64)
        return Hops(flow, link, np.ones(len(flow)) if self.parts is None else self.parts)

    def rates(self, priority: Ints | None = None) -> Floats:
        return max_min(self.demand, self.capacity, self.hops, priority=priority)

    def loads(self, rates: Floats) -> Floats:
        hops = self.hops
        return np.bincount(hops.link, weights=rates[hops.flow] * hops.part, minlength=len(self.capacity))


def random_case(seed: int, flows: int = 12, links: int = 6) -> Case:
    """Small whole numbers make ties; some flows have no hops, some links no flows or no capacity."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, min(links, 4) + 1, rng.integers(1, flows + 1))
    paths = [rng.choice(links, size, replace=False).tolist() for size in lengths]
    whole = rng.random() < 0.5
    demand = rng.integers(0, 9, len(paths)).astype(float) if whole else rng.uniform(0, 9, len(paths))
    capacity = rng.integers(0, 12, links).astype(float) if whole else rng.uniform(0, 12, links)
    demand = np.where(rng.random(len(paths)) < 0.3, 1e6, demand)
    parts = rng.choice([0.25, 0.5, 1.0], sum(lengths)) if rng.random() < 0.5 else None
    return Case(paths, demand, capacity, parts)


def one_freeze(demand: Floats, capacity: Floats, hops: Hops) -> Floats:
    """Progressive filling, one event at a time: the tightest link, or the smallest wish, stops first."""
    flow, link, part = hops.flow, hops.link, hops.part
    room, rates = capacity.copy(), demand.copy()
    active = np.bincount(flow, minlength=len(demand)) > 0
    while active.any():
        going = active[flow]
        asked = np.bincount(link[going], weights=part[going], minlength=len(room))
        share = np.where(asked > 0, room / np.maximum(asked, 1e-30), np.inf)
        tightest, wish = int(share.argmin()), int(np.where(active, demand, np.inf).argmin())
        stopped = np.zeros(len(demand), dtype=bool)
        if demand[wish] <= share[tightest]:
            stopped[wish], level = True, demand[wish]
        else:
            stopped[flow[going & (link == tightest)]], level = True, share[tightest]
        rates[stopped] = level
        active &= ~stopped
        gone = stopped[flow]
        room -= level * np.bincount(link[gone], weights=part[gone], minlength=len(room))
        room = np.maximum(room, 0.0)
    return rates


def test_the_textbook_chain() -> None:
    """Links A (10) and B (4): the long flow and one of B get 2 each, the one of A what is left, 8."""
    case = Case([[0, 1], [0], [1]], np.full(3, 100.0), np.array([10.0, 4.0]))
    assert case.rates().tolist() == [2.0, 8.0, 2.0]


def test_a_modest_flow_leaves_its_part_to_the_others() -> None:
    case = Case([[0], [0], [0]], np.array([1.0, 100.0, 100.0]), np.array([9.0]))
    assert case.rates().tolist() == [1.0, 4.0, 4.0]


def test_a_flow_over_two_parallel_links_gets_both() -> None:
    """Half of it on each of two links of 5: 10 in all; beside a flow on the first alone, both have 10/3."""
    parts = np.array([0.5, 0.5, 1.0])
    assert Case([[0, 1], []], np.full(2, 100.0), np.full(2, 5.0), parts[:2]).rates().tolist() == [10.0, 100.0]
    both = Case([[0, 1], [0]], np.full(2, 100.0), np.full(2, 5.0), parts)
    assert both.rates() == pytest.approx([10 / 3, 10 / 3])


def test_nothing_flows_over_a_dead_link_and_everything_where_there_is_none() -> None:
    case = Case([[0], []], np.array([5.0, 7.0]), np.array([0.0]))
    assert case.rates().tolist() == [0.0, 7.0]
    assert Case([], np.zeros(0), np.ones(2)).rates().size == 0


def test_the_first_class_takes_what_it_wants_and_the_last_is_lost_first() -> None:
    """10 for classes 0, 1, 1, 2 that want 4, 5, 2, 3: 4, then 6 shared as 4 and 2, then nothing."""
    case = Case([[0]] * 4, np.array([4.0, 5.0, 2.0, 3.0]), np.array([10.0]))
    assert case.rates(np.array([0, 1, 1, 2])).tolist() == [4.0, 4.0, 2.0, 0.0]


@given(seed=SEEDS)
@settings(max_examples=100)
def test_every_flow_has_what_it_wants_or_a_bottleneck(seed: int) -> None:
    """The definition: a full link on which nobody has more (Bertsekas and Gallager); and no link carries too much."""
    case = random_case(seed)
    rates = case.rates()
    loads = case.loads(rates)
    assert (loads <= case.capacity + 1e-9).all()
    for mine, (rate, path, wish) in enumerate(zip(rates, case.paths, case.demand, strict=True)):
        assert 0 <= rate <= wish
        if rate < wish:
            bottlenecks = [
                link
                for link in path
                if loads[link] >= case.capacity[link] - 1e-9
                and all(rates[other] <= rate + 1e-9 for other, p in enumerate(case.paths) if link in p)
            ]
            assert bottlenecks, f"flow {mine} could have more"


@given(seed=SEEDS)
@settings(max_examples=25)
def test_rates_are_the_lexicographic_optimum_of_a_linear_program(seed: int) -> None:
    """Raise the least rate as far as it goes, fix the flows that cannot go beyond it, and again."""
    case = random_case(seed, flows=5, links=4)
    assert case.rates() == pytest.approx(lexicographic(case), abs=1e-7)


def lexicographic(case: Case) -> Floats:
    """Max-min rates by linear programs (HiGHS) alone."""
    flows = len(case.paths)
    crossing = np.zeros((len(case.capacity), flows + 1))
    crossing[case.hops.link, case.hops.flow] = case.hops.part
    fixed: dict[int, float] = {}
    while len(fixed) < flows:
        free = [f for f in range(flows) if f not in fixed]
        level = _solve(case, crossing, fixed, {f: 0.0 for f in free}, raised=free)
        # The last column is the common level; a flow that cannot pass it alone stops here.
        for f in free:
            most = _solve(case, crossing, fixed, {g: level for g in free}, raised=[f])
            if most <= level + 1e-9:
                fixed[f] = level
    return np.array([fixed[f] for f in range(flows)])


def _solve(
    case: Case, crossing: Floats, fixed: dict[int, float], least: dict[int, float], raised: list[int]
) -> float:
    """The most that the least of the raised flows can have."""
    flows = len(case.paths)
    above = np.zeros((len(raised), flows + 1))
    for row, f in enumerate(raised):
        above[row, f], above[row, flows] = -1.0, 1.0
    bounds = [
        (fixed[f], fixed[f]) if f in fixed else (max(0.0, least[f] - 1e-10), case.demand[f])
        for f in range(flows)
    ]
    solved = linprog(
        np.append(np.zeros(flows), -1.0),
        A_ub=np.vstack([crossing, above]),
        b_ub=np.append(case.capacity + 1e-9, np.zeros(len(raised))),
        bounds=[*bounds, (0.0, None)],
    )
    assert solved.status == 0, solved.message
    return float(solved.x[flows])


@given(seed=SEEDS)
@settings(max_examples=100)
def test_many_freezes_in_a_round_are_the_freezes_one_by_one(seed: int) -> None:
    case = random_case(seed, flows=60, links=20)
    expected = one_freeze(case.demand, case.capacity, case.hops)
    assert case.rates() == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(seed=SEEDS)
@settings(max_examples=100)
def test_classes_are_shares_of_what_the_ones_before_leave(seed: int) -> None:
    case = random_case(seed, flows=20)
    priority = np.random.default_rng(seed).integers(0, 4, len(case.paths))
    rates, room = case.rates(priority), case.capacity.copy()
    for one in range(4):
        demand = np.where(priority == one, case.demand, 0.0)
        alone = one_freeze(demand, room, case.hops)
        assert rates[priority == one] == pytest.approx(alone[priority == one], rel=1e-9, abs=1e-9)
        room = np.maximum(room - case.loads(alone), 0.0)


@given(seed=SEEDS)
@settings(max_examples=100)
def test_more_capacity_or_fewer_wishes_never_hurt_the_worst_off(seed: int) -> None:
    """Sorted rates grow lexicographically with capacity (single rates need not); the scale of units does not matter."""
    case, rng = random_case(seed), np.random.default_rng(seed)
    more = replace(case, capacity=case.capacity + rng.uniform(0, 3, len(case.capacity)))
    before, after = np.sort(case.rates()), np.sort(more.rates())
    differing = np.flatnonzero(np.abs(before - after) > 1e-9)
    assert not len(differing) or after[differing[0]] > before[differing[0]]
    scaled = replace(case, demand=8.0 * case.demand, capacity=8.0 * case.capacity)
    assert scaled.rates() == pytest.approx(8.0 * case.rates(), rel=1e-12)


@given(seed=SEEDS)
@settings(max_examples=50)
def test_the_order_of_flows_does_not_matter(seed: int) -> None:
    case = random_case(seed)
    order = np.random.default_rng(seed).permutation(len(case.paths))
    ends = np.cumsum([len(path) for path in case.paths])
    parts = [case.hops.part[ends[i] - len(case.paths[i]) : ends[i]] for i in order]
    mixed = Case([case.paths[i] for i in order], case.demand[order], case.capacity, np.concatenate(parts))
    assert mixed.rates() == pytest.approx(case.rates()[order], rel=1e-9, abs=1e-12)
