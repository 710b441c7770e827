"""The dependency graph says what the fleet's rules say."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.graph.dependency import dependency_graph, shared_fates, what_is_lost
from twin.graph.sweep import sweep_of
from twin.model.errors import UsageError
from twin.model.fleet import Fleet


@given(data=st.data())
def test_losses_take_down_what_plain_recursion_over_the_fleet_says(
    data: st.DataObject,
    random_fleets: st.SearchStrategy[Fleet],
    naive_up: Callable[[Fleet, set[str]], dict[str, bool]],
) -> None:
    fleet = data.draw(random_fleets)
    things = [name for name in fleet.things if name != "r"]
    lost = data.draw(st.sets(st.sampled_from(things), max_size=4))
    sweep = sweep_of(fleet)
    up = dict(zip(sweep.names, sweep.without(lost).tolist(), strict=True))
    expected = naive_up(fleet, lost)
    assert {name: up[name] for name in expected} == expected


def test_every_thing_is_a_node_and_says_what_it_is(two_sites: Fleet) -> None:
    graph = dependency_graph(two_sites)
    assert nx.is_directed_acyclic_graph(graph)
    for name, (kind, _) in two_sites.things.items():
        if kind != "regions":
            assert graph.nodes[name]["kind"] == kind and graph.nodes[name]["thing"] == name


def test_a_rack_needs_power_and_network(two_sites: Fleet) -> None:
    graph = dependency_graph(two_sites)
    assert graph.nodes["ams-r1"]["needs"] == 2
    assert set(graph["ams-r1"]) == {"ams-r1#power", "ams-r1#network"}
    assert {above: row["group"] for above, row in graph["ams-r1#power"].items()} == {
        "ams-panel-a": "power",
        "ams-panel-b": "power",
    }
    assert graph.nodes["ams-r1#power"]["needs"] == 1
    assert graph.nodes["ams-r1#power"]["label"] == "power of ams-r1"


def test_a_top_of_rack_switch_without_feeds_depends_on_the_power_of_its_racks(two_sites: Fleet) -> None:
    graph = dependency_graph(two_sites)
    assert set(graph["ams-tor-1#power"]) == {f"ams-r{i}#power" for i in range(1, 5)}


def test_a_site_is_lost_with_all_that_stands_there(two_sites: Fleet) -> None:
    lost = what_is_lost(two_sites, ["site:ams"])
    assert set(lost) == {
        name for name, (kind, row) in two_sites.things.items() if getattr(row, "site", None) == "ams"
    } | {"ams"}
    assert set(what_is_lost(two_sites, ["eu"])) == set(lost) | set(what_is_lost(two_sites, ["fra"]))


def test_a_shared_risk_group_is_lost_with_its_links(two_sites: Fleet) -> None:
    assert shared_fates(two_sites)["srlg:ams-tray"] == ("ams-up1", "ams-up2")
    assert what_is_lost(two_sites, ["srlg:ams-tray", "rack:ams-r1"]) == ("ams-up1", "ams-up2", "ams-r1")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ams-panl-a", "no thing called 'ams-panl-a' (did you mean 'ams-panel-a'?)"),
        ("unit:ams-panl-a", "no unit called 'ams-panl-a' (did you mean 'ams-panel-a'?)"),
        ("rack:ams-panel-a", "no rack called 'ams-panel-a'"),
        ("srlg:ams-tay", "did you mean 'srlg:ams-tray'?"),
        ("zzz", "name a thing of the fleet, a site, a region or srlg:NAME"),
        ("", "no thing called ''"),
    ],
)
def test_an_unknown_name_is_refused_with_a_proposal(two_sites: Fleet, name: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        what_is_lost(two_sites, [name])
    assert message in str(error.value)
