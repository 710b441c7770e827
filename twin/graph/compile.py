"""Compile a fleet into contiguous arrays, once, for every run that is played on it.

Index vocabulary: `unit`, `plant`, `rack`, `switch`, `link`, `group`, `type`, `site`, `region`, `service`,
`reservation`; `rs` is a (reservation, site) pair, `bucket` a (reservation, site, type) triple. Sites are ordered by
region, groups by rack, services so that callers come before callees. Shapes: U units, R racks, K services, S sites,
G regions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from twin.graph.compile_cooling import CoolingArrays, compile_cooling
from twin.graph.compile_demand import DemandArrays, compile_demand
from twin.graph.compile_physics import Physics, compile_physics
from twin.graph.compile_stress import StressArrays, compile_stress
from twin.graph.compile_traffic import TrafficArrays, compile_traffic
from twin.graph.levels import Bools, Floats, Ints, Levels, build_levels, floats, ints
from twin.model.fleet import Fleet
from twin.model.power import SOURCES
from twin.model.servers import ServerType

CURVE_CELLS = 100


@dataclass(frozen=True)
class PowerArrays:
    """The power chain: nodes are racks, plants, switches with feeds of their own, and units.

    `open_edge` tells which edges of `levels` stand open from the start: feeds that are laid and not closed.
    """

    levels: Levels
    open_edge: Bools
    unit_node: Ints
    bare: Ints
    rack_node: Ints
    plant_node: Ints
    switch_node: Ints
    rated_va: Floats
    limit_va: Floats
    loss: Floats
    is_source: Bools
    unit_site: Ints
    switch_w: Floats
    plant_site: Ints
    plant_tan_phi: Floats


@dataclass(frozen=True)
class NetworkArrays:
    """The fabric as a feed graph (racks and switches; borders are its roots) and the backbone between sites.

    `link_buffer_s` is 0 where a link declares no buffer, `convergence_s` where routers know at once, `fail_static_s` where
    they forward for ever without a control plane.
    """

    levels: Levels
    rack_node: Ints
    switch_node: Ints
    edge_link: Ints
    inner_edge: Ints
    inner_link: Ints
    link_child: Ints
    isolated: Ints
    rack_has_switch: Bools
    switch_site: Ints
    switch_is_border: Bools
    switch_capacity_bps: Floats
    switch_controllers: Ints
    switch_rack_start: Ints
    switch_racks: Ints
    link_capacity_bps: Floats
    link_latency_s: Floats
    link_buffer_s: Floats
    link_site: Ints
    backbone: Ints
    backbone_a: Ints
    backbone_b: Ints
    convergence_s: float
    fail_static_s: float


@dataclass(frozen=True)
class ServerArrays:
    """Groups, sorted by rack, and the power of their types tabulated at whole percents `[T, 101]`."""

    group_rack: Ints
    group_type: Ints
    group_rs: Ints
    group_bucket: Ints
    group_count: Ints
    rack_starts: Ints
    rack_of_run: Ints
    rs_reservation: Ints
    rs_site: Ints
    bucket_rs: Ints
    bucket_type: Ints
    group_rru: Floats
    bucket_rru: Floats
    type_watts: Floats
    type_off_w: Floats
    type_tan_phi: Floats
    type_linear: Floats
    type_random: Floats
    type_cost_per_s: Floats
    type_embodied_per_s: Floats


@dataclass(frozen=True)
class ServiceArrays:
    """Services `[K]`, their deployments `[K, S]` and calls (edges sorted by callee)."""

    reservation: Ints
    slots: Ints
    service_time_s: Floats
    replica_rru: Floats
    max_wait_s: Floats
    retries: Ints
    retry_budget: Floats
    failover_s: Floats
    slo_error: Floats
    slo_p99_s: Floats
    request_bytes: Floats
    regional: Bools
    storage: Ints
    tier: Ints
    replicas: Floats
    weight: Floats
    rs: Ints
    rs_order: Ints
    rs_starts: Ints
    level_starts: Ints
    edge_caller: Ints
    edge_callee: Ints
    edge_calls: Floats


@dataclass(frozen=True)
class Compiled:
    """A fleet as arrays. `names` maps a kind to its names in index order, `index` a name to its index."""

    name: str
    names: dict[str, tuple[str, ...]]
    index: dict[str, dict[str, int]]
    power: PowerArrays
    network: NetworkArrays
    servers: ServerArrays
    services: ServiceArrays
    demand: DemandArrays
    traffic: TrafficArrays
    physics: Physics
    stress: StressArrays
    cooling: CoolingArrays
    rack_site: Ints
    site_region: Ints
    region_starts: Ints
    storage_quorum: Ints
    storage_starts: Ints
    storage_racks: Ints


def compile_fleet(fleet: Fleet, *, start: datetime) -> Compiled:
    """Compile `fleet` for a run whose time zero is `start`. Cost: one pass over the fleet plus sorting."""
    names = _names(fleet)
    index = {kind: {name: i for i, name in enumerate(rows)} for kind, rows in names.items()}
    sites = {site.name: site for site in fleet.sites}
    site_region = np.array([index["regions"][sites[s].region] for s in names["sites"]], dtype=np.int64)
    region_starts = np.searchsorted(site_region, np.arange(len(names["regions"])))
    racks = [index["racks"][r] for storage in fleet.storage for r in storage.racks]
    return Compiled(
        name=fleet.name,
        names=names,
        index=index,
        power=_power(fleet, names, index),
        network=_network(fleet, names, index),
        servers=_servers(fleet, names, index),
        services=_services(fleet, names, index),
        demand=compile_demand(fleet, names, index, start=start),
        traffic=compile_traffic(fleet, index, start=start),
        physics=compile_physics(fleet),
        stress=compile_stress(fleet, names),
        cooling=compile_cooling(fleet, index),
        rack_site=ints(index["sites"][rack.site] for rack in fleet.racks),
        site_region=site_region,
        region_starts=region_starts,
        storage_quorum=ints(storage.quorum for storage in fleet.storage),
        storage_starts=np.r_[0, np.cumsum([len(s.racks) for s in fleet.storage])].astype(np.int64)[:-1],
        storage_racks=ints(racks),
    )


def _names(fleet: Fleet) -> dict[str, tuple[str, ...]]:
    """Names per kind in index order: sites by region (regions without a site last), groups by rack, callers before callees."""
    used = {site.region for site in fleet.sites}
    regions = sorted((region.name for region in fleet.regions), key=lambda name: name not in used)
    rank = {name: i for i, name in enumerate(regions)}
    rack = {row.name: i for i, row in enumerate(fleet.racks)}
    level = _call_levels(fleet)
    names = {
        kind: tuple(row.name for row in fleet.rows(kind))
        for kind in (
            "power_units",
            "cooling_plants",
            "racks",
            "switches",
            "links",
            "server_types",
            "reservations",
            "storage",
            "series",
        )
    }
    names["regions"] = tuple(regions)
    names["sites"] = tuple(s.name for s in sorted(fleet.sites, key=lambda site: rank[site.region]))
    names["server_groups"] = tuple(
        g.name for g in sorted(fleet.server_groups, key=lambda group: rack[group.rack])
    )
    names["unit_kind"] = tuple(unit.kind for unit in fleet.power_units)
    names["services"] = tuple(s.name for s in sorted(fleet.services, key=lambda service: level[service.name]))
    return names


def _call_levels(fleet: Fleet) -> dict[str, int]:
    """Longest chain of calls that ends at each service."""
    level = {service.name: 0 for service in fleet.services}
    for _ in fleet.services:
        moved = False
        for service in fleet.services:
            for callee in service.callees:
                if level[callee] <= level[service.name]:
                    level[callee], moved = level[service.name] + 1, True
        if not moved:
            break
    return level


def _power(fleet: Fleet, names: dict[str, tuple[str, ...]], index: dict[str, dict[str, int]]) -> PowerArrays:
    fed_switches = [i for i, switch in enumerate(fleet.switches) if switch.fed_by]
    racks, plants = len(fleet.racks), len(fleet.cooling_plants)
    first_unit = racks + plants + len(fed_switches)
    total = first_unit + len(fleet.power_units)
    rows: list[Any] = [
        *fleet.racks,
        *fleet.cooling_plants,
        *(fleet.switches[i] for i in fed_switches),
        *fleet.power_units,
    ]
    edges: list[tuple[int, int, float]] = []
    for child, row in enumerate(rows):
        shares = getattr(row, "shares", ()) or [1.0 / max(1, len(row.fed_by))] * len(row.fed_by)
        edges += [
            (child, first_unit + index["power_units"][feed], share)
            for feed, share in zip(row.fed_by, shares, strict=True)
        ]
    spare = [
        (child, first_unit + index["power_units"][feed], share)
        for child, rack in enumerate(fleet.racks)
        for feed, share in zip(rack.open_feeds, rack.spare_shares, strict=True)
    ]
    standby = np.array([getattr(row, "feed_mode", "shared") == "standby" for row in rows], dtype=bool)
    levels, number = build_levels(
        total, [*edges, *spare], standby, ints(getattr(row, "needs", 1) for row in rows)
    )
    opened = {(int(number[child]), int(number[parent])) for child, parent, _ in spare}
    switch_node = np.full(len(fleet.switches), -1, dtype=np.int64)
    switch_node[fed_switches] = number[racks + plants : first_unit]
    units = fleet.power_units
    loss = np.zeros((3, total))
    loss[:, number[first_unit:]] = (
        np.array([[u.loss_fixed, u.loss_linear, u.loss_square] for u in units]).reshape(-1, 3).T
    )
    rated = np.ones(total)
    rated[number[first_unit:]] = [u.rated_va for u in units]
    return PowerArrays(
        levels=levels,
        open_edge=np.array(
            [edge in opened for edge in zip(levels.child.tolist(), levels.parent.tolist(), strict=True)]
            if opened
            else np.zeros(len(levels.child)),
            dtype=bool,
        ),
        unit_node=number[first_unit:],
        bare=_bare(levels, number[first_unit:]),
        rack_node=number[:racks],
        plant_node=number[racks : racks + plants],
        switch_node=switch_node,
        rated_va=rated,
        limit_va=floats(u.rated_va * u.continuous for u in units),
        loss=loss,
        is_source=np.array([u.kind in SOURCES for u in units], dtype=bool),
        unit_site=ints(index["sites"][u.site] for u in units),
        switch_w=floats(s.power_w for s in fleet.switches),
        plant_site=ints(index["sites"][p.site] for p in fleet.cooling_plants),
        plant_tan_phi=floats(_tan_phi(p.power_factor) for p in fleet.cooling_plants),
    )


def _bare(levels: Levels, unit_node: Ints) -> Ints:
    """Nodes of the units that nothing draws from: parents of no level, but they still have their no-load loss."""
    draws = np.bincount(levels.parent, minlength=levels.nodes)
    return unit_node[draws[unit_node] == 0]


def _network(
    fleet: Fleet, names: dict[str, tuple[str, ...]], index: dict[str, dict[str, int]]
) -> NetworkArrays:
    tiers = {"tor": 0, "fabric": 1, "border": 2}
    switches, racks = fleet.switches, len(fleet.racks)
    at = index["switches"]
    edges: list[tuple[int, int, float]] = []
    link_of: dict[tuple[int, int], list[int]] = {}
    for child, rack in enumerate(fleet.racks):
        edges += [(child, racks + at[name], 1.0) for name in rack.switches]
    backbone = []
    for i, link in enumerate(fleet.links):
        a, b = at[link.a], at[link.b]
        if switches[a].site != switches[b].site:
            backbone.append(i)
            continue
        low, high = (a, b) if tiers[switches[a].tier] < tiers[switches[b].tier] else (b, a)
        link_of.setdefault((racks + low, racks + high), []).append(i)
        edges.append((racks + low, racks + high, 1.0))
    total = racks + len(switches)
    levels, number = build_levels(total, edges, np.zeros(total, dtype=bool), np.ones(total, dtype=np.int64))
    edge_link = np.full(len(edges), -1, dtype=np.int64)
    taken = {(int(number[c]), int(number[p])): list(found) for (c, p), found in link_of.items()}
    for e, key in enumerate(zip(levels.child.tolist(), levels.parent.tolist(), strict=True)):
        if key in taken:
            edge_link[e] = taken[key].pop(0)
    uplinked = {edge[0] for edge in edges}
    isolated = [i for i, s in enumerate(switches) if s.tier != "border" and racks + i not in uplinked]
    racks_of = [[] for _ in switches]  # type: list[list[int]]
    for r, rack in enumerate(fleet.racks):
        for name in rack.switches:
            racks_of[at[name]].append(r)
    site_of = [index["sites"][s.site] for s in switches]
    return NetworkArrays(
        levels=levels,
        rack_node=number[:racks],
        switch_node=number[racks:],
        edge_link=edge_link,
        inner_edge=np.flatnonzero(edge_link >= 0),
        inner_link=edge_link[edge_link >= 0],
        link_child=_link_children(levels, edge_link, len(fleet.links)),
        isolated=ints(isolated),
        rack_has_switch=np.array([bool(rack.switches) for rack in fleet.racks], dtype=bool),
        switch_site=ints(site_of),
        switch_is_border=np.array([s.tier == "border" for s in switches], dtype=bool),
        switch_capacity_bps=floats(s.capacity_bps for s in switches),
        switch_controllers=ints(s.controllers for s in switches),
        switch_rack_start=np.r_[0, np.cumsum([len(rows) for rows in racks_of])].astype(np.int64),
        switch_racks=ints(r for rows in racks_of for r in rows),
        link_capacity_bps=floats(link.capacity_bps for link in fleet.links),
        link_latency_s=floats(link.latency_s for link in fleet.links),
        link_buffer_s=floats(link.buffer_s or 0.0 for link in fleet.links),
        link_site=ints(site_of[at[link.a]] for link in fleet.links),
        backbone=ints(backbone),
        backbone_a=ints(at[fleet.links[i].a] for i in backbone),
        backbone_b=ints(at[fleet.links[i].b] for i in backbone),
        convergence_s=fleet.convergence_s or 0.0,
        fail_static_s=fleet.fail_static_s or 0.0,
    )


def _link_children(levels: Levels, edge_link: Ints, links: int) -> Ints:
    """The lower switch's node of each link inside a site (0 for backbone links, which carry nothing of the fabric)."""
    child = np.zeros(links, dtype=np.int64)
    child[edge_link[edge_link >= 0]] = levels.child[edge_link >= 0]
    return child


def _servers(
    fleet: Fleet, names: dict[str, tuple[str, ...]], index: dict[str, dict[str, int]]
) -> ServerArrays:
    rows = {group.name: group for group in fleet.server_groups}
    groups = [rows[name] for name in names["server_groups"]]
    rack = ints(index["racks"][g.rack] for g in groups)
    site_of_rack = ints(index["sites"][r.site] for r in fleet.racks)
    kind = ints(index["server_types"][g.type] for g in groups)
    owner = ints(index["reservations"][g.owner] for g in groups)
    pair, rs = np.unique(owner * len(fleet.sites) + site_of_rack[rack], return_inverse=True)
    triple, bucket = np.unique(rs * len(fleet.server_types) + kind, return_inverse=True)
    starts = np.flatnonzero(np.r_[True, rack[1:] != rack[:-1]]) if len(rack) else np.zeros(0, dtype=np.int64)
    types = fleet.server_types
    worth = np.array([[owner.worth(kind) for kind in types] for owner in fleet.reservations])
    excursion = floats(t.peak_factor - 1.0 for t in types)
    correlation = floats(t.peak_correlation for t in types)
    return ServerArrays(
        group_rack=rack,
        group_type=kind,
        group_rs=rs.astype(np.int64),
        group_bucket=bucket.astype(np.int64),
        group_count=ints(g.count for g in groups),
        rack_starts=starts,
        rack_of_run=rack[starts],
        rs_reservation=pair // len(fleet.sites),
        rs_site=pair % len(fleet.sites),
        bucket_rs=triple // len(types),
        bucket_type=triple % len(types),
        group_rru=worth[owner, kind] if len(groups) else np.zeros(0),
        bucket_rru=worth[pair[triple // len(types)] // len(fleet.sites), triple % len(types)]
        if len(groups)
        else np.zeros(0),
        type_watts=np.array([curve_table(t) for t in types]).reshape(-1, CURVE_CELLS + 1),
        type_off_w=floats(t.off_w for t in types),
        type_tan_phi=floats(_tan_phi(t.power_factor) for t in types),
        type_linear=excursion * correlation,
        type_random=excursion * (1.0 - correlation),
        type_cost_per_s=floats(t.cost_usd / t.lifetime_s for t in types),
        type_embodied_per_s=floats(t.embodied_kg / t.lifetime_s for t in types),
    )


def curve_table(kind: ServerType) -> Floats:
    """Return the power `[W, (101,)]` of one server at 0, 1, … 100 % utilisation.

    Measured points are joined by lines (their utilisations are whole percents, so the table is exact); otherwise
    idle + (max − idle)·(2u − u^r), Fan, Weber, Barroso (ISCA 2007), tabulated.
    """
    u = np.linspace(0.0, 1.0, CURVE_CELLS + 1)
    if kind.curve:
        points = np.array(kind.curve)
        return np.interp(u, points[:, 0], points[:, 1])
    if kind.idle_w is None or kind.max_w is None:
        raise ValueError(f"server type {kind.name!r} has no power")
    return kind.idle_w + (kind.max_w - kind.idle_w) * (2.0 * u - u**kind.exponent)


def _services(
    fleet: Fleet, names: dict[str, tuple[str, ...]], index: dict[str, dict[str, int]]
) -> ServiceArrays:
    rows = {service.name: service for service in fleet.services}
    services = [rows[name] for name in names["services"]]
    at, site_at = index["services"], index["sites"]
    replicas, weight = (
        np.zeros((len(services), len(fleet.sites))),
        np.zeros((len(services), len(fleet.sites))),
    )
    for d in fleet.deployments:
        replicas[at[d.service], site_at[d.site]], weight[at[d.service], site_at[d.site]] = (
            d.replicas,
            d.weight,
        )
    level = _call_levels(fleet)
    levels = np.array([level[name] for name in names["services"]], dtype=np.int64)
    calls = sorted((at[callee], at[s.name], count) for s in services for callee, count in s.callees.items())
    reservation = ints(index["reservations"][s.reservation] for s in services)
    rs, pairs = _rs_of(fleet, names, index, reservation)
    order = np.argsort(rs.ravel(), kind="stable")
    return ServiceArrays(
        reservation=reservation,
        slots=ints(s.slots for s in services),
        service_time_s=floats(s.service_time_s for s in services),
        replica_rru=floats(s.replica_rru for s in services),
        max_wait_s=floats(s.max_wait_s for s in services),
        retries=ints(s.retries for s in services),
        retry_budget=floats(s.retry_budget for s in services),
        failover_s=floats(s.failover_s for s in services),
        slo_error=floats(1.0 - s.slo.availability for s in services),
        slo_p99_s=floats(s.slo.p99_s for s in services),
        request_bytes=floats(s.request_bytes for s in services),
        regional=np.array([s.locality == "region" for s in services], dtype=bool),
        storage=ints(-1 if s.storage is None else index["storage"][s.storage] for s in services),
        tier=ints(s.tier for s in services),
        replicas=replicas,
        weight=weight,
        rs=rs,
        rs_order=order,
        rs_starts=np.searchsorted(rs.ravel()[order], np.arange(pairs + 1)),
        level_starts=np.searchsorted(levels, np.arange(int(levels.max(initial=-1)) + 2)),
        edge_caller=ints(edge[1] for edge in calls),
        edge_callee=ints(edge[0] for edge in calls),
        edge_calls=floats(edge[2] for edge in calls),
    )


def _rs_of(
    fleet: Fleet, names: dict[str, tuple[str, ...]], index: dict[str, dict[str, int]], reservation: Ints
) -> tuple[Ints, int]:
    """(reservation, site) pair of each deployment `[K, S]` (the number of pairs where it owns nothing), and that number."""
    site = {rack.name: index["sites"][rack.site] for rack in fleet.racks}
    pairs = np.unique(
        ints(index["reservations"][g.owner] * len(fleet.sites) + site[g.rack] for g in fleet.server_groups)
    )
    wanted = reservation[:, None] * len(fleet.sites) + np.arange(len(fleet.sites))
    found = np.searchsorted(pairs, wanted)
    hit = np.append(pairs, -1)[found] == wanted
    return np.where(hit, found, len(pairs)).astype(np.int64), len(pairs)


def _tan_phi(power_factor: float) -> float:
    return float(np.tan(np.arccos(power_factor)))
