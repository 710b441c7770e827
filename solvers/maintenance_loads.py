"""Power while something is out of service: what a fleet is without it, what racks draw by the hour, what is above its rating."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from solvers.placement_flows import flows, point_of, utilisation
from solvers.placement_problem import placement_problem
from twin.graph.analysis_chain import rack_loads, site_loads
from twin.graph.compile import compile_fleet
from twin.model.fleet import Fleet

# A unit counts as overloaded from here on: loads are means over minutes, and their peaks are higher.
MARGIN = 0.95


class Overloads:
    """Which units of a site are above their rating in which case of a further loss, without some units, in an hour.

    `hourly_w` is what racks draw in each hour (empty: nameplate, in one hour); `typical` are the hours of least, middle and
    most load.
    """

    def __init__(self, fleet: Fleet, hourly_w: Sequence[Mapping[str, float]]) -> None:
        self._fleet = fleet
        self._loads = [rack_loads(fleet, hour) for hour in hourly_w] or [rack_loads(fleet)]
        rising = np.argsort([sum(va for va, _ in hour.values()) for hour in self._loads], kind="stable")
        self.typical = tuple(dict.fromkeys(int(rising[i]) for i in (-1, len(rising) // 2, 0)))
        self._known: dict[tuple[str, frozenset[str], int], frozenset[tuple[str, str]]] = {}

    def of(self, site: str, lost: Sequence[str], hour: int) -> frozenset[tuple[str, str]]:
        """Return (unit, further loss) pairs."""
        hour = min(hour, len(self._loads) - 1)
        key = site, frozenset(lost), hour
        if key not in self._known:
            fleet = without(self._fleet, lost)
            row = next(one for one in fleet.sites if one.name == site)
            there = {rack.name for rack in fleet.racks}
            loads = site_loads(
                fleet, row, {name: load for name, load in self._loads[hour].items() if name in there}
            )
            cases = ["", *(unit.name for unit in loads.units)]
            u, x = np.nonzero(loads.load_va > loads.limit_va[:, None] * MARGIN)
            pairs = zip(u.tolist(), x.tolist(), strict=True)
            self._known[key] = frozenset((loads.units[i].name, cases[n]) for i, n in pairs)
        return self._known[key]


def hourly_rack_w(fleet: Fleet, start: datetime, hours: int) -> list[dict[str, float]]:
    """Return what each rack draws in each hour, by today's shares of traffic; nothing where nobody asks for anything."""
    if not fleet.demand or len(fleet.sites) < 2:
        return []
    problem = placement_problem(fleet, start=start, hours=min(hours, 24 * 14))
    compiled = compile_fleet(fleet, start=start)
    servers = compiled.servers
    used = utilisation(problem, flows(problem, point_of(problem), problem.states[0]).arrivals).clip(0.0, 1.0)
    names, grid = compiled.names["racks"], np.linspace(0.0, 1.0, servers.type_watts.shape[1])
    bare = rack_loads(fleet.model_copy(update={"server_groups": ()}))
    switches_w = np.array([bare[name][1] for name in names])
    found = []
    for row in used:
        each = [
            float(np.interp(row[rs], grid, servers.type_watts[kind]))
            for rs, kind in zip(servers.group_rs, servers.group_type, strict=True)
        ]
        watts = np.bincount(servers.group_rack, servers.group_count * np.array(each), len(names))
        found.append(dict(zip(names, (watts + switches_w).tolist(), strict=True)))
    return found


def without(fleet: Fleet, lost: Sequence[str]) -> Fleet:
    """Return the fleet without some power units, plants and switches, and without all that they alone feed."""
    gone = set(lost)
    while True:
        dead = {
            unit.name
            for unit in fleet.power_units
            if unit.name not in gone
            and unit.fed_by
            and sum(feeder not in gone for feeder in unit.fed_by) < unit.needs
        }
        if not dead:
            break
        gone |= dead
    tables = {}
    for kind in ("power_units", "racks", "cooling_plants", "switches"):
        rows = []
        for row in fleet.rows(kind):
            feeds = tuple(feeder for feeder in row.fed_by if feeder not in gone)
            if row.name in gone or (row.fed_by and not feeds):
                continue
            shares = getattr(row, "shares", ())
            kept = tuple(
                share for share, feeder in zip(shares, row.fed_by, strict=False) if feeder not in gone
            )
            update = {"fed_by": feeds, **({"shares": _whole(kept)} if shares else {})}
            rows.append(row if feeds == row.fed_by else row.model_copy(update=update))
        tables[kind] = tuple(rows)
    there = {rack.name for rack in tables["racks"]}
    groups = tuple(group for group in fleet.server_groups if group.rack in there)
    return fleet.model_copy(update={**tables, "server_groups": groups})


def _whole(shares: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(share / sum(shares) for share in shares) if sum(shares) > 0 else ()
