"""How many more servers of a type fit, where, and what stops the next one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from twin.graph.analysis_chain import Feed, SiteLoads, nameplate_w, rack_feed, rack_loads, site_loads
from twin.graph.levels import Floats
from twin.model.errors import UsageError, did_you_mean
from twin.model.fleet import Fleet
from twin.model.power import Rack
from twin.model.servers import ServerType

_ASSUMED = (
    "cooling at the warmest outdoor temperature; every unit within its continuous rating before and after the"
    " loss of any one unit; racks are filled feed by feed, another order may fit a few more"
)


@dataclass(frozen=True)
class Room:
    """How many servers fit into a rack, row ("ams1/a") or site; how many racks each limit stops there."""

    kind: Literal["site", "row", "rack"]
    name: str
    servers: int
    limits: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Fit:
    """The room for more servers of a type; `assumed` says what the numbers rest on."""

    type: str
    sites: tuple[Room, ...]
    rows: tuple[Room, ...]
    racks: tuple[Room, ...]
    assumed: str


def how_many_fit(fleet: Fleet, type_name: str, *, rack_w: Mapping[str, float] | None = None) -> Fit:
    """Return how many servers of a type fit into every rack, row and site, each of them on its own.

    New servers count at nameplate power, and so do the present ones, unless `rack_w` says what racks draw.

    Limits are the space and the budget of a rack, the ratings of all units before and after any single loss
    of a unit (dual-corded racks then draw everything from the other side), and the rated heat of the cooling
    plants. What is too high already counts only where another server makes it worse. Raises UsageError for
    an unknown type.
    Cost: O(U² · distinct feeds) per site with U units.
    """
    kind = next((row for row in fleet.server_types if row.name == type_name), None)
    if kind is None:
        known = [row.name for row in fleet.server_types]
        hint = did_you_mean(type_name, known) or f"one of: {', '.join(known[:10])}"
        raise UsageError(f"the fleet {fleet.name} has no server type called '{type_name}' ({hint})")
    loads = rack_loads(fleet, rack_w)
    caps = _caps(fleet, kind, loads)
    sites, rows, racks = [], [], []
    for site in fleet.sites:
        filler = _Filler(site_loads(fleet, site, loads), kind, caps)
        here = [rack for rack in fleet.racks if rack.site == site.name]
        sites.append(Room("site", site.name, *filler.fill(here)))
        for row in dict.fromkeys(rack.row for rack in here):
            name = row if row.startswith(site.name) else f"{site.name}/{row}"
            rows.append(Room("row", name, *filler.fill(r for r in here if r.row == row)))
        racks += [Room("rack", rack.name, *filler.fill([rack])) for rack in here]
    present = "the present ones as measured" if rack_w is not None else "the present ones, too"
    assumed = f"new servers at nameplate power, {present}; {_ASSUMED}"
    return Fit(type_name, tuple(sites), tuple(rows), tuple(racks), assumed)


class _Filler:
    """Fills racks of one site with servers of one type until something stops each of them."""

    def __init__(self, loads: SiteLoads, kind: ServerType, caps: dict[str, tuple[int, str]]) -> None:
        self.loads, self.caps = loads, caps
        self.watts = nameplate_w(kind)
        self.spare_va = loads.limit_va[:, None] - loads.load_va
        self.added = cache(lambda feed: loads.added_va(feed, kind))
        self.first_room = cache(lambda feed: self.room(feed, self.spare_va, loads.heat_room_w))

    def fill(self, racks: Iterable[Rack]) -> tuple[int, tuple[tuple[str, int], ...]]:
        """Return how many servers fit into these racks together, and how many racks each limit stops."""
        by_feed: dict[Feed, list[Rack]] = {}
        for rack in racks:
            by_feed.setdefault(rack_feed(rack), []).append(rack)
        spare_va, spare_heat_w = self.spare_va, self.loads.heat_room_w
        total, limits = 0, Counter[str]()
        for feed, alike in by_feed.items():
            left, limit = self.room(feed, spare_va, spare_heat_w) if total else self.first_room(feed)
            before = total
            for rack in alike:
                cap, why = self.caps[rack.name]
                limits[why if cap <= left else limit] += 1
                total, left = total + min(cap, left), left - min(cap, left)
            if total > before and len(by_feed) > 1:
                added_va, lit = self.added(feed)
                spare_va = spare_va - (total - before) * added_va
                spare_heat_w = spare_heat_w - (total - before) * self.watts * lit
        return total, tuple(limits.most_common())

    def room(self, feed: Feed, spare_va: Floats, spare_heat_w: Floats) -> tuple[int, str]:
        """Return how many servers the units and plants upstream still allow, and which of them stops more."""
        added_va, lit = self.added(feed)
        if not lit[0]:
            return 0, "no power"
        room = np.divide(spare_va, added_va, out=np.full_like(spare_va, np.inf), where=added_va > 0)
        heat = np.where(lit, spare_heat_w / self.watts, np.inf)
        if heat.min() < room.min():
            case, what = int(heat.argmin()), "cooling"
        else:
            unit, case = divmod(int(room.argmin()), room.shape[1])
            what = f"{self.loads.units[unit].kind} {self.loads.units[unit].name}"
        lost = f" after the loss of {self.loads.units[case - 1].name}" if case else ""
        # A load that meets its limit exactly is within it; rounding must not cost a server.
        return max(0, int(min(heat.min(), room.min()) + 1e-9)), what + lost


def _caps(
    fleet: Fleet, kind: ServerType, loads: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[int, str]]:
    """Return how many servers space and budget of each rack allow, and which of the two stops more."""
    heights = {row.name: row.height_u for row in fleet.server_types}
    used: Counter[str] = Counter()
    for group in fleet.server_groups:
        used[group.rack] += group.count * heights[group.type]
    caps = {}
    for rack in fleet.racks:
        space = max(0, rack.space_u - used[rack.name]) // kind.height_u
        caps[rack.name] = (space, "space in the rack")
        if rack.budget_w is not None:
            budget = max(0, int((rack.budget_w - loads[rack.name][1]) / nameplate_w(kind) + 1e-9))
            caps[rack.name] = min(caps[rack.name], (budget, "budget of the rack"))
    return caps
