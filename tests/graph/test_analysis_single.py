"""Cuts, single points and common causes: against packed sweeps, recursion and networkx dominators."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.graph.analysis_single import (
    CommonCause,
    all_single_points,
    common_causes,
    single_cuts,
    single_points_of_failure,
)
from twin.graph.dependency import dependency_graph, shared_fates, what_is_lost
from twin.graph.sweep import sweep_of
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.network import Link


@settings(max_examples=60)
@given(data=st.data())
def test_cuts_are_what_a_packed_sweep_of_every_single_loss_shows(
    data: st.DataObject, random_fleets: st.SearchStrategy[Fleet]
) -> None:
    fleet = data.draw(random_fleets)
    sweep = sweep_of(fleet)
    losses = [*sweep.nodes_of, *(fate for fate in shared_fates(fleet) if fate not in sweep.nodes_of)]
    lost = [
        (name,)
        if ":" in name and not name.startswith("srlg:") or "@" in name
        else what_is_lost(fleet, [name])
        for name in losses
    ]
    survives = sweep.after([[n for n in names if n in sweep.nodes_of] for names in lost], sweep.names)
    alive = sweep.without(())
    cuts = single_cuts(fleet, sweep)
    for node, name in enumerate(sweep.names):
        expected = {loss for i, loss in enumerate(losses) if not survives[i, node]} if alive[node] else set()
        assert cuts[node] == expected, name


@settings(max_examples=60)
@given(data=st.data())
def test_single_points_are_what_recursion_over_the_fleet_finds(
    data: st.DataObject,
    random_fleets: st.SearchStrategy[Fleet],
    naive_up: Callable[[Fleet, set[str]], dict[str, bool]],
) -> None:
    fleet = data.draw(random_fleets)
    service = data.draw(st.sampled_from(fleet.services)).name
    answer = single_points_of_failure(fleet, service)
    assert answer.down == (not naive_up(fleet, set())[service])
    if not answer.down:
        losses = [*fleet.things, *(fate for fate in shared_fates(fleet) if ":" in fate)]
        expected = {
            loss
            for loss in losses
            if loss != service and not naive_up(fleet, set(what_is_lost(fleet, [loss])))[service]
        }
        assert {name for names in answer.points.values() for name in names} == expected


@settings(max_examples=60)
@given(data=st.data())
def test_single_points_are_dominators_where_every_node_needs_one_parent(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 10))
    edges = [
        (i, parent)
        for i in range(1, size)
        for parent in data.draw(st.sets(st.integers(0, i - 1), min_size=1))
    ]
    units = [
        {
            "name": f"u{i}",
            "kind": "panel" if i else "utility",
            "site": "s",
            "rated_va": 1.0,
            "fed_by": [f"u{p}" for c, p in edges if c == i],
        }
        for i in range(size)
    ]
    fleet = Fleet(
        fleet="f", regions=({"name": "r"},), sites=({"name": "s", "region": "r"},), power_units=tuple(units)
    )
    sweep = sweep_of(fleet)
    cuts = single_cuts(fleet, sweep)
    dominator = nx.immediate_dominators(nx.DiGraph((f"u{p}", f"u{c}") for c, p in edges), "u0")
    for i in range(1, size):
        name = f"u{i}"
        above = {name}
        while name != "u0":
            name = dominator[name]
            above.add(name)
        assert cuts[sweep.index[f"u{i}"]] - {"s", "r"} == above


def test_a_service_on_two_sites_hangs_on_what_its_callee_hangs_on(two_sites: Fleet) -> None:
    shop = single_points_of_failure(two_sites, "shop")
    assert shop.points == {
        "regions": ("eu",),
        "sites": ("ams",),
        "power_units": ("ams-panel-a", "ams-ups-a", "ams-ats"),
        "racks": ("ams-r4",),
        "switches": ("ams-border",),
        "links": ("srlg:ams-tray",),
        "server_groups": ("ams-g4",),
        "storage": ("db-data",),
        "services": ("db",),
    }
    assert shop.count == 11 and not shop.down
    assert single_points_of_failure(two_sites, "service:news").points == {"regions": ("eu",)}


def test_all_single_points_are_each_one(two_sites: Fleet) -> None:
    assert [row.service for row in all_single_points(two_sites)] == ["shop", "news", "db"]
    assert all(
        row == single_points_of_failure(two_sites, row.service) for row in all_single_points(two_sites)
    )


def test_an_unknown_service_is_refused(two_sites: Fleet) -> None:
    with pytest.raises(UsageError, match="no service called 'shp' .did you mean 'shop'"):
        single_points_of_failure(two_sites, "shp")


def test_feeds_that_meet_at_one_transfer_switch_are_a_common_cause(two_sites: Fleet) -> None:
    causes = common_causes(two_sites)
    racks = {(row.requirement, row.things): row.causes for row in causes if row.kind == "racks"}
    for site in ("ams", "fra"):
        rows = tuple(f"{site}-r{i}" for i in range(1, 5))
        assert racks.pop(("power", rows[:3])) == (f"{site}-ats",)
        assert racks.pop(("network", rows)) == (f"{site}-border", f"srlg:{site}-tray")
    assert not racks
    copies = [row for row in causes if row.kind == "storage"]
    assert copies[0].things == ("db-data",) and {"ams-ats", "ams-border", "ams"} <= set(copies[0].causes)
    assert not [row for row in causes if row.kind == "power_units"]


def test_backbone_links_in_one_duct_are_a_common_cause(two_sites: Fleet) -> None:
    links = two_sites.links[:-1]
    ducts = (("d1", "d2"), ("d2", "d3"))
    backbone = tuple(
        Link(name=f"bb-{i}", a="ams-border", b="fra-border", capacity_bps=1e9, srlg=ducts[i]) for i in (0, 1)
    )
    rows = [
        row
        for row in common_causes(two_sites.model_copy(update={"links": links + backbone}))
        if row.kind == "sites"
    ]
    assert rows == [CommonCause("sites", "backbone", ("srlg:d2",), ("ams", "fra"))]


@settings(max_examples=60)
@given(data=st.data())
def test_a_common_cause_leaves_too_little_of_something_redundant(
    data: st.DataObject, random_fleets: st.SearchStrategy[Fleet]
) -> None:
    fleet = data.draw(random_fleets)
    sweep = sweep_of(fleet)
    graph = dependency_graph(fleet)
    for row in common_causes(fleet, sweep=sweep):
        for thing in row.things if row.kind != "sites" else ():
            node = f"{thing}#{row.requirement}" if f"{thing}#{row.requirement}" in graph else thing
            assert len(graph[node]) > graph.nodes[node]["needs"]
            for cause in row.causes:
                up = sweep.without([n for n in what_is_lost(fleet, [cause]) if n in sweep.nodes_of])
                assert not up[sweep.index[node]]
