"""Fleets, worlds and evaluations to measure with: generated, and harder than life in that every knot changes everything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import numpy as np

from scenarios.generate import Size, generate
from twin.evaluate.bench import Bench, set_up
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.model.gateset import GateSet
from twin.model.plan import Plan
from twin.model.scenario import Suite
from twin.model.series import Series
from twin.model.streams import stream

START = datetime(2026, 11, 23, tzinfo=UTC)  # a Monday, 00:00
DAY_S, WEEK_S, STEP_S = 86_400.0, 604_800.0, 300.0
REPAIR_S = 4 * 3600.0


def size_of(servers: int, *, services: int | None = None) -> Size:
    """Return the size of a fleet; beyond a million servers it has the sites and services of a million."""
    usual = Size.of(min(servers, 1_000_000))
    return Size(servers, usual.sites, usual.regions, services or usual.services)


def bench_fleet(size: Size, *, seed: int = 1) -> Fleet:
    """Return a generated fleet whose demand changes everywhere at every knot of a week, every five minutes."""
    with mock.patch.object(Size, "of", return_value=size):
        fleet = generate(size.servers, seed=seed)
    return fleet.model_copy(update={"series": tuple(_restless(series, seed) for series in fleet.series)})


def _restless(series: Series, seed: int) -> Series:
    """A week of a daily profile with noise below it, so that no two values in a row are equal."""
    steps = round(WEEK_S / STEP_S)
    daily = np.asarray(series.values)[np.arange(steps) % len(series.values)]
    values = daily * (1.0 - 0.03 * stream(seed, series.name, "bench").random(steps))
    assert series.step_s == STEP_S and (np.diff(values) != 0).all() and values[0] != values[-1]
    return Series(name=series.name, step_s=STEP_S, values=tuple(values.tolist()))


def faults(fleet: Fleet, count: int, *, until_s: float, seed: int = 1) -> tuple[TimedChange, ...]:
    """Return faults with their repairs after about four hours: 90 % servers, the rest racks, panels, links, switches."""
    rng = stream(seed, "bench", "faults")
    groups = [group.name for group in fleet.server_groups]
    things = (
        [rack.name for rack in fleet.racks],
        [unit.name for unit in fleet.power_units if unit.kind == "panel"],
        [link.name for link in fleet.links],
        [switch.name for switch in fleet.switches],
    )
    changes = []
    for at_s, lasts_s in zip(rng.uniform(0.0, until_s, count), rng.exponential(REPAIR_S, count), strict=True):
        if rng.random() < 0.9:
            broken = Change("failed", groups[rng.integers(len(groups))], 1.0)
        else:
            names = things[rng.integers(len(things))]
            broken = Change("state", names[rng.integers(len(names))], -1.0)
        mended = Change(broken.kind, broken.target, -broken.value)
        changes += [
            TimedChange(at_s, broken, "world:bench"),
            TimedChange(at_s + lasts_s, mended, "world:bench"),
        ]
    return tuple(sorted(changes, key=lambda timed: timed.at_s))


def bench_evaluation(
    plan_of: Callable[[Fleet], Plan], *, servers: int = 100_000, scenarios: int = 10
) -> Bench:
    """Return a plan over 24 hours, three gates, and scenarios in which things break and demand surges."""
    fleet = bench_fleet(size_of(servers))
    breaks = [{"kind": "independent-failures"}, {"kind": "repair-crews", "params": {"crews": 2}}]
    surge = {"kind": "demand-surge", "params": {"factor": 1.3, "at": "random", "lasts": "1 h"}}
    suite = Suite.model_validate(
        {
            "suite": "bench",
            "scenarios": [
                {"scenario": f"world-{i}", "hazards": [*breaks, surge] if i % 2 else breaks}
                for i in range(scenarios)
            ],
        }
    )
    gates = GateSet.model_validate(
        {
            "gates": "bench",
            "suite": "bench",
            "rules": [
                {"id": "errors", "metric": "error_rate", "pass": "<= 0.1 %"},
                {"id": "overloads", "metric": "overloads", "estimator": "invariant", "pass": "none new"},
                {"id": "slo", "metric": "slo_violation", "estimator": "probability", "pass": "<= 20 %"},
            ],
        }
    )
    return set_up(plan_of(fleet), fleet, gates, suite, salt="bench")


def drain_plan(fleet: Fleet) -> Plan:
    """Return a plan of one step: a rack is drained ten minutes into the window, for good."""
    rack = fleet.racks[0].name
    return _one_step("rack.drain@1", rack, {"racks": rack, "batch": 1}, takes="10 min")


def maintenance_plan(fleet: Fleet) -> Plan:
    """Return a plan of one step: a panel whose racks have another is out of service for eight hours of the window."""
    unit = next(rack.fed_by[0] for rack in fleet.racks if len(rack.fed_by) > 1)
    return _one_step("unit.maintain@1", unit, {"unit": unit, "lasts": "8 h"})


def _one_step(do: str, touch: str, params: dict[str, Any], **more: str) -> Plan:
    step = {"id": "step", "do": do, "at": "10 min", "params": params, **more}
    window = {"not_before": START, "not_after": START + timedelta(seconds=DAY_S)}
    return Plan.model_validate(
        {"plan": "bench", "window": window, "scope": {"touch": [touch]}, "steps": [step]}
    )
