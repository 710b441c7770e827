"""Power and heat as rows of a capacity problem: each unit in each state of its plant, with all that does not move taken off.

States are: as it is (the continuous rating holds), while a unit that no rack depends on is maintained (the same, for hours),
and after the loss of a unit (the emergency rating, where there is one). Loads move as `twin/graph/analysis_chain.py` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack

from solvers.problem import Bools, Budget, Floats, Ints
from twin.graph.analysis_chain import SiteLoads, nameplate_w, rack_feed, rack_loads, site_loads
from twin.model.fleet import Fleet
from twin.model.power import PowerUnit, Rack
from twin.model.servers import ServerType


def power_budgets(
    fleet: Fleet, blocks: Sequence[Sequence[Rack]], block: Ints, kind: Ints, weight: Floats
) -> tuple[Budget, ...]:
    """Return the budgets of power [VA] and heat [W] for cells `[C]` of (block, type); `weight` `[P]` are watts above idle.

    Cost: units x states x feeds of each site; rows that say the same are kept once, with the least room.
    """
    idle = _idle_loads(fleet)
    factor = np.array([row.power_factor for row in fleet.server_types])[kind]
    rows = [_site_rows(fleet, site.name, _Here(blocks, block, factor), idle) for site in fleet.sites]
    power = [row for power, _ in rows for row in power]
    heat = [row for _, heat in rows for row in heat]
    made = []
    for name, unit, found in (("power", "VA", power), ("heat", "W", heat)):
        if found:
            made.append(
                Budget(
                    name=name,
                    unit=unit,
                    rows=tuple(row.name for row in found),
                    share=csr_array(vstack([row.share for row in found])),
                    weight=weight,
                    limit=np.array([row.room for row in found]),
                )
            )
    return tuple(made)


@dataclass(frozen=True)
class _Here:
    blocks: Sequence[Sequence[Rack]]
    block: Ints
    factor: Floats


@dataclass(frozen=True)
class _Row:
    name: str
    share: csr_array
    room: float


def _site_rows(
    fleet: Fleet, site_name: str, here: _Here, idle: dict[str, tuple[float, float]]
) -> tuple[list[_Row], list[_Row]]:
    site = next(site for site in fleet.sites if site.name == site_name)
    loads = site_loads(fleet, site, idle)
    cells = np.flatnonzero([here.blocks[b][0].site == site_name for b in here.block])
    if not len(cells):
        return [], []
    feeds = {b: rack_feed(here.blocks[b][0]) for b in {int(b) for b in here.block[cells]}}
    distinct = {feed: i for i, feed in enumerate(dict.fromkeys(feeds.values()))}
    of_cell = np.array([distinct[feeds[int(b)]] for b in here.block[cells]])
    drawn, lit = zip(*(loads.chain.everywhere(feed) for feed in distinct), strict=True)
    drawn_va, alive = np.stack(drawn), np.stack(lit)  # [F, U, X], [F, X]
    kept: Bools = np.asarray(alive.all(axis=0))
    power: list[_Row] = []
    for u, unit in enumerate(loads.units):
        per_watt = drawn_va[of_cell, u] / here.factor[cells, None] + loads.cooling_va[u] * alive[of_cell]
        limit = _limits(loads, unit, kept)
        power += _telling(
            unit.name, _States(loads, kept), per_watt.T, limit - loads.load_va[u], (cells, len(here.block))
        )
    heat: list[_Row] = []
    if np.isfinite(loads.heat_room_w).any():
        share = alive[of_cell].astype(float).T
        heat = _telling(
            f"cooling of {site_name}",
            _States(loads, kept),
            share,
            loads.heat_room_w,
            (cells, len(here.block)),
        )
    return power, heat


@dataclass(frozen=True)
class _States:
    """The states of a plant: 0 as it is, 1 + u without unit u; `kept` `[X]` tells whether every feed lives."""

    loads: SiteLoads
    kept: Bools

    def name(self, state: int) -> str:
        """Return the words for a state, to follow the name of a device."""
        if state == 0:
            return ""
        unit = self.loads.units[state - 1].name
        return f" while {unit} is maintained" if self.kept[state] else f" after the loss of {unit}"


def _limits(loads: SiteLoads, unit: PowerUnit, kept: Bools) -> Floats:
    """Return the limit of a unit in every state `[X]`."""
    hours = unit.rated_va * unit.continuous
    limit = np.where(kept, hours, unit.emergency_va or unit.rated_va)
    limit[0] = hours
    return limit


def _telling(name: str, states: _States, share: Floats, room: Floats, where: tuple[Ints, int]) -> list[_Row]:
    """Return the rows that can say something: of those with equal shares only the one with the least room."""
    cells, width = where
    best: dict[bytes, int] = {}
    for x in range(len(room)):
        if not np.isfinite(room[x]) or not share[x].any():
            continue
        key = np.round(share[x], 9).tobytes()
        if key not in best or room[x] < room[best[key]]:
            best[key] = x
    return [
        _Row(
            name + states.name(x),
            csr_array((share[x], (np.zeros(len(cells), dtype=np.int64), cells)), shape=(1, width)),
            float(room[x]),
        )
        for x in sorted(best.values())
    ]


def _idle_loads(fleet: Fleet) -> dict[str, tuple[float, float]]:
    """Return what each rack draws (VA, W) when all its servers idle; its switches as always."""
    kinds = {kind.name: kind for kind in fleet.server_types}
    load = rack_loads(fleet)
    for group in fleet.server_groups:
        kind, (va, watts) = kinds[group.type], load[group.rack]
        less = group.count * (nameplate_w(kind) - idle_w(kind))
        load[group.rack] = (va - less / kind.power_factor, watts - less)
    return load


def idle_w(kind: ServerType) -> float:
    """Return what a server that is on and idle draws [W]."""
    return kind.curve[0][1] if kind.curve else kind.idle_w or 0.0
