"""What must hold for every fleet: conservation, monotonicity, and that names, order and cuts in time do not matter."""

from __future__ import annotations

from dataclasses import fields
from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings

from tests.sim.fleets import HELD, START, random_fleet, random_history
from tests.sim.helpers import SEEDS, settled
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import KINDS, Fleet
from twin.records.run import Run
from twin.sim.run import simulate

UNTIL_S = 7200.0
SUMS = (
    "requests",
    "errors",
    "retries",
    "p99_integral",
    "facility_j",
    "it_j",
    "carbon_g",
    "energy_cost_usd",
    "server_cost_usd",
    "embodied_kg",
)


def calm(fleet: Fleet, **more: object) -> Fleet:
    """The same fleet with some field of all its services changed."""
    return fleet.model_copy(update={"services": tuple(row.model_copy(update=more) for row in fleet.services)})


@given(seed=SEEDS)
@settings(max_examples=60)
def test_losing_more_never_powers_or_connects_more(seed: int) -> None:
    fleet, rng = random_fleet(seed), Random(seed + 1)
    things = [row.name for kind in HELD for row in fleet.rows(kind)]
    order = rng.sample(things, len(things))
    few = rng.randint(0, len(order))
    more = rng.randint(few, len(order))
    first, second = (settled(fleet, [Change("state", name, -1.0) for name in order[:n]]) for n in (few, more))
    for name in ("rack_powered", "plant_alive", "storage_ok", "site_ok"):
        assert not (getattr(second, name) & ~getattr(first, name)).any()
    assert not (
        second.rack_powered & second.rack_reachable & ~(first.rack_powered & first.rack_reachable)
    ).any()
    assert (second.running <= first.running + 1e-9).all()


@given(seed=SEEDS)
@settings(max_examples=60)
def test_more_demand_never_lowers_a_load(seed: int) -> None:
    fleet = random_fleet(seed)
    low, high = (settled(fleet, [Change("demand", "*", extra, "*")]) for extra in (0.3, 0.9))
    assert low.flows is not None and high.flows is not None
    assert (high.load >= low.load - 1e-9).all()
    assert (high.unit_peak_va >= low.unit_peak_va * (1 - 1e-12)).all()
    assert (high.flows.errors >= low.flows.errors - 1e-9).all()


@given(seed=SEEDS)
@settings(max_examples=40)
def test_requests_are_conserved(seed: int) -> None:
    """Without calls and dead sites: asked = served + failed + growth of the queues, at every settle of a run."""
    fleet = calm(random_fleet(seed, failover=False), callees={})
    world = random_history(fleet, seed + 1, until_s=UNTIL_S, changes=6)
    balances: list[tuple[float, float]] = []

    def look(now: float, engine: object, *_: object) -> None:
        flows = engine.flows  # type: ignore[attr-defined]
        growth = 0.0 if flows.backlog_rate is None else flows.backlog_rate.sum()
        balances.append((flows.requests.sum(), flows.passed.sum() + flows.errors.sum() + growth))

    simulate(compile_fleet(fleet, start=START), (), world, until_s=UNTIL_S, observe=look)
    asked, found = zip(*balances, strict=True)
    assert found == pytest.approx(asked, rel=1e-9, abs=1e-9)


@given(seed=SEEDS)
@example(seed=15)
@example(seed=36)
@example(seed=127)
@settings(max_examples=40)
def test_no_more_requests_fail_than_are_made(seed: int) -> None:
    """What waits where a service dies fails then; what of it was to fail for a call was counted when it came."""
    fleet = random_fleet(seed)
    world = random_history(fleet, seed + 1, until_s=UNTIL_S)
    run = simulate(compile_fleet(fleet, start=START), (), world, until_s=UNTIL_S)
    assert (run.errors <= run.requests * (1 + 1e-9) + 1e-6).all()


@given(seed=SEEDS)
@settings(max_examples=20)
def test_a_plan_that_changes_nothing_changes_nothing(seed: int) -> None:
    """No plan at all gives the same bits; one whose changes are zero gives the same up to rounding of the sums."""
    fleet, rng = random_fleet(seed), Random(seed + 2)
    compiled = compile_fleet(fleet, start=START)
    world = [c for c in random_history(fleet, seed + 1, until_s=UNTIL_S) if c.change.kind != "failed"]
    idle, again = (simulate(compiled, (), world, until_s=UNTIL_S) for _ in range(2))
    assert all(np.array_equal(getattr(idle, f.name), getattr(again, f.name)) for f in fields(Run))
    rack, service, site = fleet.racks[0].name, fleet.services[0].name, fleet.sites[0].name
    nothing = [
        Change("drain", rack, 0.0),
        Change("weight", service, 0.0, site),
        Change("replicas", service, 0.0, site),
        Change("demand", "*", 0.0, "*"),
        Change("state", rack, 0.0),
    ]
    plan = [TimedChange(float(rng.randrange(0, 7200)), change, "plan:none") for change in nothing]
    played = simulate(compiled, plan, world, until_s=UNTIL_S)
    # The p99 is held between crossings of a queue: another settle in between reads it afresh.
    for name in (name for name in SUMS if name != "p99_integral"):
        assert getattr(played, name) == pytest.approx(getattr(idle, name), rel=1e-9, abs=1e-6), name
    assert played.fleet_max_w == pytest.approx(idle.fleet_max_w, rel=1e-12)
    assert [(i.kind, i.thing) for i in played.intervals if i.kind == "unpowered"] == [
        (i.kind, i.thing) for i in idle.intervals if i.kind == "unpowered"
    ]


@given(seed=SEEDS)
@settings(max_examples=20)
def test_a_run_cut_in_two_has_the_same_sums(seed: int) -> None:
    """Where nothing is remembered (no queue, no failover delay), [0, T) = [0, t) + [t, T)."""
    fleet = calm(random_fleet(seed, failover=False), max_wait_s=0.0)
    compiled = compile_fleet(fleet, start=START)
    history = [c for c in random_history(fleet, seed + 1, until_s=UNTIL_S) if c.change.kind != "failed"]
    plan, world = history[::2], history[1::2]
    cut_s = 1800.0
    whole, early, late = (
        simulate(compiled, plan, world, start_s=a, until_s=b)
        for a, b in ((0, UNTIL_S), (0, cut_s), (cut_s, UNTIL_S))
    )
    for name in SUMS:
        parts = getattr(early, name) + getattr(late, name)
        assert parts == pytest.approx(getattr(whole, name), rel=1e-12, abs=1e-9), name
    assert max(early.fleet_max_w, late.fleet_max_w) == whole.fleet_max_w


@given(seed=SEEDS)
@settings(max_examples=20)
def test_the_order_of_the_rows_does_not_matter(seed: int) -> None:
    """Up to rounding: a fleet is a set of rows. (Regions stay: the first live part of several is where users go.)"""
    fleet, rng = random_fleet(seed), Random(seed + 1)
    kinds = [kind for kind in KINDS if kind not in ("regions", "sites")]
    mixed = fleet.model_copy(
        update={kind: tuple(rng.sample(fleet.rows(kind), len(fleet.rows(kind)))) for kind in kinds}
    )
    world = random_history(fleet, seed + 1, until_s=UNTIL_S, changes=6)
    ours, theirs = (
        simulate(compile_fleet(one, start=START), (), world, until_s=UNTIL_S) for one in (fleet, mixed)
    )
    places = [compile_fleet(one, start=START).names["services"] for one in (fleet, mixed)]
    order = [places[1].index(name) for name in places[0]]
    for name in ("requests", "errors", "retries"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name)[order], rel=1e-9, abs=1e-6), name
    for name in ("facility_j", "it_j", "carbon_g", "energy_cost_usd"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-12, abs=1e-9), name
