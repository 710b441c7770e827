"""The room of each site for more servers: height and power that are free today, whatever single unit is lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solvers.expansion_problem import Floats
from twin.graph.analysis_chain import SiteLoads, nameplate_w, rack_feed, rack_loads, site_loads
from twin.graph.analysis_room import Room, room_of
from twin.model.fleet import Fleet
from twin.model.power import Rack


@dataclass(frozen=True)
class SiteRoom:
    """A site: what its servers may draw at nameplate [W], its height [U], and its limits as rows (None without servers' types).

    `feed` is the number of the feed of each powered rack in `room`; `free_u` and `budget_w` are what racks have left.
    """

    power_w: float
    space_u: int
    room: Room
    feed: dict[str, int]
    free_u: dict[str, int]
    budget_w: dict[str, float]

    def more(self, rack: str, kind: int) -> Floats:
        """Return what one more server of a type in a rack adds to every limit of the site `[R]`."""
        column = int(self.room.column[self.feed[rack], kind])
        added: Floats = self.room.limits.more[:, column] * self.room.watts[kind]
        return added


def rooms_of(fleet: Fleet) -> tuple[SiteRoom, ...]:
    """Return the room of every site, present servers at nameplate power. Cost: one linear program per site."""
    loads = rack_loads(fleet)
    heights = {kind.name: kind.height_u for kind in fleet.server_types}
    watts = {kind.name: nameplate_w(kind) for kind in fleet.server_types}
    used = dict.fromkeys((rack.name for rack in fleet.racks), 0)
    drawn = dict.fromkeys(used, 0.0)
    for group in fleet.server_groups:
        used[group.rack] += group.count * heights[group.type]
        drawn[group.rack] += group.count * watts[group.type]
    left = {
        rack.name: (
            max(0, rack.space_u - used[rack.name]),
            np.inf if rack.budget_w is None else max(0.0, rack.budget_w - drawn[rack.name]),
        )
        for rack in fleet.racks
    }
    found = []
    for site in fleet.sites:
        racks = [rack for rack in fleet.racks if rack.site == site.name]
        here = site_loads(fleet, site, loads)
        room = room_of(here, racks, fleet.server_types, left)
        found.append(_of_site(racks, here, room, (left, used, drawn)))
    return tuple(found)


def _of_site(
    racks: list[Rack],
    loads: SiteLoads,
    room: Room,
    tables: tuple[dict[str, tuple[int, float]], dict[str, int], dict[str, float]],
) -> SiteRoom:
    left, used, drawn = tables
    feeds = [feed for feed in dict.fromkeys(map(rack_feed, racks)) if loads.chain.drawn(feed, None)]
    number = {feed: f for f, feed in enumerate(feeds)}
    feed = {rack.name: number[rack_feed(rack)] for rack in racks if rack_feed(rack) in number}
    gain = np.ones(room.limits.more.shape[1])
    most, _ = room.most(gain, np.ones(len(room.limits.spare), dtype=bool), space=True)
    return SiteRoom(
        power_w=most + sum(drawn[rack.name] for rack in racks),
        space_u=sum(left[name][0] + used[name] for name in feed),
        room=room,
        feed=feed,
        free_u={name: left[name][0] for name in feed},
        budget_w={name: left[name][1] for name in feed},
    )
