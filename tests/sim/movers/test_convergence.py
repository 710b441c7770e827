"""Convergence of routes: exact times of what is lost in between, flaps that nobody hears of, parts of a partition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.sim.fleets import START
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.records.run import Run
from twin.sim.engine import Engine
from twin.sim.run import Simulator

TAKES_S, FLOW_BPS = 2.0, 3e9


def triangle(**more: Any) -> Fleet:
    """Three sites joined in a ring: the direct link from a to b is short, the way over c is long; 3 Gbit/s from a to b."""
    sites = ("a", "b", "c")
    return Fleet.model_validate({
        "fleet": "ring", "convergence_s": TAKES_S, "regions": [{"name": "r"}],
        "sites": [{"name": s, "region": "r"} for s in sites],
        "power_units": [{"name": f"{s}-grid", "kind": "utility", "site": s, "rated_va": 1e6} for s in sites],
        "racks": [{"name": f"{s}-rack", "site": s, "row": "x", "fed_by": [f"{s}-grid"]} for s in sites],
        "switches": [{"name": f"{s}-b", "site": s, "tier": "border", "capacity_bps": 1e12} for s in sites],
        "links": [
            {"name": name, "a": f"{name[0]}-b", "b": f"{name[1]}-b", "capacity_bps": 1e10, "latency_s": latency_s}
            for name, latency_s in (("ab", 0.01), ("bc", 0.02), ("ca", 0.02))
        ],
        "server_types": [{"name": "t", "cores": 1, "idle_w": 100.0, "max_w": 200.0}],
        "reservations": [{"name": "o"}],
        "server_groups": [{"name": f"{s}-g", "rack": f"{s}-rack", "type": "t", "owner": "o", "count": 5} for s in sites],
        "traffic": [{"source": "a", "target": "b", "rate_bps": FLOW_BPS}],
        **more,
    })  # fmt: skip


class Witness:
    """Looks on after every settle: (time, loads of the links, what is lost), where it differs from the last."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, dict[str, float], float]] = []
        self.texts: list[tuple[float, str]] = []

    def __call__(self, now: float, engine: Engine, _: Any, changes: Sequence[TimedChange]) -> None:
        load = {
            name: bps
            for name, bps in zip(engine.compiled.names["links"], engine.link_load.tolist(), strict=True)
            if bps
        }
        lost = float(engine.traffic_lost_bps.sum())
        self.texts += [(now, change.text) for change in changes if change.origin == "physics:convergence"]
        if not self.seen or self.seen[-1][1:] != (load, lost):
            self.seen.append((now, load, lost))


Hold = tuple[float, str, float]


def played(
    fleet: Fleet, *world: Hold, until_s: float = 100.0, start_s: float = 0.0, without: Sequence[str] = ()
) -> tuple[Run, Witness]:
    """Play holds of links and switches (time, name, -1 or +1)."""
    witness = Witness()
    changes = [
        TimedChange(at_s, Change("state", name, value), "world:test", name) for at_s, name, value in world
    ]
    simulator = Simulator(compile_fleet(fleet, start=START), without=without)
    run = simulator.run((), changes, until_s=until_s, start_s=start_s, observe=witness)
    return run, witness


DIRECT, ROUND = {"ab": FLOW_BPS}, {"bc": FLOW_BPS, "ca": FLOW_BPS}


def test_what_goes_over_a_dead_link_is_lost_until_routers_know() -> None:
    _, witness = played(triangle(), (10.0, "ab", -1.0), (50.0, "ab", 1.0))
    assert witness.seen == [
        (0.0, DIRECT, 0.0),
        (10.0, {}, FLOW_BPS),
        (12.0, ROUND, 0.0),
        (52.0, DIRECT, 0.0),  # nothing is lost on the way back
    ]
    assert witness.texts == [
        (12.0, "routers know after 2 s that ab is down"),
        (52.0, "routers know after 2 s that ab is up again"),
    ]


def test_a_flap_that_is_over_before_they_hear_of_it_moves_nothing() -> None:
    _, witness = played(triangle(), (10.0, "ab", -1.0), (11.5, "ab", 1.0), (13.0, "ab", -1.0))
    assert witness.seen == [
        (0.0, DIRECT, 0.0), (10.0, {}, FLOW_BPS), (11.5, DIRECT, 0.0), (13.0, {}, FLOW_BPS), (15.0, ROUND, 0.0),
    ]  # fmt: skip


def test_a_metric_moves_traffic_and_loses_none() -> None:
    """10 ms against 40 ms the long way: 31 ms more on the direct link for a minute, 29 are not enough."""
    witness = Witness()
    world = [
        TimedChange(at_s, Change("metric", "ab", more_s), "plan:test")
        for at_s, more_s in ((10.0, 0.029), (20.0, 0.002), (80.0, -0.002), (90.0, -0.029))
    ]
    simulator = Simulator(compile_fleet(triangle(), start=START))
    simulator.run((), world, until_s=100.0, observe=witness)
    assert witness.seen == [(0.0, DIRECT, 0.0), (20.0, ROUND, 0.0), (80.0, DIRECT, 0.0)]
    again = Witness()
    simulator.run((), world, until_s=100.0, observe=again)  # with all topologies in memory
    assert again.seen == witness.seen


def test_a_death_behind_a_metric_is_heard_of_late() -> None:
    witness = Witness()
    world = [
        TimedChange(5.0, Change("metric", "ab", 1.0), "plan:test"),
        TimedChange(10.0, Change("state", "bc", -1.0), "world:test"),
    ]
    Simulator(compile_fleet(triangle(), start=START)).run((), world, until_s=100.0, observe=witness)
    assert witness.seen == [
        (0.0, DIRECT, 0.0),
        (5.0, ROUND, 0.0),
        (10.0, {}, FLOW_BPS),
        (12.0, DIRECT, 0.0),
    ]


def test_each_death_is_heard_of_in_its_own_time() -> None:
    """ab dies, 1 s later ca: at 12 s traffic moves to the way over c, which is dead, until that is known at 13 s."""
    run, witness = played(triangle(), (10.0, "ab", -1.0), (11.0, "ca", -1.0))
    assert witness.seen[:2] == [(0.0, DIRECT, 0.0), (10.0, {}, FLOW_BPS)]
    assert [now for now, _ in witness.texts] == [12.0, 13.0]
    assert witness.seen[-1] == (10.0, {}, FLOW_BPS)  # then there is no way left


def test_a_dead_border_switch_takes_its_routes_with_it() -> None:
    fleet = triangle(traffic=[{"source": "a", "target": "b", "rate_bps": FLOW_BPS}])
    _, witness = played(fleet, (5.0, "ab", -1.0), (20.0, "c-b", -1.0), (30.0, "c-b", 1.0))
    assert witness.seen == [
        (0.0, DIRECT, 0.0), (5.0, {}, FLOW_BPS), (7.0, ROUND, 0.0),
        (20.0, {}, FLOW_BPS), (32.0, ROUND, 0.0),  # at 22 s they hear that there is no way left
    ]  # fmt: skip


def test_routers_know_what_was_down_before_the_start() -> None:
    _, witness = played(triangle(), (10.0, "ab", -1.0), start_s=60.0)
    assert [row for row in witness.seen if row[0] >= 60.0] in ([], [(60.0, ROUND, 0.0)])
    assert witness.seen[-1][1:] == (ROUND, 0.0) and not witness.texts


@pytest.mark.parametrize(
    "fleet", [triangle(convergence_s=None), triangle()], ids=["undeclared", "switched off"]
)
def test_without_the_law_routes_change_at_once(fleet: Fleet) -> None:
    without = ("convergence",) if fleet.convergence_s else ()
    _, witness = played(fleet, (10.0, "ab", -1.0), without=without)
    assert witness.seen == [(0.0, DIRECT, 0.0), (10.0, ROUND, 0.0)]


def test_half_of_two_parallel_links_loses_half() -> None:
    twin = {"name": "ab2", "a": "b-b", "b": "a-b", "capacity_bps": 1e10, "latency_s": 0.01}
    links = [link.model_dump() for link in triangle().links]
    _, witness = played(triangle(links=[*links, twin]), (10.0, "ab", -1.0))
    half = FLOW_BPS / 2
    assert witness.seen == [
        (0.0, {"ab": half, "ab2": half}, 0.0),
        (10.0, {"ab2": half}, half),
        (12.0, {"ab2": FLOW_BPS}, 0.0),
    ]


def test_requests_are_lost_as_long_as_routes_are_wrong() -> None:
    """100 requests/s from a's users to b, with nothing else to lose: 2 s of them, though requests have no size."""
    fleet = triangle(
        regions=[{"name": "r"}, {"name": "far"}],
        sites=[{"name": "a", "region": "r"}, {"name": "c", "region": "r"}, {"name": "b", "region": "far"}],
        services=[{"name": "s", "tier": 0, "reservation": "o", "service_time_s": 0.01, "slots": 16}],
        deployments=[{"service": "s", "site": "b", "replicas": 4}],
        demand=[{"service": "s", "region": "r", "rate_per_s": 100.0}],
        traffic=[],
    )
    # Users enter evenly at a and c: half of them go over the link that dies.
    run, _ = played(fleet, (10.0, "ab", -1.0), until_s=100.0)
    assert run.errors.tolist() == pytest.approx([50.0 * TAKES_S])
    assert run.requests.tolist() == pytest.approx([10_000.0])


def test_observed_or_not_the_books_are_the_same() -> None:
    """Blocks of knots must not run past the moment at which routers hear."""
    series = [{"name": "p", "step_s": 0.5, "values": [1.0, 0.5, 0.25], "start": START}]
    fleet = triangle(
        series=series,
        services=[{"name": "s", "tier": 0, "reservation": "o", "service_time_s": 0.01, "slots": 16}],
        regions=[{"name": "r"}, {"name": "far"}],
        sites=[{"name": "a", "region": "r"}, {"name": "c", "region": "r"}, {"name": "b", "region": "far"}],
        deployments=[{"service": "s", "site": "b", "replicas": 4}],
        demand=[{"service": "s", "region": "r", "rate_per_s": 100.0, "profile": "p"}],
    )
    changes = [TimedChange(10.25, Change("state", "ab", -1.0), "world:test", "ab")]
    compiled = compile_fleet(fleet, start=START)
    runs = [
        Simulator(compiled).run((), changes, until_s=40.0, observe=observe)
        for observe in (None, lambda *_: None)
    ]
    assert runs[0].errors.tolist() == runs[1].errors.tolist()
    # From 10.25 to 12.25: half of the users, by the steps of the series.
    rate = [100.0 * (1.0, 0.5, 0.25)[int(at_s / 0.5) % 3] for at_s in (10.25, 10.5, 11.0, 11.5, 12.0)]
    expected = sum(r * s for r, s in zip(rate, (0.25, 0.5, 0.5, 0.5, 0.25), strict=True)) / 2
    assert runs[0].errors.tolist() == pytest.approx([expected])
