"""The ways of the solver are the routes of the twin, in every state of the backbone."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.fleets.example import example_fleet
from solvers.routes import Ways, find_ways
from twin.actions.fold import with_tables
from twin.graph.compile import NetworkArrays, compile_fleet
from twin.sim.network import backbone_loads, find_routes

START = datetime(2026, 11, 21, tzinfo=UTC)
SITES = 5


def network_of(latencies: list[float]) -> NetworkArrays:
    fleet = example_fleet()
    of = {switch.name: switch.site for switch in fleet.switches}
    backbone = [link.name for link in fleet.links if of[link.a] != of[link.b]]
    given_s = dict(zip(backbone, latencies, strict=False))
    links = tuple(
        link.model_copy(update={"latency_s": given_s.get(link.name, link.latency_s)}) for link in fleet.links
    )
    return compile_fleet(with_tables(fleet, links=links), start=START).network


def check_state(network: NetworkArrays, site: int, link: int) -> Ways:
    ways = find_ways(network, SITES, lost_site=site, lost_link=link)
    switches = network.switch_site != site
    links = np.ones(len(network.link_capacity_bps), dtype=bool)
    if link >= 0:
        links[network.backbone[link]] = False
    routes = find_routes(network, switches, links, SITES)
    together = np.equal.outer(routes.label, routes.label) & (routes.label >= 0)
    assert ((ways.label >= 0) == (routes.label >= 0)).all()
    assert (np.equal.outer(ways.label, ways.label) & (ways.label >= 0)).tolist() == together.tolist()
    np.testing.assert_allclose(ways.rtt_s, routes.rtt_s, atol=1e-12)
    traffic = np.random.default_rng(1).random((SITES, SITES)) * (together & ~np.eye(SITES, dtype=bool))
    theirs = backbone_loads(routes, traffic, len(network.backbone)).reshape(-1)
    np.testing.assert_allclose(ways.part @ traffic.ravel(), theirs, atol=1e-12)
    return ways


@pytest.mark.parametrize("site", range(-1, SITES))
def test_the_ways_of_the_example_are_the_routes_of_the_twin(site: int) -> None:
    network = network_of([])
    for link in range(-1, len(network.backbone)):
        check_state(network, site, link)


@settings(max_examples=25)
@given(st.lists(st.sampled_from([1e-3, 2e-3, 3e-3]), min_size=6, max_size=6), st.integers(-1, 5))
def test_ways_that_are_as_short_share(latencies: list[float], link: int) -> None:
    check_state(network_of(latencies), -1, link)


def test_two_ways_as_short_carry_a_half_each() -> None:
    # ams1-fra1-cmh1-iad1-ams1 is a square of four links; with equal latencies, opposite corners have two ways.
    ways = check_state(network_of([1e-3] * 6), -1, -1)
    assert 0.5 in np.round(ways.part.data, 12)
