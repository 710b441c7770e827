"""The placement problem: who asks what when, what each site could serve, and what a request costs there.

A service's *shares* are its traffic weights over their sum, `[T, K, S]` by hour, service and site. Where its users go follows
from them by the twin's rules: a service with locality *region* keeps its users in their region while a site there takes traffic;
all else spreads by share over the sites that are connected. A *state* is what is lost: nothing, one site, or one backbone link.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from solvers.routes import Ways, find_ways
from twin.graph.analysis_chain import Chain, chiller_cop, rack_feed
from twin.graph.compile import Compiled, compile_fleet
from twin.graph.levels import Bools, Floats, Ints
from twin.model.errors import UsageError
from twin.model.fleet import Fleet, Site

HOUR_S = 3600.0


@dataclass(frozen=True)
class State:
    """A state of the plant: its words ("without ams1"), the site that is lost (-1: none), the ways that are left.

    `ingress` `[G, S]` is where users enter the backbone, `label_of_region` the part of it that they reach.
    """

    name: str
    lost: int
    ways: Ways
    able: Bools
    ingress: Floats
    label_of_region: Ints


@dataclass(frozen=True)
class PlacementProblem:
    """Arrays over T hours, K services, G regions, S sites; `calls[k, c]` is how often a request of c calls k.

    `rate` [1/s, (K, S)] is what the running replicas could serve, `demand` [1/s, (T, K, G)] what users ask, `share` is today's.
    `busy_rru` is what one request per second keeps busy, `watts` [W, (R, 101)] what the servers of reservation r draw at each
    percent of utilisation and `rru` what they offer, `of_cell` [K, S] the row of a deployment (-1: none). `overhead` [T, S] is
    facility over server power; `price` [USD/kWh, (T, S)], `carbon` [kg/kWh, (T, S)]. `own_gbps` [T, S·S] is traffic that no
    service makes, `gbit` [K] that of a request. `slack_s` [K] is what the SLO leaves above the own answer time.
    """

    start: datetime
    services: tuple[str, ...]
    sites: tuple[str, ...]
    regions: tuple[str, ...]
    links: tuple[str, ...]
    region_of: Ints
    regional: Bools
    share: Floats
    total_weight: Floats
    demand: Floats
    calls: Floats
    rate: Floats
    target: Floats
    slots: Ints
    service_time_s: Floats
    slo_s: Floats
    slack_s: Floats
    busy_rru: Floats
    rru: Floats
    watts: Floats
    of_cell: Ints
    overhead: Floats
    price: Floats
    carbon: Floats
    gbit: Floats
    own_gbps: Floats
    capacity_gbps: Floats
    states: tuple[State, ...]

    @property
    def hours(self) -> int:
        """Return how many hours are planned."""
        return len(self.demand)

    @property
    def in_region(self) -> Bools:
        """Return which site lies in which region `[G, S]`."""
        return np.equal.outer(np.arange(len(self.regions)), self.region_of)

    def with_demand(self, factor: float) -> PlacementProblem:
        """Return the same problem with all demand multiplied."""
        return replace(self, demand=self.demand * factor)


def placement_problem(fleet: Fleet, *, start: datetime, hours: int) -> PlacementProblem:
    """Read the problem off a fleet. Raises UsageError listing everything that makes it none."""
    problems = list(_unfit(fleet, hours))
    if problems:
        raise UsageError("no placement to plan: " + "; ".join(problems))
    compiled = compile_fleet(fleet, start=start)
    services, names = compiled.services, compiled.names
    times: Floats = (np.arange(hours, dtype=np.float64) + 0.5) * HOUR_S
    factors = np.stack([compiled.demand.factors(float(at)) for at in times])
    rows = {row.name: row for row in fleet.services}
    target = np.array([rows[name].target_utilisation for name in names["services"]])
    rru, watts = _reservations(compiled)
    running = _running(compiled, rru)
    total = services.weight.sum(axis=1)
    sites = len(names["sites"])
    own = compiled.traffic.during(times, factors)
    own_gbps = np.zeros((hours, sites * sites))
    np.add.at(own_gbps.T, compiled.traffic.pair, own * 1e-9)
    alone = np.array(
        [
            sojourn_p99_s(int(c), float(rho), float(s))
            for c, rho, s in zip(services.slots, target, services.service_time_s, strict=True)
        ]
    )
    price, carbon = _grid(compiled, factors)
    return PlacementProblem(
        start=start,
        services=names["services"],
        sites=names["sites"],
        regions=names["regions"],
        links=tuple(names["links"][i] for i in compiled.network.backbone),
        region_of=compiled.site_region,
        regional=services.regional,
        share=np.divide(
            services.weight, total[:, None], out=np.zeros_like(services.weight), where=total[:, None] > 0
        ),
        total_weight=total,
        demand=compiled.demand.during(times, factors),
        calls=_calls(compiled),
        rate=running * (services.slots / services.service_time_s)[:, None],
        target=target,
        slots=services.slots,
        service_time_s=services.service_time_s,
        slo_s=services.slo_p99_s,
        slack_s=services.slo_p99_s - alone,
        busy_rru=services.replica_rru * services.service_time_s / services.slots,
        rru=rru,
        watts=watts,
        of_cell=np.where(services.rs < len(rru), services.rs, -1),
        overhead=_overhead(fleet, compiled, factors),
        price=price[:, compiled.site_region],
        carbon=carbon[:, compiled.site_region],
        gbit=8e-9 * services.request_bytes,
        own_gbps=own_gbps,
        capacity_gbps=compiled.network.link_capacity_bps[compiled.network.backbone] * 1e-9,
        states=_states(compiled, running > 0),
    )


def sojourn_p99_s(slots: int, utilisation: float, service_time_s: float) -> float:
    """Return the 99th percentile of the sojourn in M/M/c, FCFS [s] (Gross and Harris, section 2.3), by bisection."""
    load = slots * utilisation
    blocking = 1.0
    for k in range(1, slots + 1):
        blocking = load * blocking / (k + load * blocking)
    wait = blocking / (1.0 - utilisation * (1.0 - blocking))
    theta = slots * (1.0 - utilisation) - 1.0

    def tail(t: float) -> float:
        second = t * np.exp(-t) if abs(theta) < 1e-7 else (np.exp(-t) - np.exp(-(1.0 + theta) * t)) / theta
        return float(np.exp(-t) + wait * second)

    low, high = 0.0, 10.0 + 10.0 / (slots * (1.0 - min(utilisation, 0.9999)))
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) > 0.01 else (low, middle)
    return high * service_time_s


def _unfit(fleet: Fleet, hours: int) -> list[str]:
    """Return what makes a fleet one without a placement to plan."""
    wrong = []
    if not 1 <= hours <= 24 * 14:
        wrong.append(f"{hours} hours (plan 1 to {24 * 14})")
    if len(fleet.sites) < 2:
        wrong.append(f"{len(fleet.sites)} site (traffic needs two to move between)")
    if not fleet.demand:
        wrong.append("nobody asks for anything: the table 'demand' is empty")
    if not fleet.server_groups:
        wrong.append("no servers: the table 'server_groups' is empty")
    return wrong


def _reservations(compiled: Compiled) -> tuple[Floats, Floats]:
    """Return what the servers of each (reservation, site) offer `[RRU]`, and draw at each percent `[W, (R, 101)]`."""
    servers = compiled.servers
    count = np.bincount(servers.group_bucket, servers.group_count, len(servers.bucket_rs))
    size = len(servers.rs_site)
    rru = np.bincount(servers.bucket_rs, count * servers.bucket_rru, size).astype(np.float64)
    watts = np.zeros((size, servers.type_watts.shape[1]))
    np.add.at(watts, servers.bucket_rs, count[:, None] * servers.type_watts[servers.bucket_type])
    return rru, watts


def _running(compiled: Compiled, rru: Floats) -> Floats:
    """Return the replicas that run `[K, S]`: all, or equal parts of what the servers of the reservation carry."""
    services = compiled.services
    wanted = services.replicas * services.replica_rru[:, None]
    need = np.bincount(services.rs.ravel(), wanted.ravel(), len(rru) + 1)[:-1]
    fill = np.minimum(1.0, np.divide(rru, need, out=np.ones_like(need), where=need > 0))
    return services.replicas * np.append(fill, 0.0)[services.rs]


def _calls(compiled: Compiled) -> Floats:
    services = compiled.services
    calls = np.zeros((len(services.slots), len(services.slots)))
    np.add.at(calls, (services.edge_callee, services.edge_caller), services.edge_calls)
    return calls


def _grid(compiled: Compiled, factors: Floats) -> tuple[Floats, Floats]:
    """Return the price [USD/kWh] and the carbon [kg/kWh] of each region and hour `[T, G]`."""
    demand = compiled.demand

    def read(constant: Floats, series: Ints) -> Floats:
        return np.where(series < 0, constant, np.take(factors, series, axis=1)) / 1e3

    return read(demand.price, demand.price_series), read(demand.carbon, demand.carbon_series)


def _overhead(fleet: Fleet, compiled: Compiled, factors: Floats) -> Floats:
    """Return what the facility draws for one more watt of servers `[T, S]`: losses of the chain, and the chillers' part."""
    demand, rows = compiled.demand, {site.name: site for site in fleet.sites}
    outdoor = np.where(
        demand.outdoor_series < 0, demand.outdoor, np.take(factors, demand.outdoor_series, axis=1)
    )
    found = np.ones(outdoor.shape)
    for s, name in enumerate(compiled.names["sites"]):
        chillers = [plant for plant in fleet.cooling_plants if plant.site == name and plant.kind == "chiller"]
        inverse = np.zeros(len(outdoor))
        for plant in chillers:
            inverse += [1.0 / chiller_cop(plant, float(at)) / len(chillers) for at in outdoor[:, s]]
        found[:, s] = _gain(fleet, rows[name]) + inverse
    return found


def _gain(fleet: Fleet, site: Site) -> float:
    """Return what the sources of a site give per watt that its racks draw: the mean over the ways racks are fed."""
    units = [unit for unit in fleet.power_units if unit.site == site.name]
    chain, roots = Chain(units), {unit.name for unit in units if not unit.fed_by}
    feeds = dict.fromkeys(rack_feed(rack) for rack in fleet.racks if rack.site == site.name)
    gains = [sum(value for name, value in chain.drawn(feed, None).items() if name in roots) for feed in feeds]
    return float(np.mean([gain for gain in gains if gain] or [1.0]))


def _states(compiled: Compiled, runs: Bools) -> tuple[State, ...]:
    """Return the state without a loss, then one per site and per backbone link that is lost."""
    network, sites = compiled.network, compiled.names["sites"]
    links = [compiled.names["links"][i] for i in network.backbone]
    lost = [("", -1, -1), *((f"without {name}", s, -1) for s, name in enumerate(sites))]
    lost += [(f"without {name}", -1, b) for b, name in enumerate(links)]
    in_region: Bools = np.equal.outer(np.arange(len(compiled.names["regions"])), compiled.site_region)
    found = []
    for name, site, link in lost:
        ways = find_ways(network, len(sites), lost_site=site, lost_link=link)
        up = (ways.label >= 0) & (np.arange(len(sites)) != site)
        label = np.where(up, ways.label, -1)
        found.append(State(name, site, replace(ways, label=label), runs & up, *_entrance(label, in_region)))
    return tuple(found)


def _entrance(label: Ints, in_region: Bools) -> tuple[Floats, Ints]:
    """Return how users of a region enter the backbone `[G, S]`, and which part of it they reach `[G]`, as the twin has it."""
    live: Bools = in_region & (label >= 0)
    rows = np.where(live.any(axis=1, keepdims=True), live, label >= 0).astype(float)
    known = label[label >= 0]
    largest = int(np.bincount(known).argmax()) if len(known) else 0
    part = [next((int(n) for n in label[row] if n >= 0), largest) for row in in_region]
    return rows / np.maximum(rows.sum(axis=1)[:, None], 1.0), np.array(part, dtype=np.int64)
