"""Families of failure domains against the dependency graph: a rack is in the domain of a unit if it goes dark with it."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from solvers.domains import families_of
from tests.solvers.capacity_fleets import small
from twin.graph.dependency import dependency_graph
from twin.model.errors import UsageError
from twin.model.fleet import Fleet


def dark_without(fleet: Fleet, unit: str) -> set[str]:
    """Return the racks without power when a unit is gone, by sweeping the dependency graph: k of n parents, from the top."""
    graph = dependency_graph(fleet)
    up: dict[str, bool] = {}
    for node in reversed(list(nx.topological_sort(graph))):
        parents = sum(up[parent] for parent in graph.successors(node))
        up[node] = node != unit and parents >= graph.nodes[node]["needs"]
    return {rack.name for rack in fleet.racks if not up[f"{rack.name}#power"]}


@pytest.mark.parametrize("kind", ["utility", "generator", "ats", "ups", "panel", "switchboard"])
def test_racks_are_in_the_domains_of_the_units_that_darken_them(kind: str) -> None:
    fleet = small()
    found = families_of(fleet, [kind])
    mine: dict[str, set[str]] = {}
    for domains, of_rack in found.values():
        for rack, domain in zip(fleet.racks, of_rack, strict=True):
            if domain >= 0:
                mine.setdefault(domains[domain], set()).add(rack.name)
    units = [unit.name for unit in fleet.power_units if unit.kind == kind]
    assert mine == {unit: dark for unit in units if (dark := dark_without(fleet, unit))}
    assert (kind == "panel") == ("panel (2)" in found)  # panel d hangs below panel a


def test_places_are_domains_too() -> None:
    fleet = small()
    found = families_of(fleet, ["rack", "row", "site"])
    assert [len(domains) for domains, _ in found.values()] == [20, 4, 2]
    assert found["row"][0] == ("s1/row1", "s1/row2", "s2/row1", "s2/row2")
    for (domains, of_rack), at in zip(found.values(), ("name", "row", "site"), strict=True):
        assert all(
            domains[d].endswith(getattr(rack, at)) for d, rack in zip(of_rack, fleet.racks, strict=True)
        )


def test_a_family_without_racks_has_no_domains() -> None:
    domains, of_rack = families_of(small(), ["generator"])["generator"]
    assert domains == () and np.array_equal(of_rack, np.full(20, -1))


def test_unknown_families_are_refused_all_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        families_of(small(), ["racks", "site", "galaxy"])
    assert "'racks' (did you mean 'rack'?" in str(caught.value) and "'galaxy' (one of rack, row" in str(
        caught.value
    )
