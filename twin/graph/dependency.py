"""The dependency graph: who needs whom, across power, cooling, network, racks, servers, storage and services.

A node stays up while it is not lost itself and at least `needs` of the nodes it points at are up; an edge
goes from a child to a parent that it needs. A thing that has several requirements at once (a rack needs
power: one of its feeds, *and* network: one of its switches) needs all of its *requirement nodes*, named
`rack-1#power` and `rack-1#network`; so every node is a plain k of n. What belongs to a thing goes down with
it: losing a rack loses its requirement nodes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import networkx as nx

from twin.model.errors import UsageError, did_you_mean
from twin.model.fleet import SINGULAR, Fleet
from twin.model.network import TIERS


@dataclass(frozen=True)
class Node:
    """A node of the graph: up while its own thing is not lost and `needs` of its `parents` are up.

    `kind` is the fleet's table ("racks") for things, "requirement" for requirement nodes, and for what a
    fleet implies "replicas" ("web@ams1": a service at a site) or "capacity" ("pool:web@ams1": a reservation).
    """

    name: str
    kind: str
    thing: str
    needs: int = 0
    parents: tuple[str, ...] = ()
    group: str = ""


def dependency_graph(fleet: Fleet) -> nx.DiGraph:
    """Return the dependency graph of a fleet. Cost: one pass over it; about 5 s per million edges."""
    return graph_of(nodes_of(fleet), name=fleet.name)


def graph_of(nodes: Iterable[Node], *, name: str = "") -> nx.DiGraph:
    """Return the graph of some nodes, which carry `kind`, `thing`, `label`, `needs`; edges carry `group`."""
    graph = nx.DiGraph(name=name)
    for node in nodes:
        label = node.name if node.kind != "requirement" else f"{node.group} of {node.thing}"
        graph.add_node(node.name, kind=node.kind, thing=node.thing, label=label, needs=node.needs)
        graph.add_edges_from(((node.name, parent) for parent in node.parents), group=node.group)
    return graph


def nodes_of(fleet: Fleet) -> Iterator[Node]:
    """Yield every node of the graph, in the order of the fleet's tables."""
    yield from _power(fleet)
    yield from _network(fleet)
    yield from _racks(fleet)
    yield from _servers(fleet)
    yield from _services(fleet)


def shared_fates(fleet: Fleet) -> dict[str, tuple[str, ...]]:
    """Return what goes down together, beyond single things: each site, region and shared-risk group of links.

    A shared-risk group is called "srlg:NAME". Losing a site loses its units, plants, racks and switches.
    """
    places = (row for kind in ("regions", "sites") for row in fleet.rows(kind))
    members: dict[str, list[str]] = {place.name: [] for place in places}
    region = {site.name: site.region for site in fleet.sites}
    for site in fleet.sites:
        members[site.name].append(site.name)
        members[site.region].append(site.name)
    for kind in ("power_units", "cooling_plants", "racks", "switches"):
        for row in fleet.rows(kind):
            members[row.site].append(row.name)
            members[region[row.site]].append(row.name)
    for link in fleet.links:
        for risk in link.srlg:
            members.setdefault(f"srlg:{risk}", []).append(link.name)
    return {name: tuple(rows) for name, rows in members.items()}


def what_is_lost(fleet: Fleet, names: Sequence[str]) -> tuple[str, ...]:
    """Return the things that are lost with `names`.

    A name is that of a thing, a reference ("rack:a-1"), a site, a region or "srlg:NAME"; raises UsageError
    for one that the fleet does not know.
    """
    fates = shared_fates(fleet)
    lost: dict[str, None] = {}
    for reference in names:
        name = reference if reference in fates else _thing(fleet, reference, fates)
        lost.update(dict.fromkeys(fates.get(name, (name,))))
    return tuple(lost)


def _thing(fleet: Fleet, reference: str, fates: dict[str, tuple[str, ...]]) -> str:
    try:
        _, row = fleet.find(reference)
    except KeyError:
        prefix, _, name = reference.rpartition(":")
        noun = prefix if prefix in SINGULAR.values() else "thing"
        word = reference if prefix == "srlg" else name
        hint = did_you_mean(word, [*fleet.things, *(fate for fate in fates if ":" in fate)])
        hint = hint or "name a thing of the fleet, a site, a region or srlg:NAME"
        raise UsageError(f"the fleet {fleet.name} has no {noun} called '{word}' ({hint})") from None
    return str(row.name)


def _power(fleet: Fleet) -> Iterator[Node]:
    for unit in fleet.power_units:
        needs = unit.needs if unit.fed_by else 0
        yield Node(unit.name, "power_units", unit.name, needs, unit.fed_by, "power")
    for plant in fleet.cooling_plants:
        yield Node(plant.name, "cooling_plants", plant.name, 1, plant.fed_by, "power")


def _network(fleet: Fleet) -> Iterator[Node]:
    """Border switches are the roots of reachability; other switches need a usable link to a higher tier."""
    switches = {switch.name: switch for switch in fleet.switches}
    uplinks: defaultdict[str, list[str]] = defaultdict(list)
    for link in fleet.links:
        ends = sorted((switches[link.a], switches[link.b]), key=lambda end: TIERS.index(end.tier))
        if ends[0].site == ends[1].site:
            uplinks[ends[0].name].append(link.name)
            yield Node(link.name, "links", link.name, 1, (ends[1].name,), "far end")
        else:
            yield Node(link.name, "links", link.name, 2, (link.a, link.b), "ends")
    racks: defaultdict[str, list[str]] = defaultdict(list)
    for rack in fleet.racks:
        for name in rack.switches:
            racks[name].append(f"{rack.name}#power")
    for switch in fleet.switches:
        needed = {}
        if feeds := switch.fed_by or tuple(racks[switch.name]):
            needed["power"] = (1, feeds)
        if switch.tier != "border":
            needed["network"] = (1, tuple(uplinks[switch.name]))
        yield from _all_of(needed, switch.name, "switches")


def _racks(fleet: Fleet) -> Iterator[Node]:
    for rack in fleet.racks:
        needed = {"power": (1, rack.fed_by)}
        if rack.switches:
            needed["network"] = (1, rack.switches)
        yield from _all_of(needed, rack.name, "racks")


def _servers(fleet: Fleet) -> Iterator[Node]:
    racks: defaultdict[str, list[str]] = defaultdict(list)
    for rack in fleet.racks:
        racks[rack.site].append(rack.name)
    for site in fleet.sites:
        needs = 1 if racks[site.name] else 0
        yield Node(site.name, "sites", site.name, needs, tuple(racks[site.name]), "racks")
    for group in fleet.server_groups:
        yield Node(group.name, "server_groups", group.name, 1, (group.rack,), "rack")
    for storage in fleet.storage:
        yield Node(storage.name, "storage", storage.name, storage.quorum, storage.racks, "copies")


def _services(fleet: Fleet) -> Iterator[Node]:
    """A service needs one of its sites, its storage, its callees; at a site, one group of its reservation."""
    reservation = {service.name: service.reservation for service in fleet.services}
    wanted = {(reservation[d.service], d.site): None for d in fleet.deployments if d.replicas}
    owned: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    site_of_rack = {rack.name: rack.site for rack in fleet.racks}
    for group in fleet.server_groups:
        if group.count:
            owned[group.owner, site_of_rack[group.rack]].append(group.name)
    for owner, site in wanted:
        pool = f"pool:{owner}@{site}"
        yield Node(pool, "capacity", pool, 1, tuple(owned[owner, site]), "servers")
    sites: defaultdict[str, list[str]] = defaultdict(list)
    for d in fleet.deployments:
        if d.replicas:
            at_site, pool = f"{d.service}@{d.site}", f"pool:{reservation[d.service]}@{d.site}"
            yield Node(at_site, "replicas", at_site, 1, (pool,), "capacity")
            if d.weight > 0:
                sites[d.service].append(at_site)
    for service in fleet.services:
        needed = {"sites": (1, tuple(sites[service.name]))}
        if service.storage:
            needed["storage"] = (1, (service.storage,))
        if service.callees:
            needed["calls"] = (len(service.callees), tuple(service.callees))
        yield from _all_of(needed, service.name, "services")


def _all_of(needed: dict[str, tuple[int, tuple[str, ...]]], name: str, kind: str) -> Iterator[Node]:
    """Yield a thing that needs all of its requirements, each of them `needs` of some parents."""
    if len(needed) == 1:
        [(group, (needs, parents))] = needed.items()
        yield Node(name, kind, name, needs, parents, group)
        return
    for group, (needs, parents) in needed.items():
        yield Node(f"{name}#{group}", "requirement", name, needs, parents, group)
    yield Node(name, kind, name, len(needed), tuple(f"{name}#{group}" for group in needed), "all")
