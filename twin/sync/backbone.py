"""From a backbone to a fleet: a site per vertex, a link per edge, traffic as services called from afar.

What crosses the backbone from i to j is a service `to-j` that stands at site j only and that the users of
site i's region call: one request is one megabit, so that requests per second are Mbit/s. Each site gets the
least that makes it stand: utility and generator, two UPS, one rack with servers, a cooling plant. All of
that is *assumed*.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace

from twin.model.errors import UsageError
from twin.model.fleet import Fleet, Region, Site
from twin.model.network import Link, Switch
from twin.model.power import CoolingPlant, PowerUnit, Rack
from twin.model.series import Note
from twin.model.servers import Reservation, ServerGroup
from twin.model.services import Demand, Deployment, Service, Slo
from twin.sync.account import Account, Imported
from twin.sync.backbone_examples import backbone_examples
from twin.sync.hardware import GIB, Machine, server_type
from twin.sync.options import Options
from twin.sync.plant import LOADED, standard_size
from twin.sync.surroundings import Surroundings
from twin.sync.topology import MAX_BPS, Topology, busiest, with_latency

REQUEST_BITS = 1e6
SLOTS = 16
SERVICE_TIME_S = 1e-3
UTILISATION = 0.5
OWNER = "relay"
SERVER = server_type("relay-64c-256g", Machine(64, 256 * GIB, 0, ""), rru=64.0)
MIN_SERVERS = 2
HALF_FULL = 0.5
RACK_U = 42


@dataclass(frozen=True)
class _Place:
    """A site in the making: its number of replicas and servers, and the traffic that ends there."""

    name: str
    replicas: int
    servers: int
    inbound_bps: float

    @property
    def users(self) -> str:
        return f"{self.name}-users"


def build_backbone(
    topology: Topology, around: Surroundings, *, options: Options, account: Account
) -> Imported:
    """Return the fleet of a backbone, its account and its examples."""
    topology = with_latency(topology, account)
    topology = _scaled(topology, options.scale, account)
    places = _places(topology)
    _tell(places, account)
    declared = tuple(
        Note(of=of, is_="declared", source=topology.source)
        for of in (
            "links.*--*.capacity_bps",
            "links.*--*.a",
            "links.*--*.b",
            "sites.*.latitude",
            "sites.*.longitude",
            "demand.*.rate_per_s",
        )
    )
    fleet = Fleet(
        fleet=topology.name,
        as_of=options.start,
        description=f"Backbone {topology.name} of {topology.source}; its sites by rule.",
        provenance=(
            Note(of="*", is_="assumed", source="layout rule of the importer (twin/sync/README.md)"),
            *declared,
            *around.notes,
        ),
        regions=tuple(
            Region(name=place.users, **_where(topology, i), **around.region) for i, place in enumerate(places)
        ),
        sites=tuple(
            Site(name=place.name, region=place.users, **_where(topology, i), **around.site)
            for i, place in enumerate(places)
        ),
        power_units=tuple(unit for place in places for unit in _units(place)),
        cooling_plants=tuple(_plant(place) for place in places),
        racks=tuple(_rack(place) for place in places),
        switches=tuple(switch for place in places for switch in _switches(place, topology)),
        links=(*_links(topology, places), *(_uplink(place) for place in places)),
        server_types=(SERVER,),
        reservations=(Reservation(name=OWNER),),
        server_groups=tuple(
            ServerGroup(
                name=f"{place.name}-servers",
                rack=f"{place.name}-rack",
                type=SERVER.name,
                owner=OWNER,
                count=place.servers,
            )
            for place in places
        ),
        **_workload(topology, places),
        series=around.series,
    )
    return Imported(fleet, account, *backbone_examples(fleet))


def _places(topology: Topology) -> list[_Place]:
    inbound: defaultdict[int, float] = defaultdict(float)
    for (_, end), rate_bps in topology.traffic_bps.items():
        inbound[end] += rate_bps
    per_replica_bps = UTILISATION * SLOTS / SERVICE_TIME_S * REQUEST_BITS
    places = []
    for index, vertex in enumerate(topology.vertices):
        replicas = math.ceil(inbound[index] / per_replica_bps)
        servers = max(MIN_SERVERS, math.ceil(2 * replicas / SERVER.rru))
        places.append(_Place(vertex.name, replicas, servers, inbound[index]))
    return places


def _where(topology: Topology, index: int) -> dict[str, float]:
    place = topology.vertices[index].place
    return {} if place is None else {"latitude": place[0], "longitude": place[1]}


def _units(place: _Place) -> list[PowerUnit]:
    """Utility and generator into a transfer switch, and two UPS behind it that each carry the site."""
    site = place.name
    it_va = place.servers * (SERVER.max_w or 0.0) * SERVER.peak_factor / SERVER.power_factor + 1000.0
    ups_va, site_va = standard_size(it_va / LOADED), standard_size(1.6 * it_va / LOADED)
    return [
        PowerUnit(name=f"{site}-utility", kind="utility", site=site, rated_va=site_va),
        PowerUnit(name=f"{site}-gen", kind="generator", site=site, rated_va=site_va),
        PowerUnit(
            name=f"{site}-ats",
            kind="ats",
            site=site,
            rated_va=site_va,
            fed_by=(f"{site}-utility", f"{site}-gen"),
            feed_mode="standby",
        ),
        *(
            PowerUnit(
                name=f"{site}-ups-{side}",
                kind="ups",
                site=site,
                rated_va=ups_va,
                fed_by=(f"{site}-ats",),
                loss_fixed=0.01,
                loss_linear=0.015,
                loss_square=0.01,
            )
            for side in "ab"
        ),
    ]


def _plant(place: _Place) -> CoolingPlant:
    heat_w = place.servers * (SERVER.max_w or 0.0) + 1000.0
    return CoolingPlant(
        name=f"{place.name}-chiller",
        site=place.name,
        fed_by=(f"{place.name}-ats",),
        rated_heat_w=standard_size(heat_w / LOADED),
    )


def _rack(place: _Place) -> Rack:
    return Rack(
        name=f"{place.name}-rack",
        site=place.name,
        row=f"{place.name}-row",
        switches=(f"{place.name}-tor",),
        fed_by=(f"{place.name}-ups-a", f"{place.name}-ups-b"),
        space_u=max(RACK_U, place.servers),
    )


def _switches(place: _Place, topology: Topology) -> list[Switch]:
    feeds = (f"{place.name}-ups-a", f"{place.name}-ups-b")
    widest_bps = max((edge.capacity_bps for edge in topology.edges), default=1e12)
    return [
        Switch(
            name=f"{place.name}-border",
            site=place.name,
            tier="border",
            capacity_bps=max(1e12, 16 * widest_bps),
            fed_by=feeds,
            power_w=500.0,
        ),
        Switch(
            name=f"{place.name}-tor",
            site=place.name,
            tier="tor",
            capacity_bps=2 * _uplink_bps(place),
            power_w=150.0,
        ),
    ]


def _uplink_bps(place: _Place) -> float:
    return standard_size(max(100e9, 2 * place.inbound_bps))


def _uplink(place: _Place) -> Link:
    return Link(
        name=f"{place.name}-uplink",
        a=f"{place.name}-tor",
        b=f"{place.name}-border",
        capacity_bps=_uplink_bps(place),
        latency_s=2e-6,
    )


def _links(topology: Topology, places: list[_Place]) -> list[Link]:
    """Name links by their ends; parallel ones get a number and share one duct, as the files know none."""
    ends = [tuple(sorted((places[edge.a].name, places[edge.b].name))) for edge in topology.edges]
    seen: defaultdict[tuple[str, ...], int] = defaultdict(int)
    links = []
    for edge, pair in zip(topology.edges, ends, strict=True):
        seen[pair] += 1
        name = "--".join(pair)
        links.append(
            Link(
                name=name if seen[pair] == 1 else f"{name}-{seen[pair]}",
                a=f"{places[edge.a].name}-border",
                b=f"{places[edge.b].name}-border",
                capacity_bps=edge.capacity_bps,
                latency_s=edge.latency_s or 0.0,
                **({"srlg": (f"duct-{name}",)} if ends.count(pair) > 1 else {}),
            )
        )
    return links


def _workload(topology: Topology, places: list[_Place]) -> dict[str, tuple[object, ...]]:
    ending = [place for place in places if place.replicas]
    services = tuple(
        Service(
            name=f"to-{place.name}",
            tier=1,
            reservation=OWNER,
            slots=SLOTS,
            service_time_s=SERVICE_TIME_S,
            slo=Slo(availability=0.999, p99_s=0.5),
            target_utilisation=UTILISATION,
            request_bytes=REQUEST_BITS / 8,
        )
        for place in ending
    )
    deployments = tuple(
        Deployment(service=f"to-{place.name}", site=place.name, replicas=place.replicas) for place in ending
    )
    demand = tuple(
        Demand(
            service=f"to-{places[end].name}", region=places[start].users, rate_per_s=rate_bps / REQUEST_BITS
        )
        for (start, end), rate_bps in sorted(topology.traffic_bps.items())
    )
    return {"services": services, "deployments": deployments, "demand": demand}


def _scaled(topology: Topology, scale: float | None, account: Account) -> Topology:
    """Return the topology with its traffic scaled as chosen, else so that no link is above capacity."""
    found = busiest(topology)
    if found is None:
        return topology
    load, a, b = found
    if scale is None:
        scale = 1.0 if load <= 1 else HALF_FULL / load
        why = "the demands would fill a link more than once" if load > 1 else "the demands fit"
        account.inferred(
            float(f"{scale:.4g}"), "is the factor on all demands", f"{why} (--scale chooses another)"
        )
    else:
        account.assumed(scale, "is the factor on all demands", "as chosen")
    ends = f"{topology.vertices[a].name} -> {topology.vertices[b].name}"
    account.inferred(
        float(f"{load * scale:.4g}"), "x its capacity: the fullest link", f"{ends}, on fastest paths"
    )
    traffic_bps = {pair: rate_bps * scale for pair, rate_bps in topology.traffic_bps.items()}
    if sum(traffic_bps.values()) > 10 * MAX_BPS:
        raise UsageError(f"--scale {scale:g} makes {sum(traffic_bps.values()):.3g} bit/s of traffic")
    account.inferred(sum(traffic_bps.values()) / 1e6, "Mbit/s of traffic", "one request is one megabit")
    return replace(topology, traffic_bps=traffic_bps)


def _tell(places: list[_Place], account: Account) -> None:
    account.assumed(
        len(places), "sites", "utility, generator, two UPS, a rack and a cooling plant: the least that stands"
    )
    account.assumed(
        sum(place.servers for place in places), "servers", "twice what inbound traffic keeps half busy"
    )
