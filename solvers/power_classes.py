"""Racks that are alike: fed, loaded and filled alike, and, where swaps count, with the same servers of the same owners.

What a server draws depends on its type, its owner and its site: services of one owner are busy and those of another idle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from solvers.domains import families_of
from twin.graph.analysis_chain import Feed, rack_feed
from twin.model.fleet import Fleet
from twin.model.power import Rack

# What one server draws [W], by site, owner and type.
ServerW = Mapping[tuple[str, str, str], float]


@dataclass(frozen=True)
class Held:
    """Servers of one type and one owner in a rack: how many, what one of them draws, what it gives the owner [RRU]."""

    kind: str
    owner: str
    count: int
    server_w: float
    server_rru: float


@dataclass(frozen=True)
class RackClass:
    """Racks that are alike: names, what one draws (VA, W), what it has left, its feed today, whether it holds stored copies.

    `spare_w` is the budget left, negative where the rack draws more than it has, and `budget_w` the same, never negative.
    `held` are its servers and `domains` the failure domains that it goes with; both are empty where swaps do not count.
    """

    racks: tuple[str, ...]
    load_va: float
    load_w: float
    free_u: int
    spare_w: float
    home: int
    holds: bool
    held: tuple[Held, ...] = ()
    domains: tuple[str, ...] = ()

    @property
    def budget_w(self) -> float:
        """Return the budget that is left [W]."""
        return max(0.0, self.spare_w)


def rack_classes(
    fleet: Fleet,
    racks: Sequence[Rack],
    loads: Mapping[str, tuple[float, float]],
    number: Mapping[Feed, int],
    server_w: ServerW | None,
) -> list[RackClass]:
    """Return the classes of some racks, in the order of their first racks. Cost: one look at every group."""
    heights = {kind.name: kind.height_u for kind in fleet.server_types}
    used: dict[str, int] = {}
    for group in fleet.server_groups:
        used[group.rack] = used.get(group.rack, 0) + group.count * heights[group.type]
    storing = {name for storage in fleet.storage for name in storage.racks}
    held = {} if server_w is None else _held(fleet, server_w)
    domains = {} if server_w is None else domains_of(fleet)
    alike: dict[RackClass, list[str]] = {}
    for rack in racks:
        va, watts = loads[rack.name]
        one = RackClass(
            (),
            va,
            watts,
            max(0, rack.space_u - used.get(rack.name, 0)),
            np.inf if rack.budget_w is None else rack.budget_w - watts,
            number[rack_feed(rack)],
            rack.name in storing,
            held.get(rack.name, ()),
            domains.get(rack.name, ()),
        )
        alike.setdefault(one, []).append(rack.name)
    return [replace(one, racks=tuple(names)) for one, names in alike.items()]


def domains_of(fleet: Fleet) -> dict[str, tuple[str, ...]]:
    """Return the failure domains of every rack ("row ams1-a"): its row, and those of the families that reservations survive.

    The site is left out, for a swap stays within it, and so is the rack itself. Raises UsageError for unknown families.
    """
    survived = {name for row in fleet.reservations for name in row.survives} - {"rack", "site"}
    families = families_of(fleet, sorted({"row", *survived}))
    return {
        rack.name: tuple(
            f"{family.partition(' ')[0]} {names[of_rack[i]]}"
            for family, (names, of_rack) in families.items()
            if of_rack[i] >= 0
        )
        for i, rack in enumerate(fleet.racks)
    }


def _held(fleet: Fleet, server_w: ServerW) -> dict[str, tuple[Held, ...]]:
    kinds = {kind.name: kind for kind in fleet.server_types}
    owners = {row.name: row for row in fleet.reservations}
    site_of = {rack.name: rack.site for rack in fleet.racks}
    found: dict[str, dict[tuple[str, str], int]] = {}
    for group in fleet.server_groups:
        mine = found.setdefault(group.rack, {})
        key = group.type, group.owner
        mine[key] = mine.get(key, 0) + group.count
    return {
        rack: tuple(
            Held(kind, owner, count, server_w[site_of[rack], owner, kind], owners[owner].worth(kinds[kind]))
            for (kind, owner), count in sorted(mine.items())
            if count and (site_of[rack], owner, kind) in server_w
        )
        for rack, mine in found.items()
    }
