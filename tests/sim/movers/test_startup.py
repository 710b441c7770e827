"""Start-up from nothing: order and circles of random graphs against networkx, other sites, starting by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import networkx as nx
import pytest
from hypothesis import given, settings

from tests.sim.fleets import START
from tests.sim.helpers import SEEDS
from tests.sim.movers.busy import at, fleet, look, play
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.checks import check_fleet
from twin.model.fleet import Fleet
from twin.sim.engine import Engine
from twin.sim.movers.startup import Startup
from twin.sim.recorder import Recorder
from twin.sim.run import simulate

OFF_S, ON_S, TAKES_S = 100.0, 1000.0, 60.0


def services(needs: Mapping[str, Sequence[str]], *, sites: Sequence[str] = ("s",)) -> Fleet:
    rows = [{"name": name, "starts_after": tuple(need), "start_s": TAKES_S} for name, need in needs.items()]
    return fleet(rows, rate_per_s=1.0, replicas=1, sites=sites)


def blink(site: str = "s", off_s: float = OFF_S, on_s: float = ON_S) -> list[tuple[float, Change]]:
    return [(off_s, Change("state", f"{site}-grid", -1.0)), (on_s, Change("state", f"{site}-grid", 1.0))]


def started(
    built: Fleet, world: Sequence[tuple[float, Change]], without: Sequence[str] = ()
) -> dict[str, float]:
    """When each service runs again at the first site; those that never do are missing."""
    found: dict[str, float] = {}
    names = [row.name for row in built.services]

    def see(engine: Engine) -> dict[str, bool]:
        index = engine.compiled.index["services"]
        return {name: bool(engine.services.able[index[name], 0]) for name in names}

    _, samples = play(built, world, 20_000.0, see, without)
    for now, able in samples:
        for name in names:
            if now >= ON_S and able[name] and name not in found:
                found[name] = now
            elif not able[name]:
                found.pop(name, None)
    return found


@settings(max_examples=25)
@given(seed=SEEDS)
def test_order_and_circles_are_those_of_the_graph(seed: int) -> None:
    """One after the other along the longest chain of needs; who is in a circle, or needs somebody who is, never."""
    rng = Random(seed)
    names = [f"v{i}" for i in range(rng.randint(2, 7))]
    needs = {n: [m for m in names if m != n and rng.random() < 0.25] for n in names}
    graph = nx.DiGraph([(m, n) for n in names for m in needs[n]])
    graph.add_nodes_from(names)
    circles = {n for part in nx.strongly_connected_components(graph) if len(part) > 1 for n in part}
    never = circles.union(*(nx.descendants(graph, n) for n in circles))
    rest = graph.subgraph(set(names) - never)
    depth: dict[str, int] = {}
    for n in nx.topological_sort(rest):
        depth[n] = max((depth[m] + 1 for m in rest.predecessors(n)), default=0)
    expected = {n: ON_S + TAKES_S * (depth[n] + 1) for n in rest}
    assert started(services(needs), blink()) == pytest.approx(expected)


def test_what_is_told_of_a_circle_and_of_who_waits_for_it() -> None:
    built = services({"a": ["b"], "b": ["a"], "c": ["a"]})
    told: list[str] = []
    compiled = compile_fleet(built, start=START)

    def watch(now: float, engine: Engine, recorder: Recorder, recent: Sequence[TimedChange]) -> None:
        told.extend(t.text for t in recent if t.origin == "physics:startup" and now == ON_S)

    world = [TimedChange(at_s, change, "world:test") for at_s, change in blink()]
    simulate(compiled, (), world, until_s=2000.0, observe=watch)
    assert told == [
        "a at s can never start: a, b wait for each other",
        "b at s can never start: a, b wait for each other",
        "c at s waits for a",
    ]


def test_a_person_breaks_the_circle() -> None:
    world = [*blink(), (2000.0, Change("boot", "b", 1.0, "s"))]
    built = services({"a": ["b"], "b": ["a"], "c": ["a"]})
    assert started(built, world) == {"b": 2000.0, "a": 2060.0, "c": 2120.0}


def test_what_runs_elsewhere_answers_for_who_has_none_at_its_site() -> None:
    """`names` are at both sites, so a site needs its own; with them at the other alone that one answers."""
    own = services({"names": [], "web": ["names"]}, sites=("s", "t"))
    assert started(own, blink()) == {"names": ON_S + 60.0, "web": ON_S + 120.0}
    elsewhere = own.model_copy(
        update={"deployments": tuple(d for d in own.deployments if (d.service, d.site) != ("names", "s"))}
    )
    assert started(elsewhere, blink())["web"] == ON_S + 60.0


def test_a_need_that_dies_in_time_puts_the_start_off() -> None:
    """`names` falls sick 30 s after it runs: `web` waits until it is well, and then its whole time."""
    built = services({"names": [], "web": ["names"]})
    sick = [(ON_S + 90.0, Change("sick", "names", 1.0)), (ON_S + 500.0, Change("sick", "names", -1.0))]
    assert started(built, [*blink(), *sick])["web"] == ON_S + 560.0


def test_who_has_power_but_no_work_goes_on_and_a_switched_off_law_starts_all_at_once() -> None:
    built = services({"a": ["b"], "b": ["a"]})
    assert started(built, blink(), without=["startup"]) == {"a": ON_S, "b": ON_S}
    drained = [(OFF_S, Change("drain", "s-rack", -1.0)), (ON_S, Change("drain", "s-rack", 1.0))]
    assert started(built, drained) == {"a": ON_S, "b": ON_S}


def test_at_rest_and_what_is_refused() -> None:
    mover = Startup.of(compile_fleet(services({"a": ["b"], "b": []}), start=START))
    assert mover is not None and mover.at_rest
    plain = fleet([{"name": "a"}], rate_per_s=1.0, replicas=1)
    assert Startup.of(compile_fleet(plain, start=START)) is None
    assert "there is no service 'nobody'" in [f.what for f in check_fleet(services({"a": ["nobody"]}))]
    _, samples = play(
        services({"a": []}), [*blink(), *look(ON_S + 59.0)], 2000.0, lambda e: e.state.boot.sum()
    )
    assert (at(samples, ON_S + 59.0), at(samples, ON_S + 61.0)) == (-1, 0)
