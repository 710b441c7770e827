"""Cross references of a fleet: one check = one function = one message.

Each check yields :class:`Fault`s; the reader of the file turns (kind, row) into a file and a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twin.model import checks_cooling, checks_protection, checks_services, checks_supply
from twin.model.errors import did_you_mean
from twin.model.fault import Fault
from twin.model.fleet import KINDS, SINGULAR, THINGS, Fleet
from twin.model.network import TIERS
from twin.model.power import SOURCES


def check_fleet(fleet: Fleet) -> list[Fault]:
    """Return every fault of the fleet, in file order. Cost: one pass per check."""
    faults = [fault for check in CHECKS for fault in check(fleet)]
    order = list(KINDS)
    return sorted(faults, key=lambda fault: (order.index(fault.kind), fault.row, fault.field))


# field -> kinds that it may name, per kind of row
REFERENCES: dict[str, dict[str, tuple[str, ...]]] = {
    "regions": {"carbon_series": ("series",), "price_series": ("series",)},
    "sites": {"region": ("regions",), "outdoor_series": ("series",), "humidity_series": ("series",)},
    "cooling_zones": {
        "site": ("sites",),
        "cooled_by": ("cooling_plants",),
        "carried_by": ("cooling_plants",),
    },
    "power_units": {
        "site": ("sites",),
        "fed_by": ("power_units",),
        "trip": ("trip_curves",),
        "bypass_trip": ("trip_curves",),
        "capping": ("capping_policies",),
        "shedding": ("shedding_policies",),
        "feeds_into": ("power_units",),
        "output_series": ("series",),
    },
    "cooling_plants": {"site": ("sites",), "fed_by": ("power_units",)},
    "racks": {
        "site": ("sites",),
        "fed_by": ("power_units",),
        "open_feeds": ("power_units",),
        "switches": ("switches",),
    },
    "switches": {"site": ("sites",), "fed_by": ("power_units",)},
    "links": {"a": ("switches",), "b": ("switches",)},
    "reservations": {"values": ("server_types",)},
    "server_groups": {"rack": ("racks",), "type": ("server_types",), "owner": ("reservations",)},
    "storage": {"racks": ("racks",)},
    "services": {
        "reservation": ("reservations",),
        "callees": ("services",),
        "starts_after": ("services",),
        "storage": ("storage",),
    },
    "deployments": {"service": ("services",), "site": ("sites",)},
    "demand": {"service": ("services",), "region": ("regions",), "profile": ("series",)},
    "traffic": {"source": ("sites",), "target": ("sites",), "profile": ("series",)},
}


# Kinds with a name space of their own.
OWN_NAMES = (
    "server_types",
    "reservations",
    "series",
    "trip_curves",
    "capping_policies",
    "shedding_policies",
    "cooling_zones",
)


def names_are_unique(fleet: Fleet) -> Iterator[Fault]:
    """Things of the dependency graph share one name space; types, reservations and series have their own."""
    seen: dict[str, str] = {}
    for kind in (*THINGS, *OWN_NAMES):
        if kind not in THINGS:
            seen = {}
        for row, record in enumerate(fleet.rows(kind)):
            if record.name in seen:
                other = SINGULAR[seen[record.name]]
                yield Fault(
                    kind,
                    row,
                    "name",
                    f"the name {record.name!r} is already used by a {other}",
                    "rename one of them",
                )
            seen.setdefault(record.name, kind)


def rows_are_unique(fleet: Fleet) -> Iterator[Fault]:
    """One deployment for a (service, site), one demand for a (service, region), one group for a (rack, type, owner).

    And one row of traffic for a (source, target, tier).
    """
    keys: dict[str, Callable[[Any], tuple[str, ...]]] = {
        "deployments": lambda r: (r.service, r.site),
        "demand": lambda r: (r.service, r.region),
        "server_groups": lambda r: (r.rack, r.type, r.owner),
        "traffic": lambda r: (r.source, r.target, str(r.tier)),
    }
    for kind, key in keys.items():
        seen: set[tuple[str, ...]] = set()
        for row, record in enumerate(fleet.rows(kind)):
            if key(record) in seen:
                yield Fault(
                    kind, row, "", f"a second row for {' / '.join(key(record))}", "merge the two rows"
                )
            seen.add(key(record))


def references_exist(fleet: Fleet) -> Iterator[Fault]:
    """Every name that a row refers to is a row of the right kind."""
    known = {kind: {record.name for record in fleet.rows(kind)} for kind in (*THINGS, *OWN_NAMES)}
    for kind, fields in REFERENCES.items():
        for row, record in enumerate(fleet.rows(kind)):
            for field, targets in fields.items():
                value = getattr(record, field)
                names = (value,) if isinstance(value, str) else tuple(value or ())
                for name in names:
                    if not any(name in known[target] for target in targets):
                        noun = SINGULAR[targets[0]]
                        mend = (
                            did_you_mean(name, sorted(known[targets[0]]))
                            or f"add the {noun} or mend the name"
                        )
                        yield Fault(kind, row, field, f"there is no {noun} {name!r}", mend)


def feeds_make_no_loop(fleet: Fleet) -> Iterator[Fault]:
    """Power flows from sources down: no unit feeds itself, directly or through others."""
    yield from _loops(fleet, "power_units", "fed_by", lambda unit: unit.fed_by)


def calls_make_no_loop(fleet: Fleet) -> Iterator[Fault]:
    """Services call each other without circles."""
    yield from _loops(fleet, "services", "callees", lambda service: tuple(service.callees))


def _loops(fleet: Fleet, kind: str, field: str, targets: Callable[[Any], tuple[str, ...]]) -> Iterator[Fault]:
    rows = {record.name: (row, targets(record)) for row, record in enumerate(fleet.rows(kind))}
    state: dict[str, int] = {}
    for start in rows:
        stack: list[tuple[str, int]] = [(start, 0)] if start not in state else []
        path: list[str] = []
        while stack:
            name, position = stack.pop()
            if position == 0:
                state[name] = 1
                path.append(name)
            following = [t for t in rows[name][1] if t in rows]
            if position < len(following):
                stack.append((name, position + 1))
                target = following[position]
                if state.get(target) == 1:
                    circle = " -> ".join([*path[path.index(target) :], target])
                    yield Fault(
                        kind, rows[target][0], field, f"a circle: {circle}", "remove one of these references"
                    )
                elif target not in state:
                    stack.append((target, 0))
            else:
                state[name] = 2
                path.pop()


def units_can_be_fed(fleet: Fleet) -> Iterator[Fault]:
    """Sources have no feeders, everything else has; shares add up; k of n has k <= n."""
    for kind in ("power_units", "cooling_plants", "racks"):
        for row, record in enumerate(fleet.rows(kind)):
            feeds = record.fed_by
            is_source = kind == "power_units" and record.kind in SOURCES
            if kind == "power_units" and is_source == bool(feeds):
                what = (
                    f"a {record.kind} is a source and is fed by nothing"
                    if is_source
                    else f"the {record.kind} is fed by nothing"
                )
                yield Fault(
                    kind, row, "fed_by", what, "remove fed_by" if is_source else "name its feeders in fed_by"
                )
            if len(set(feeds)) != len(feeds):
                yield Fault(kind, row, "fed_by", "names the same feeder twice", "name each feeder once")
            needs = getattr(record, "needs", 1)
            if feeds and needs > len(feeds):
                yield Fault(
                    kind, row, "needs", f"needs {needs} of {len(feeds)} feeders", f"at most {len(feeds)}"
                )
            shares = getattr(record, "shares", ())
            if shares and (len(shares) != len(feeds) or abs(sum(shares) - 1.0) > 1e-9):
                yield Fault(
                    kind,
                    row,
                    "shares",
                    f"{len(shares)} shares that sum to {sum(shares):.4g} for {len(feeds)} feeders",
                    "one share per feeder, summing to 100 %",
                )


def open_feeds_are_spare(fleet: Fleet) -> Iterator[Fault]:
    """An open feed of a rack is none of its feeds, and has one share if any has."""
    for row, rack in enumerate(fleet.racks):
        twice = [name for name in rack.open_feeds if name in rack.fed_by]
        if twice or len(set(rack.open_feeds)) != len(rack.open_feeds):
            name = (twice or rack.open_feeds)[0]
            yield Fault(
                "racks", row, "open_feeds", f"{name!r} is a feed of it already", "name each feed once"
            )
        if rack.open_shares and len(rack.open_shares) != len(rack.open_feeds):
            what = f"{len(rack.open_shares)} shares for {len(rack.open_feeds)} open feeds"
            yield Fault("racks", row, "open_shares", what, "one share per open feed")


def racks_hold_what_they_can(fleet: Fleet) -> Iterator[Fault]:
    """The servers of a rack fit its height."""
    heights = {record.name: record.height_u for record in fleet.server_types}
    used: dict[str, int] = {}
    for group in fleet.server_groups:
        used[group.rack] = used.get(group.rack, 0) + group.count * heights.get(group.type, 0)
    for row, rack in enumerate(fleet.racks):
        if used.get(rack.name, 0) > rack.space_u:
            yield Fault(
                "racks",
                row,
                "space_u",
                f"holds {used[rack.name]} U of servers in {rack.space_u} U of space",
                "fewer servers or a higher rack",
            )


def links_join_the_right_tiers(fleet: Fleet) -> Iterator[Fault]:
    """Inside a site a link joins two different tiers; between sites it joins two border switches."""
    switches = {record.name: record for record in fleet.switches}
    for row, link in enumerate(fleet.links):
        a, b = switches.get(link.a), switches.get(link.b)
        if a is None or b is None:
            continue
        if a.name == b.name:
            yield Fault("links", row, "b", f"joins {a.name!r} to itself", "name two switches")
        elif a.site == b.site and TIERS.index(a.tier) == TIERS.index(b.tier):
            yield Fault(
                "links",
                row,
                "b",
                f"joins two {a.tier} switches of {a.site}",
                "join two tiers (tor, fabric, border)",
            )
        elif a.site != b.site and (a.tier, b.tier) != ("border", "border"):
            yield Fault(
                "links",
                row,
                "b",
                f"joins {a.site} and {b.site} by switches that are not both 'border'",
                "end backbone links at border switches",
            )


def traffic_leaves_its_site(fleet: Fleet) -> Iterator[Fault]:
    """Traffic goes from one site to another."""
    for row, traffic in enumerate(fleet.traffic):
        if traffic.source == traffic.target:
            yield Fault(
                "traffic", row, "target", f"goes from {traffic.source!r} to itself", "name another site"
            )


def places_agree(fleet: Fleet) -> Iterator[Fault]:
    """A rack or plant is fed and connected inside its own site."""
    units = {record.name: record.site for record in fleet.power_units}
    switches = {record.name: record.site for record in fleet.switches}
    for kind in ("power_units", "cooling_plants", "racks", "switches"):
        for row, record in enumerate(fleet.rows(kind)):
            for field, known in (("fed_by", units), ("open_feeds", units), ("switches", switches)):
                for name in getattr(record, field, ()):
                    if known.get(name, record.site) != record.site:
                        yield Fault(
                            kind,
                            row,
                            field,
                            f"{name!r} is at {known[name]}, not at {record.site}",
                            "use one of this site",
                        )


def racks_can_be_reached(fleet: Fleet) -> Iterator[Fault]:
    """A rack that names switches has a path over links of its site to a border switch."""
    switches = {switch.name: switch for switch in fleet.switches}
    joined: dict[str, list[str]] = {name: [] for name in switches}
    for link in fleet.links:
        if link.a in switches and link.b in switches and switches[link.a].site == switches[link.b].site:
            joined[link.a].append(link.b)
            joined[link.b].append(link.a)
    reached = {name for name, switch in switches.items() if switch.tier == "border"}
    ahead = list(reached)
    while ahead:
        new = [name for name in joined[ahead.pop()] if name not in reached]
        reached.update(new)
        ahead += new
    for row, rack in enumerate(fleet.racks):
        known = [name for name in rack.switches if name in switches]
        if known and not any(name in reached for name in known):
            yield Fault(
                "racks",
                row,
                "switches",
                f"no path from {' or '.join(known)} to a border switch: what runs there cannot be reached",
                "add the links up to a border switch of the site",
            )


def storage_can_have_a_quorum(fleet: Fleet) -> Iterator[Fault]:
    """quorum <= copies."""
    for row, storage in enumerate(fleet.storage):
        if storage.quorum > len(storage.racks):
            yield Fault(
                "storage",
                row,
                "quorum",
                f"quorum {storage.quorum} of {len(storage.racks)} copies",
                f"at most {len(storage.racks)}",
            )


def services_can_run(fleet: Fleet) -> Iterator[Fault]:
    """Every service has a deployment with traffic on enough sites, and each of those has servers of its reservation."""
    racks = {rack.name: rack.site for rack in fleet.racks}
    owned = {(group.owner, racks.get(group.rack)) for group in fleet.server_groups if group.count}
    by_service: dict[str, list[Any]] = {}
    for deployment in fleet.deployments:
        by_service.setdefault(deployment.service, []).append(deployment)
    for row, service in enumerate(fleet.services):
        placed = [d for d in by_service.get(service.name, []) if d.replicas > 0]
        if not any(d.weight > 0 for d in placed):
            yield Fault(
                "services",
                row,
                "name",
                f"service {service.name!r} has no replicas that take traffic",
                "add a deployment",
            )
        elif len({d.site for d in placed}) < service.spread_sites:
            yield Fault(
                "services",
                row,
                "spread_sites",
                f"wants {service.spread_sites} sites and has {len(placed)}",
                "deploy it on more sites",
            )
    reservation = {service.name: service.reservation for service in fleet.services}
    for row, d in enumerate(fleet.deployments):
        if d.replicas and d.service in reservation and (reservation[d.service], d.site) not in owned:
            yield Fault(
                "deployments",
                row,
                "site",
                f"reservation {reservation[d.service]!r} owns no server at {d.site}",
                "give it servers there or deploy elsewhere",
            )


def tables_are_not_empty(fleet: Fleet) -> Iterator[Fault]:
    """A fleet has at least a region, a site, a rack and a power unit."""
    for kind in ("regions", "sites", "power_units", "racks", "server_types", "server_groups"):
        if not fleet.rows(kind):
            yield Fault(kind, 0, "", f"the fleet has no {kind}", f"add at least one {SINGULAR[kind]}")


CHECKS: tuple[Callable[[Fleet], Iterator[Fault]], ...] = (
    tables_are_not_empty,
    names_are_unique,
    rows_are_unique,
    references_exist,
    feeds_make_no_loop,
    calls_make_no_loop,
    units_can_be_fed,
    open_feeds_are_spare,
    racks_hold_what_they_can,
    links_join_the_right_tiers,
    traffic_leaves_its_site,
    places_agree,
    racks_can_be_reached,
    storage_can_have_a_quorum,
    services_can_run,
    *checks_protection.CHECKS,
    *checks_cooling.CHECKS,
    *checks_services.CHECKS,
    *checks_supply.CHECKS,
)
