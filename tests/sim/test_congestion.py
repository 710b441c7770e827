"""Full links: who loses what, against progressive filling over all links; what queues add, against a walk over each route."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from tests.sim.fleets import START
from tests.sim.helpers import SEEDS
from tests.sim.laws.test_maxmin import one_freeze
from tests.sim.test_network import backbone_fleet
from twin.graph.compile import NetworkArrays, compile_fleet
from twin.sim.congestion import delivered, waiting
from twin.sim.laws.link_delay import queueing_delay
from twin.sim.laws.maxmin import Hops
from twin.sim.network import Routes, find_routes
from twin.sim.routers import cut


def routed(seed: int) -> tuple[NetworkArrays, Routes, int]:
    """A random backbone, its routes, and how many sites it has."""
    fleet = backbone_fleet(seed)
    network, sites = compile_fleet(fleet, start=START).network, len(fleet.sites)
    up = np.ones(len(fleet.switches), dtype=bool), np.ones(len(fleet.links), dtype=bool)
    return network, find_routes(network, *up, sites), sites


@given(seed=SEEDS)
@settings(max_examples=60)
def test_classes_and_pairs_share_full_links_max_min(seed: int) -> None:
    """Class by class, with every link in the book and not only the full ones, one freeze at a time."""
    network, routes, sites = routed(seed)
    rng = np.random.default_rng(seed)
    capacity = rng.uniform(0, 3, len(network.backbone)) * (rng.random(len(network.backbone)) < 0.9)
    offered = rng.exponential(1.0, (3, sites, sites)) * (rng.random((3, sites, sites)) < 0.7)
    offered[:, np.arange(sites), np.arange(sites)] = 0.0
    share = delivered(routes, offered, capacity)
    room = np.tile(capacity, 2)
    for one in range(3):
        rates = one_freeze(offered[one].ravel(), room, Hops(routes.pair, routes.slot, routes.part))
        assert share[one] * offered[one] == pytest.approx(rates.reshape(sites, sites), rel=1e-9, abs=1e-9)
        used = np.bincount(routes.slot, weights=rates[routes.pair] * routes.part, minlength=len(room))
        room = np.maximum(room - used, 0.0)
    assert (share[offered == 0] == 1.0).all()


def test_nothing_full_loses_nothing() -> None:
    network, routes, sites = routed(3)
    share = delivered(routes, np.full((2, sites, sites), 1.0), np.full(len(network.backbone), 1e9))
    assert (share == 1.0).all()


@given(seed=SEEDS)
@settings(max_examples=50)
def test_a_dead_hop_cuts_the_routes_that_lead_over_it(seed: int) -> None:
    network, routes, sites = routed(seed)
    slot_up = np.random.default_rng(seed).random(2 * len(network.backbone)) < 0.8
    paths = cut(routes, slot_up)
    assert paths.reach is not None and paths.routes is routes
    for pair in range(sites * sites):
        mine = routes.pair == pair
        lost = sum(
            part for slot, part in zip(routes.slot[mine], routes.part[mine], strict=True) if not slot_up[slot]
        )
        assert paths.reach.ravel()[pair] == pytest.approx(max(0.0, 1.0 - lost))
        left = paths.live.slot[paths.live.pair == pair].tolist()
        alive = [slot for slot in routes.slot[mine].tolist() if slot_up[slot]]
        assert left == (alive if lost < 1 else [])


@given(seed=SEEDS)
@settings(max_examples=15)
def test_queues_add_up_along_the_way_there_and_back(seed: int) -> None:
    network, routes, sites = routed(seed)
    rng, count = np.random.default_rng(seed), len(network.backbone)
    capacity, buffer_s = rng.uniform(1e6, 1e7, count), 0.05 * (rng.random(count) < 0.7)
    load = rng.uniform(0, 1.3, (2, count, 3)) * capacity[:, None]
    found = waiting(routes, load, capacity, buffer_s=buffer_s)
    busy = (load > 0.5 * capacity[:, None]) & (buffer_s > 0)[:, None]
    if found is None:
        assert not busy.any()
        return
    for column in range(3):
        for i in range(sites):
            for j in range(sites):
                seconds = 0.0
                there_and_back = (routes.pair == i * sites + j) | (routes.pair == j * sites + i)
                for slot, part in zip(routes.slot[there_and_back], routes.part[there_and_back], strict=True):
                    way, link = divmod(int(slot), count)
                    if busy[way, link, column]:
                        rho = np.array([load[way, link, column] / capacity[link]])
                        each = queueing_delay(
                            rho, capacity[link : link + 1], buffer_s=buffer_s[link : link + 1]
                        )
                        seconds += part * float(each[0])
                assert found[i, j, column] == pytest.approx(seconds, rel=1e-9, abs=1e-15)


def test_links_without_a_buffer_and_idle_ones_make_nobody_wait() -> None:
    network, routes, _ = routed(3)
    capacity = np.full(len(network.backbone), 1e9)
    for load, buffer_s in ((2e9, 0.0), (0.5e9, 1.0)):
        loads = np.full((2, len(capacity), 1), load)
        assert waiting(routes, loads, capacity, buffer_s=np.full(len(capacity), buffer_s)) is None
