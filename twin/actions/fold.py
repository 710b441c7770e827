"""Changes applied to a frozen fleet, and taken back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from twin.actions.base import Entity, OpenFeed, Part
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.model.power import Rack
from twin.model.servers import ServerGroup
from twin.model.services import Service

# Changes that alter a table of the fleet.
TABLED = ("count", "replicas", "weight", "setpoint", "retries", "budget", "feed")
Cell = tuple[str, str, str]  # kind, target, key
Cells = dict[Cell, float]


def cell(change: Change) -> Cell:
    """Return the cell of state that a change touches."""
    return change.kind, change.target, change.key


def fold(changes: Iterable[Change], start: Mapping[Cell, float] | None = None) -> Cells:
    """Return what the changes leave in force: deltas from the fleet, and for a cap its value."""
    cells = dict(start or {})
    for change in changes:
        key = cell(change)
        value = change.value if change.kind == "cap" else cells.get(key, 0.0) + change.value
        if value == (math.inf if change.kind == "cap" else 0.0):
            cells.pop(key, None)
        else:
            cells[key] = value
    return cells


def inverse(parts: Sequence[Part], before: Mapping[Cell, float] | None = None) -> list[Part]:
    """Return the parts that undo *parts*: in reversed order and with opposite sign.

    What the parts have already given back themselves (a unit after its maintenance) needs no undoing. A cap
    returns to the one that was in force `before`, else it is lifted.
    """
    before = before or {}
    net = fold(part.change for part in parts)
    undone = []
    for part in reversed(parts):
        change = part.change
        if cell(change) not in net:
            continue
        value = before.get(cell(change), math.inf) if change.kind == "cap" else -change.value
        undone.append(
            Part(1.0 - part.fraction, Change(change.kind, change.target, value, change.key), part.text)
        )
    return undone


def apply(fleet: Fleet, changes: Iterable[Change]) -> Fleet:
    """Return the fleet after the changes that alter its tables: those of `TABLED`."""
    concerned = [change for change in changes if change.kind in TABLED]
    if not concerned:
        return fleet
    fleet = _refed(fleet, [change for change in concerned if change.kind == "feed"])
    groups: dict[str, ServerGroup] = {}
    deployments = {(row.service, row.site): row for row in fleet.deployments}
    zones = {zone.name: zone for zone in fleet.cooling_zones}
    services = {service.name: service for service in fleet.services}
    for change in concerned:
        if change.kind == "feed":
            continue
        if change.kind == "setpoint":
            zone = zones[change.target]
            zones[zone.name] = zone.model_copy(update={"supply_c": zone.supply_c + change.value})
        elif change.kind in ("retries", "budget"):
            services[change.target] = _tuned(services[change.target], change)
        elif change.kind == "count":
            group = groups.get(change.target) or fleet.things[change.target][1]
            count = group.count + round(change.value)
            groups[group.name] = group.model_copy(update={"count": count})
        else:
            row = deployments[change.target, change.key]
            value = getattr(row, change.kind) + change.value
            value = value if change.kind == "weight" else round(value)
            deployments[row.service, row.site] = row.model_copy(update={change.kind: value})
    server_groups = tuple(groups.get(group.name, group) for group in fleet.server_groups)
    changed = with_tables(
        fleet,
        server_groups=server_groups,
        deployments=tuple(deployments.values()),
        cooling_zones=tuple(zones.values()),
        services=tuple(services.values()),
    )
    return _with_things(changed, fleet, groups.values(), services.values())


def _tuned(service: Service, change: Change) -> Service:
    if change.kind == "retries":
        return service.model_copy(update={"retries": round(service.retries + change.value)})
    return service.model_copy(update={"retry_budget": service.retry_budget + change.value})


def _refed(fleet: Fleet, changes: Sequence[Change]) -> Fleet:
    """Return the fleet whose racks have the feeds that the changes leave closed: a new one in the place of an old one.

    What is opened stays laid. Feeds of other things than racks are no table's business.
    """
    racks: dict[str, Rack] = {}
    for name in dict.fromkeys(change.target for change in changes):
        if fleet.things[name][0] == "racks":
            net = fold(change for change in changes if change.target == name)
            racks[name] = _replugged(fleet.things[name][1], {key: value for (*_, key), value in net.items()})
    return _with_racks(fleet, racks)


def _replugged(rack: Rack, net: Mapping[str, float]) -> Rack:
    share = dict(zip((*rack.fed_by, *rack.open_feeds), (*rack.cord_shares, *rack.spare_shares), strict=True))
    closed = iter([unit for unit, value in net.items() if value > 0])
    feeds = [next(closed, None) if net.get(unit, 0.0) < 0 else unit for unit in rack.fed_by]
    fed_by = tuple(unit for unit in [*feeds, *closed] if unit is not None)
    left = tuple(unit for unit in share if unit not in fed_by)
    return rack.model_copy(
        update={
            "fed_by": fed_by,
            "shares": _unless_equal([share[unit] for unit in fed_by]),
            "open_feeds": left,
            "open_shares": tuple(share[unit] for unit in left),
        }
    )


def _unless_equal(shares: Sequence[float]) -> tuple[float, ...]:
    """Return shares that add up to 1, or none where they are alike."""
    if len(set(shares)) <= 1:
        return ()
    return tuple(share / sum(shares) for share in shares)


def with_entities(fleet: Fleet, entities: Sequence[Entity]) -> Fleet:
    """Return the fleet with more server groups, and with more feeds of its racks, which are open."""
    racks: dict[str, Rack] = {}
    for feed in entities:
        if isinstance(feed, OpenFeed):
            rack = racks.get(feed.rack) or fleet.things[feed.rack][1]
            if feed.unit not in (*rack.fed_by, *rack.open_feeds):
                update = {
                    "open_feeds": (*rack.open_feeds, feed.unit),
                    "open_shares": (*rack.spare_shares, feed.share),
                }
                racks[rack.name] = rack.model_copy(update=update)
    fleet = _with_racks(fleet, racks)
    return _with_groups(fleet, [group for group in entities if isinstance(group, ServerGroup)])


def _with_racks(fleet: Fleet, racks: Mapping[str, Rack]) -> Fleet:
    if not racks:
        return fleet
    rows = tuple(racks.get(rack.name, rack) for rack in fleet.racks)
    changed = _with_things(with_tables(fleet, racks=rows), fleet, ())
    changed.things.update((rack.name, ("racks", rack)) for rack in racks.values())
    return changed


def _with_groups(fleet: Fleet, groups: Sequence[ServerGroup]) -> Fleet:
    if not groups:
        return fleet
    return _with_things(with_tables(fleet, server_groups=(*fleet.server_groups, *groups)), fleet, groups)


def with_tables(fleet: Fleet, **tables: Any) -> Fleet:
    """Return the fleet with other rows in some tables, not validated again, and without its cached views."""
    values = {name: getattr(fleet, name) for name in Fleet.model_fields}
    return Fleet.model_construct(_fields_set={*fleet.model_fields_set, *tables}, **{**values, **tables})


def _with_things(
    fleet: Fleet, before: Fleet, groups: Iterable[ServerGroup], services: Iterable[Service] = ()
) -> Fleet:
    """Fill the fleet's cached view of its things from that of the fleet before; it is dear to build anew."""
    things = dict(before.things)
    things.update((group.name, ("server_groups", group)) for group in groups)
    things.update((service.name, ("services", service)) for service in services)
    fleet.__dict__["things"] = things
    return fleet
