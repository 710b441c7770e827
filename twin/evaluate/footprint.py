"""What the plan touches, and whether the worlds ever put it to the test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from twin.model.fleet import Fleet
from twin.records.verdict import Footprint


def related(fleet: Fleet, touched: Sequence[str]) -> dict[str, frozenset[str]]:
    """Map each touched thing to the things whose faults put it to the test.

    These are the thing itself, what feeds it and what its feeders feed directly (its sister feeds among them), the
    servers in it; for a service its reservation's racks with all of theirs; for a site everything at it.
    """
    power = {
        row.name: row.fed_by
        for kind in ("power_units", "racks", "cooling_plants", "switches")
        for row in fleet.rows(kind)
    }
    groups: dict[str, list[str]] = {}
    for group in fleet.server_groups:
        groups.setdefault(group.rack, []).append(group.name)
    racks = {rack.name: rack for rack in fleet.racks}

    def upstream(name: str) -> set[str]:
        found: set[str] = set()
        ahead = [name]
        while ahead:
            feeders = [feeder for feeder in power.get(ahead.pop(), ()) if feeder not in found]
            found.update(feeders)
            ahead += feeders
        return found

    def of(reference: str) -> set[str]:
        kind, row = fleet.find(reference)
        near = {row.name} | upstream(row.name)
        if kind == "racks":
            near |= {*groups.get(row.name, ()), *row.switches}
        elif kind == "server_groups":
            near |= of(row.rack)
        elif kind == "sites":
            near |= {name for name in fleet.things if fleet.site_of(name) == row.name}
        elif kind == "services":
            homes = {group.rack for group in fleet.server_groups if group.owner == row.reservation}
            near |= {
                thing
                for rack in homes
                for thing in (rack, *groups.get(rack, ()), *racks[rack].switches, *upstream(rack))
            }
        elif kind == "power_units":
            below = {child for child, feeders in power.items() if row.name in feeders}
            near |= below | {feeder for child in below for feeder in power[child]}
        return near

    return {reference: frozenset(of(reference)) for reference in touched}


def footprint(related_to: Mapping[str, frozenset[str]], faults: Counter[str]) -> Footprint:
    """Count the faults near each touched thing; those without any are untested."""
    near = frozenset().union(*related_to.values()) if related_to else frozenset()
    untested = [name for name, around in related_to.items() if not any(faults[thing] for thing in around)]
    return Footprint(
        touched=tuple(related_to),
        faults=sum(count for thing, count in faults.items() if thing in near),
        untested=tuple(untested),
    )
