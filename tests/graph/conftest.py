"""Small fleets for the tests of the graph: one written by hand, and a strategy that draws random ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from twin.model.fleet import Fleet
from twin.model.network import Link, Switch
from twin.model.power import CoolingPlant, PowerUnit, Rack
from twin.model.servers import Reservation, ServerGroup, ServerType
from twin.model.services import Deployment, Service, Storage

TYPE = {"name": "web-1", "cores": 32, "idle_w": 100.0, "max_w": 400.0, "height_u": 2}


def unit(name: str, kind: str, *fed_by: str, site: str = "ams", **more: Any) -> PowerUnit:
    """Build a power unit rated 100 kVA."""
    return PowerUnit(name=name, kind=kind, site=site, fed_by=fed_by, **({"rated_va": 1e5} | more))


def chain(site: str) -> list[PowerUnit]:
    """Build a site's power: utility and generator behind one transfer switch, two UPS, an A and a B panel."""
    s = site
    return [
        unit(f"{s}-utility", "utility", site=s),
        unit(f"{s}-generator", "generator", site=s),
        unit(f"{s}-ats", "ats", f"{s}-utility", f"{s}-generator", site=s, feed_mode="standby"),
        unit(f"{s}-ups-a", "ups", f"{s}-ats", site=s),
        unit(f"{s}-ups-b", "ups", f"{s}-ats", site=s),
        unit(f"{s}-panel-a", "panel", f"{s}-ups-a", site=s, rated_va=2e4),
        unit(f"{s}-panel-b", "panel", f"{s}-ups-b", site=s, rated_va=2e4),
    ]


def site_parts(s: str) -> dict[str, list[Any]]:
    """Build a site: four racks (the last single-corded), two ToR, two fabric and one border switch."""
    ab = (f"{s}-panel-a", f"{s}-panel-b")
    racks = [
        Rack(
            name=f"{s}-r{i}",
            site=s,
            row=f"row-{(i + 1) // 2}",
            fed_by=ab if i < 4 else ab[:1],
            switches=(f"{s}-tor-1", f"{s}-tor-2"),
        )
        for i in range(1, 5)
    ]
    switches = [Switch(name=f"{s}-tor-{i}", site=s, tier="tor", capacity_bps=1e11) for i in (1, 2)]
    switches += [
        Switch(name=f"{s}-fabric-{i}", site=s, tier="fabric", capacity_bps=1e12, fed_by=ab) for i in (1, 2)
    ]
    switches.append(Switch(name=f"{s}-border", site=s, tier="border", capacity_bps=1e12, fed_by=ab))
    links = [
        Link(name=f"{s}-l{t}{f}", a=f"{s}-tor-{t}", b=f"{s}-fabric-{f}", capacity_bps=1e11)
        for t in (1, 2)
        for f in (1, 2)
    ]
    links += [
        Link(name=f"{s}-up{f}", a=f"{s}-border", b=f"{s}-fabric-{f}", capacity_bps=1e11, srlg=(f"{s}-tray",))
        for f in (1, 2)
    ]
    groups = [
        ServerGroup(
            name=f"{s}-g{i}", rack=f"{s}-r{i}", type="web-1", owner="web" if i < 4 else "db", count=10
        )
        for i in range(1, 5)
    ]
    plants = [CoolingPlant(name=f"{s}-chiller", site=s, fed_by=ab, rated_heat_w=1e5)]
    return {
        "racks": racks,
        "switches": switches,
        "links": links,
        "server_groups": groups,
        "cooling_plants": plants,
        "power_units": chain(s),
    }


@pytest.fixture(scope="session")
def two_sites() -> Fleet:
    """Two alike sites; `web` runs on both, its callee `db` only at ams, with its storage there."""
    parts: dict[str, list[Any]] = {}
    for site in ("ams", "fra"):
        for kind, rows in site_parts(site).items():
            parts.setdefault(kind, []).extend(rows)
    parts["links"].append(Link(name="ams-fra", a="ams-border", b="fra-border", capacity_bps=1e11))
    return Fleet(
        fleet="two-sites",
        regions=({"name": "eu"},),
        sites=({"name": "ams", "region": "eu"}, {"name": "fra", "region": "eu"}),
        server_types=(ServerType(**TYPE),),
        reservations=(Reservation(name="web"), Reservation(name="db")),
        storage=(Storage(name="db-data", racks=("ams-r1", "ams-r2", "ams-r3"), quorum=2),),
        services=(
            Service(name="shop", tier=0, reservation="web", service_time_s=0.1, callees={"db": 1.0}),
            Service(name="news", tier=2, reservation="web", service_time_s=0.1),
            Service(name="db", tier=0, reservation="db", service_time_s=0.1, storage="db-data"),
        ),
        deployments=(
            Deployment(service="shop", site="ams", replicas=20),
            Deployment(service="shop", site="fra", replicas=15),
            Deployment(service="news", site="ams", replicas=8),
            Deployment(service="news", site="fra", replicas=10),
            Deployment(service="db", site="ams", replicas=6),
        ),
        **{kind: tuple(rows) for kind, rows in parts.items()},
    )


@pytest.fixture(scope="session")
def random_fleets() -> st.SearchStrategy[Fleet]:
    """Return a strategy of small fleets with every kind of redundancy, not all of them sensible."""
    return _fleet()


@st.composite
def _fleet(draw: st.DrawFn) -> Fleet:
    rows: dict[str, list[Any]] = {
        kind: []
        for kind in (
            "power_units",
            "cooling_plants",
            "racks",
            "switches",
            "links",
            "server_groups",
            "storage",
            "services",
            "deployments",
        )
    }
    sites = ("s0", "s1")[: draw(st.integers(1, 2))]
    for site in sites:
        _site(draw, rows, site)
    borders = [s.name for s in rows["switches"] if s.tier == "border"]
    for a, b in zip(borders, borders[1:], strict=False):
        if a[:2] != b[:2]:
            rows["links"].append(Link(name=f"bb-{a}-{b}", a=a, b=b, capacity_bps=1e9, srlg=("duct",)))
    racks = [rack.name for rack in rows["racks"]]
    for i in range(draw(st.integers(0, 2))):
        copies = _some(draw, racks, 1)
        rows["storage"].append(
            Storage(name=f"data-{i}", racks=copies, quorum=draw(st.integers(1, len(copies))))
        )
    for i in range(draw(st.integers(1, 3))):
        callees = dict.fromkeys(_some(draw, [s.name for s in rows["services"]], 0), 1.0)
        rows["services"].append(
            Service(
                name=f"svc-{i}",
                tier=i,
                reservation=draw(st.sampled_from(("red", "blue"))),
                service_time_s=0.1,
                callees=callees,
                storage=draw(st.sampled_from([None, *(s.name for s in rows["storage"])])),
            )
        )
        rows["deployments"] += [
            Deployment(
                service=f"svc-{i}",
                site=site,
                replicas=draw(st.integers(0, 4)),
                weight=draw(st.integers(0, 1)),
            )
            for site in sites
        ]
    return Fleet(
        fleet="random",
        regions=({"name": "r"},),
        sites=tuple({"name": site, "region": "r"} for site in sites),
        server_types=(ServerType(**TYPE),),
        reservations=(Reservation(name="red"), Reservation(name="blue")),
        **{kind: tuple(values) for kind, values in rows.items()},
    )


def _site(draw: st.DrawFn, rows: dict[str, list[Any]], s: str) -> None:
    units = [f"{s}-u0"]
    rows["power_units"].append(unit(units[0], "utility", site=s))
    for i in range(1, draw(st.integers(2, 6))):
        feeds = _some(draw, units, 0)
        kind = "panel" if feeds else "generator"
        rows["power_units"].append(
            unit(f"{s}-u{i}", kind, *feeds, site=s, needs=draw(st.integers(1, max(1, len(feeds)))))
        )
        units.append(f"{s}-u{i}")
    tiers = (
        ["border"] * draw(st.integers(0, 2))
        + ["fabric"] * draw(st.integers(0, 2))
        + ["tor"] * draw(st.integers(0, 3))
    )
    switches = [
        Switch(name=f"{s}-{tier}{i}", site=s, tier=tier, capacity_bps=1e9, fed_by=_some(draw, units, 0))
        for i, tier in enumerate(tiers)
    ]
    rows["switches"] += switches
    pairs = [(a, b) for a in switches for b in switches if tiers.index(a.tier) < tiers.index(b.tier)]
    for i, (a, b) in enumerate(_some(draw, pairs, 0)):
        ends = (a.name, b.name) if draw(st.booleans()) else (b.name, a.name)
        rows["links"].append(Link(name=f"{s}-link{i}", a=ends[0], b=ends[1], capacity_bps=1e9))
    tors = [switch.name for switch in switches if switch.tier == "tor"]
    for i in range(draw(st.integers(1, 4))):
        rack = f"{s}-rack{i}"
        rows["racks"].append(
            Rack(name=rack, site=s, row="a", fed_by=_some(draw, units, 1), switches=_some(draw, tors, 0))
        )
        rows["server_groups"].append(
            ServerGroup(
                name=f"{rack}-g",
                rack=rack,
                type="web-1",
                owner=draw(st.sampled_from(("red", "blue"))),
                count=draw(st.integers(0, 3)),
            )
        )
    rows["cooling_plants"].append(
        CoolingPlant(name=f"{s}-plant", site=s, fed_by=_some(draw, units, 1), rated_heat_w=1e5)
    )


def _some(draw: st.DrawFn, values: list[Any], least: int) -> tuple[Any, ...]:
    """Draw a few different values, in any order."""
    if not values:
        return ()
    numbers = draw(st.lists(st.integers(0, len(values) - 1), min_size=least, max_size=3, unique=True))
    return tuple(values[number] for number in numbers)


@pytest.fixture(scope="session")
def naive_up() -> Callable[[Fleet, set[str]], dict[str, bool]]:
    """Return an independent answer to "who is up without these": recursion over the fleet's own rows."""
    return _naive_up


def _naive_up(fleet: Fleet, lost: set[str]) -> dict[str, bool]:
    naive = Naive(fleet, lost)
    up = {u.name: naive.fed(u.name) for u in fleet.power_units}
    up |= {s.name: naive.reached(s.name) for s in fleet.switches}
    up |= {link.name: naive.link(link) for link in fleet.links}
    up |= {
        plant.name: plant.name not in lost and any(map(naive.fed, plant.fed_by))
        for plant in fleet.cooling_plants
    }
    up |= {rack.name: naive.rack(rack) for rack in fleet.racks}
    up |= {group.name: group.name not in lost and up[group.rack] for group in fleet.server_groups}
    for site in fleet.sites:
        up[site.name] = site.name not in lost and any(
            up[rack.name] for rack in fleet.racks if rack.site == site.name
        )
    for storage in fleet.storage:
        up[storage.name] = (
            storage.name not in lost and sum(up[rack] for rack in storage.racks) >= storage.quorum
        )
    for service in fleet.services:
        needed = [*service.callees, *filter(None, [service.storage])]
        up[service.name] = (
            service.name not in lost
            and any(naive.replicas(service, d, up) for d in fleet.deployments)
            and all(up[name] for name in needed)
        )
    return up


class Naive:
    """The rules of a fleet, asked one thing at a time."""

    rank = {"tor": 0, "fabric": 1, "border": 2}

    def __init__(self, fleet: Fleet, lost: set[str]) -> None:
        self.fleet, self.lost = fleet, lost
        self.units = {u.name: u for u in fleet.power_units}
        self.switches = {s.name: s for s in fleet.switches}
        self.sites = {rack.name: rack.site for rack in fleet.racks}

    def fed(self, name: str) -> bool:
        """Whether a power unit is up."""
        u = self.units[name]
        return name not in self.lost and (not u.fed_by or sum(map(self.fed, u.fed_by)) >= u.needs)

    def power(self, rack: Rack) -> bool:
        """Whether a rack is there and has power."""
        return rack.name not in self.lost and any(map(self.fed, rack.fed_by))

    def rack(self, rack: Rack) -> bool:
        """Whether a rack has power and network."""
        return self.power(rack) and (not rack.switches or any(map(self.reached, rack.switches)))

    def reached(self, name: str) -> bool:
        """Whether a switch has power and a way to the border."""
        s = self.switches[name]
        hosts = [rack for rack in self.fleet.racks if name in rack.switches]
        powered = any(map(self.fed, s.fed_by)) if s.fed_by else not hosts or any(map(self.power, hosts))
        if name in self.lost or not powered:
            return False
        return s.tier == "border" or any(self.leads_up(link, name) for link in self.fleet.links)

    def leads_up(self, link: Link, name: str) -> bool:
        """Whether a switch reaches a higher tier by a link."""
        if name not in (link.a, link.b) or link.name in self.lost:
            return False
        here, far = self.switches[name], self.switches[link.b if link.a == name else link.a]
        return self.rank[far.tier] > self.rank[here.tier] and far.site == here.site and self.reached(far.name)

    def link(self, link: Link) -> bool:
        """Whether a link is up: inside a site its upper end is, between sites both are."""
        low, high = sorted((link.a, link.b), key=lambda name: self.rank[self.switches[name].tier])
        within = self.switches[low].site == self.switches[high].site
        return link.name not in self.lost and self.reached(high) and (within or self.reached(low))

    def replicas(self, service: Service, d: Deployment, up: dict[str, bool]) -> bool:
        """Whether a deployment is one of the service's that takes traffic, and has a server."""
        return bool(d.service == service.name and d.replicas and d.weight) and any(
            up[group.name]
            and group.count > 0
            and group.owner == service.reservation
            and self.sites[group.rack] == d.site
            for group in self.fleet.server_groups
        )
