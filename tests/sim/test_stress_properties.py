"""Whatever services declare and whatever happens: no request is made up, and looking on changes nothing."""

from __future__ import annotations

from dataclasses import fields
from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings

from tests.sim.fleets import START, random_fleet, random_history
from tests.sim.helpers import SEEDS
from twin.graph.compile import Compiled, compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.records.run import Run
from twin.sim.run import simulate

UNTIL_S = 3600.0


def stressed(seed: int) -> Fleet:
    """A random fleet whose services declare some of all that they can."""
    fleet, rng = random_fleet(seed), Random(seed + 7)
    rows = []
    for service in fleet.services:
        more: dict[str, Any] = {
            "timeout_s": rng.choice((None, service.service_time_s + rng.uniform(0.1, 30.0))),
            "retry_budget": rng.choice((0.0, 0.1, 1.0, 10.0)),
            "warm_up_s": rng.choice((None, None, 60.0, 900.0)),
            "fanout": rng.choice((None, "sequential", "parallel")),
            "service_scv": rng.choice((0.0, 1.0, 3.0)),
            "shed_above": rng.choice((None, None, 0.5, 0.95)),
            "autoscale": rng.choice((None, None, {"target": 0.6, "start_s": 45.0})),
        }
        rows.append(service.model_copy(update={}).model_validate({**service.model_dump(), **more}))
    reservations = [row.model_copy(update={"by_tier": rng.random() < 0.5}) for row in fleet.reservations]
    kinds = {"services": rows, "reservations": reservations}
    return Fleet.model_validate(
        {**fleet.model_dump(), **{k: [r.model_dump() for r in v] for k, v in kinds.items()}}
    )


def history(fleet: Fleet, seed: int) -> list[TimedChange]:
    rng, found = Random(seed), random_history(fleet, seed, until_s=UNTIL_S)
    for _ in range(3):
        service, at_s = rng.choice(fleet.services).name, float(rng.randrange(0, 3000))
        change = rng.choice((Change("shed", service, 0.4, "*"), Change("retries", service, 1.0)))
        found += [TimedChange(at_s, change, "world:test")]
    return sorted(found, key=lambda timed: timed.at_s)


def played(compiled: Compiled, world: list[TimedChange], *, looked_at: bool) -> Run:
    observe = (lambda *_: None) if looked_at else None
    return simulate(compiled, (), world, until_s=UNTIL_S, observe=observe)


@given(seed=SEEDS)
@settings(max_examples=12)
def test_no_request_is_made_up(seed: int) -> None:
    fleet = stressed(seed)
    compiled = compile_fleet(fleet, start=START)
    run = played(compiled, history(fleet, seed), looked_at=False)
    services = compiled.services
    assert np.isfinite(run.p99_integral).all()
    assert (run.requests >= 0).all()
    assert (run.errors >= -1e-6 * run.requests).all()
    assert (run.errors <= run.requests * (1 + 1e-9) + 1e-6).all()
    most = services.retries + 3  # the history adds at most one each time
    assert (run.retries <= most * run.requests * (1 + 1e-6) + 1e-6).all()
    assert run.settles < 5000


@given(seed=SEEDS)
@settings(max_examples=8)
def test_looking_on_changes_nothing(seed: int) -> None:
    """With an observer every knot is settled alone, without one runs of them at once: the same bits."""
    fleet = stressed(seed)
    compiled, world = compile_fleet(fleet, start=START), history(fleet, seed)
    alone, together = (played(compiled, world, looked_at=looked_at) for looked_at in (True, False))
    for field in fields(Run):
        ours, theirs = getattr(alone, field.name), getattr(together, field.name)
        if isinstance(ours, np.ndarray):
            assert np.array_equal(ours, theirs), field.name
    assert alone.intervals == together.intervals
