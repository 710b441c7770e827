"""One settled instant of random fleets with random things changed, against the naive rules thing by thing."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings

from tests.sim.fleets import random_change, random_fleet
from tests.sim.helpers import SEEDS, naively, settled
from tests.sim.naive_services import Traffic
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.sim.engine import Engine
from twin.sim.power import LINEAR, VAR, W

CLOSE = 1e-9


def one_case(seed: int) -> tuple[Fleet, Engine, Traffic]:
    fleet, rng = random_fleet(seed), Random(seed + 1)
    changes = [random_change(fleet, rng) for _ in range(rng.randint(0, 8))]
    now_s = float(rng.randrange(0, 20_000))
    return fleet, settled(fleet, changes, now_s=now_s), naively(fleet, changes, now_s=now_s)


def rows(engine: Engine, kind: str) -> tuple[str, ...]:
    return engine.compiled.names[kind]


@given(seed=SEEDS)
@settings(max_examples=120)
def test_who_is_powered_and_reachable(seed: int) -> None:
    fleet, engine, naive = one_case(seed)
    chain, network = naive.at.chain, naive.at.network
    alive = dict(zip(rows(engine, "power_units"), engine.alive[engine.compiled.power.unit_node], strict=True))
    assert alive == {unit.name: chain.unit_alive(unit.name) for unit in fleet.power_units}
    assert {
        r for r, up in zip(rows(engine, "racks"), engine.rack_powered, strict=True) if up
    } == naive.at.powered
    assert {
        r for r, up in zip(rows(engine, "racks"), engine.rack_reachable, strict=True) if up
    } == naive.at.reachable
    switches = dict(zip(rows(engine, "switches"), engine.topology.switch_alive, strict=True))
    assert switches == {switch.name: network.switch_alive(switch.name) for switch in fleet.switches}
    assert dict(zip(rows(engine, "sites"), engine.site_ok, strict=True)) == {
        s: network.site_ok(s) for s in network.sites
    }


@given(seed=SEEDS)
@settings(max_examples=120)
def test_power_rolls_up_like_a_recursive_sum(seed: int) -> None:
    fleet, engine, naive = one_case(seed)
    leaves = naive.leaves()
    power, loads = engine.compiled.power, naive.at.chain.loads(leaves)
    for i, unit in enumerate(fleet.power_units):
        load = loads[unit.name]
        found = engine.load[power.unit_node[i]]
        expected = [load.watts, load.var, load.linear]
        assert found[[W, VAR, LINEAR]] == pytest.approx(expected, rel=CLOSE, abs=1e-9)
        assert engine.unit_va[i] == pytest.approx(load.va, rel=CLOSE, abs=1e-9)
        assert engine.unit_peak_va[i] == pytest.approx(load.peak_va, rel=CLOSE, abs=1e-9)
    drawn = naive.at.chain.facility_w(leaves)
    assert dict(zip(rows(engine, "sites"), engine.facility_w, strict=True)) == pytest.approx(
        drawn, rel=CLOSE, abs=1e-9
    )
    watts = [leaves[rack.name].watts for rack in fleet.racks]
    assert engine.rack_w == pytest.approx(watts, rel=CLOSE, abs=1e-9)


@given(seed=SEEDS)
@settings(max_examples=120)
def test_services_answer_what_the_rules_say(seed: int) -> None:
    fleet, engine, naive = one_case(seed)
    assert engine.flows is not None
    flows, sites = engine.flows, rows(engine, "sites")
    for k, name in enumerate(rows(engine, "services")):
        assert engine.running[k] == pytest.approx(
            [naive.at.running[name, s] for s in sites], rel=CLOSE, abs=1e-9
        )
        assert flows.arrivals[k] == pytest.approx(
            [naive.arrivals[name, s] for s in sites], rel=CLOSE, abs=1e-9
        )
        assert flows.passed[k] == pytest.approx([naive.passed(name, s) for s in sites], rel=CLOSE, abs=1e-9)
        assert flows.requests[k] == pytest.approx(naive.requests(name), rel=CLOSE, abs=1e-9)
        assert flows.errors[k] == pytest.approx(naive.errors(name), rel=CLOSE, abs=1e-9)
        assert flows.retries[k] == pytest.approx(naive.retries(name), rel=CLOSE, abs=1e-9)
        assert engine.p99_s[k] == pytest.approx(naive.p99_s(name), rel=1e-4, abs=1e-6)


@given(seed=SEEDS)
@settings(max_examples=100)
def test_everything_that_is_drawn_is_paid_at_a_source(seed: int) -> None:
    """Facility power = racks + plants + switches + the losses of live units: no watt is lost on the way up."""
    fleet, engine, naive = one_case(seed)
    power = engine.compiled.power
    leaves = engine.rack_w.sum() + engine.load[power.plant_node, W].sum()
    leaves += engine.load[power.switch_node[power.switch_node >= 0], W].sum()
    losses = 0.0
    for i, unit in enumerate(fleet.power_units):
        if engine.alive[power.unit_node[i]]:
            out = engine.load[power.unit_node[i], W]
            # The loss is a function of what flows through; solve a + (1+b)·P + c·P²/S = out for P.
            a, b, c = unit.loss_fixed * unit.rated_va, 1 + unit.loss_linear, unit.loss_square / unit.rated_va
            through = (out - a) / b if c == 0 else (-b + np.sqrt(b * b + 4 * c * (out - a))) / (2 * c)
            losses += out - through
    assert engine.facility_w.sum() == pytest.approx(leaves + losses, rel=1e-9, abs=1e-6)


def test_a_feed_of_share_zero_carries_all_when_it_is_the_last() -> None:
    """A rack with shares 100 % / 0 % is fed actively by A; when A dies, its load moves to B and does not vanish."""
    unit = {"kind": "utility", "site": "s", "rated_va": 1e4}
    fleet = Fleet.model_validate(
        {
            "fleet": "ab",
            "regions": [{"name": "r"}],
            "sites": [{"name": "s", "region": "r"}],
            "power_units": [{"name": "a", **unit}, {"name": "b", **unit}],
            "racks": [{"name": "rack", "site": "s", "row": "x", "fed_by": ["a", "b"], "shares": [1.0, 0.0]}],
            "server_types": [{"name": "t", "cores": 1, "idle_w": 100.0, "max_w": 200.0}],
            "reservations": [{"name": "o"}],
            "server_groups": [{"name": "g", "rack": "rack", "type": "t", "owner": "o", "count": 3}],
        }
    )
    engine = settled(fleet, [Change("state", "a", -1.0)])
    assert engine.rack_powered.all()
    assert engine.facility_w.tolist() == [300.0]
