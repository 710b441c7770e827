"""Stranded power: the budget of a power domain that no placement of more servers can use, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from twin.graph.analysis_chain import SiteLoads, nameplate_w, rack_loads, site_loads
from twin.graph.analysis_room import HEAT, Placement, Room, room_of
from twin.graph.levels import Bools, Floats
from twin.model.errors import UsageError, did_you_mean
from twin.model.fleet import Fleet, Site
from twin.model.names import compress

DOMAINS = ("utility", "transformer", "switchboard", "ups", "panel", "pdu")
ASSUMED = (
    "new servers at nameplate power, cooling at the warmest outdoor temperature, every unit within its continuous rating"
    " before and after the loss of any one unit; each domain stands alone; usable is what a placement of whole servers is"
    " shown to use, and fractions of servers could use no more than the bound"
)


@dataclass(frozen=True)
class Domain:
    """A power domain: its budget, what it carries, and what more of it can be used (all in VA, nothing lost).

    `allocated_va` is its load if everything below drew its nameplate, `allocated_after_loss_va` that after the worst single
    loss. `reasons` are the parts of what is stranded: they add up to `stranded_va`. `block_va` is the largest part of the
    usable power behind one feed (racks with the same panels).
    """

    name: str
    kind: str
    site: str
    budget_va: float
    load_va: float
    allocated_va: float
    allocated_after_loss_va: float
    headroom_va: float
    usable_va: float
    bound_va: float
    block_va: float
    reasons: tuple[tuple[str, float], ...]

    @property
    def oversubscription(self) -> float:
        """Return the nameplate power below, over the budget."""
        return self.allocated_va / self.budget_va

    @property
    def oversubscription_after_loss(self) -> float:
        """Return the nameplate power below after the worst single loss, over the budget."""
        return self.allocated_after_loss_va / self.budget_va

    @property
    def stranded_va(self) -> float:
        """Return the headroom that no more servers can use."""
        return self.headroom_va - self.usable_va

    @property
    def fragmentation(self) -> float | None:
        """Return 1 - largest usable block / all that is usable: 0 when one feed could take it all; None for nothing."""
        return 1.0 - self.block_va / self.usable_va if self.usable_va > 0 else None


@dataclass(frozen=True)
class Stranded:
    """The power domains of a fleet, most stranded first; `assumed` says what the numbers rest on."""

    domains: tuple[Domain, ...]
    assumed: str


def stranded_power(
    fleet: Fleet,
    *,
    site: str | None = None,
    rack_w: Mapping[str, float] | None = None,
    swing_va: Mapping[str, float] | None = None,
) -> Stranded:
    """Return what is stranded in each domain, of one site or of all.

    Present servers count at nameplate power unless `rack_w` says what racks draw; `swing_va` is what the sub-interval peak
    of a unit adds to that.

    Usable is the most load that more servers of the fleet's own types, placed anywhere below, can put on the domain at once.
    A linear program over fractions of servers bounds it from above; rounding that down, and filling racks greedily, gives
    placements of whole servers that fit, the best of which is `usable_va`: the true optimum lies between the two, so
    `stranded_va` is never too small, and too large by no more than its part "no whole server fits".
    Raises UsageError for an unknown site. Cost: at most five small linear programs per domain.
    """
    known = [row.name for row in fleet.sites]
    if site is not None and site not in known:
        hint = did_you_mean(site, known) or f"one of: {', '.join(known[:10])}"
        raise UsageError(f"the fleet {fleet.name} has no site called '{site}' ({hint})")
    now, full = rack_loads(fleet, rack_w), rack_loads(fleet)
    left = _left(fleet, now)
    found: list[Domain] = []
    for row in fleet.sites:
        if site in (None, row.name):
            loads = _with_swing(site_loads(fleet, row, now), swing_va or {})
            found += _of_site(fleet, row, loads, site_loads(fleet, row, full).load_va, left)
    return Stranded(tuple(sorted(found, key=lambda domain: -domain.stranded_va)), ASSUMED)


def _of_site(
    fleet: Fleet, site: Site, loads: SiteLoads, full_va: Floats, left: Mapping[str, tuple[int, float]]
) -> list[Domain]:
    racks = [rack for rack in fleet.racks if rack.site == site.name]
    kinds = [kind for kind in fleet.server_types if nameplate_w(kind) > 0]
    room = room_of(loads, racks, kinds, left)
    found = []
    for numbers in _domains(fleet, loads):
        units = [loads.units[u] for u in numbers]
        budget = loads.limit_va[numbers]
        headroom = float(np.maximum(budget - loads.load_va[numbers, 0], 0.0).sum())
        usable, block, bounds = _usable(room, loads, numbers, headroom)
        steps = np.diff([usable, *(va for _, va in bounds)])
        reasons = [
            (why, float(va)) for (why, _), va in zip(bounds, steps, strict=True) if va > 1e-6 * headroom
        ]
        found.append(
            Domain(
                name=" ".join(compress([unit.name for unit in units])),
                kind=units[0].kind,
                site=site.name,
                budget_va=float(budget.sum()),
                load_va=float(loads.load_va[numbers, 0].sum()),
                allocated_va=float(full_va[numbers, 0].sum()),
                allocated_after_loss_va=float(full_va[numbers].sum(axis=0).max()),
                headroom_va=headroom,
                usable_va=usable,
                bound_va=bounds[0][1],
                block_va=block,
                reasons=tuple(sorted(reasons, key=lambda reason: -reason[1])),
            )
        )
    return found


def _domains(fleet: Fleet, loads: SiteLoads) -> list[list[int]]:
    """Return the units of each domain: UPSs that share feeders and consumers are one group, the others stand alone."""
    below: dict[str, list[str]] = {}
    tables = (fleet.power_units, fleet.racks, fleet.cooling_plants, fleet.switches)
    for name, fed_by in ((row.name, row.fed_by) for table in tables for row in table):
        for feeder in fed_by:
            below.setdefault(feeder, []).append(name)
    groups: dict[object, list[int]] = {}
    for u, unit in enumerate(loads.units):
        if unit.kind in DOMAINS:
            shared = (unit.fed_by, tuple(below.get(unit.name, ())))
            groups.setdefault(shared if unit.kind == "ups" and shared[1] else unit.name, []).append(u)
    return list(groups.values())


def _usable(
    room: Room, loads: SiteLoads, numbers: Sequence[int], headroom_va: float
) -> tuple[float, float, list[tuple[str, float]]]:
    """Return what whole servers can use, the largest block of it behind one feed, and the bounds as limits go.

    The bounds rise from "fractions of servers" to the whole headroom while one kind of limit after the other is left out;
    each step is named for the limit that cost it.
    """
    gain = room.limits.normal[list(numbers)].sum(axis=0)
    bound, amounts = room.most(gain, np.ones(len(room.limits.spare), dtype=bool), space=True)
    bound = min(bound, headroom_va)
    usable, block = _place(room, gain, amounts)
    bounds = [("no whole server fits", max(bound, usable))]
    for why, rows in _relaxed(room, loads, numbers):
        most = bounds[-1][1]
        if most < headroom_va * (1 - 1e-9):
            most = min(max(most, room.most(gain, rows, space=False)[0]), headroom_va)
        bounds.append((why, most))
    return usable, block, [*bounds, ("nothing below can draw it", headroom_va)]


def _relaxed(room: Room, loads: SiteLoads, numbers: Sequence[int]) -> list[tuple[str, Bools]]:
    """Return the limits that count once space, then each further kind of limit, is left out."""
    limits, units = room.limits, [loads.units[u].name for u in numbers]
    above = frozenset[str]().union(*map(loads.chain.above, units)) - set(units)
    upstream = np.isin(limits.unit, [loads.chain.number[name] for name in above])
    now = ~limits.after_loss
    cooled = now & (limits.unit != HEAT)
    return [
        ("space or budget of the racks", np.ones(len(limits.spare), dtype=bool)),
        ("reserve for the loss of a unit", now),
        ("cooling", cooled),
        ("a limit upstream", cooled & ~upstream),
        ("a limit below or on the other feed", now & np.isin(limits.unit, numbers)),
    ]


def _place(room: Room, gain: Floats, amounts: Floats | None) -> tuple[float, float]:
    """Return the best of a few placements of whole servers, and the best that stays behind one feed."""
    pairs = room.pairs(gain)
    if amounts is None:
        return 0.0, 0.0
    large = sorted(pairs, key=lambda pair: -room.watts[pair[1]])
    dense = sorted(pairs, key=lambda pair: -room.watts[pair[1]] / room.height_u[pair[1]])
    rounded = Placement(room, gain)
    rounded.add(sorted(pairs, key=lambda pair: -room.height_u[pair[1]]), _floor(pairs, amounts))
    rounded.add(large)
    tried = [rounded.added_va, *(_filled(room, gain, order) for order in (large, dense))]
    block = max(_block(room, gain, order) for order in (large, dense))
    return max(*tried, block), block


def _block(room: Room, gain: Floats, pairs: Sequence[tuple[int, int]]) -> float:
    """Return the best of the placements behind a single feed, filled in a given order."""
    parts: dict[int, list[tuple[int, int]]] = {}
    space_va: dict[int, float] = {}  # more than the racks of a feed can take
    for p, k in pairs:
        place = room.places[p]
        parts.setdefault(place.feed, []).append((p, k))
        each_va = room.watts[k] * gain[room.column[place.feed, k]]
        space_va[place.feed] = space_va.get(place.feed, 0.0) + float(place.count * place.most[k] * each_va)
    best = 0.0
    for feed in sorted(parts, key=lambda feed: -space_va[feed]):
        if space_va[feed] <= best:
            break
        best = max(best, _filled(room, gain, parts[feed]))
    return best


def _filled(room: Room, gain: Floats, order: Sequence[tuple[int, int]]) -> float:
    placement = Placement(room, gain)
    placement.add(order)
    return placement.added_va


def _floor(pairs: Sequence[tuple[int, int]], amounts: Floats) -> dict[tuple[int, int], int]:
    return {pair: int(amount + 1e-6) for pair, amount in zip(pairs, amounts, strict=True)}


def _with_swing(loads: SiteLoads, swing_va: Mapping[str, float]) -> SiteLoads:
    swing = np.array([swing_va.get(unit.name, 0.0) for unit in loads.units])
    return SiteLoads(
        units=loads.units,
        load_va=loads.load_va + swing[:, None],
        limit_va=loads.limit_va,
        cooling_va=loads.cooling_va,
        heat_room_w=loads.heat_room_w,
        chain=loads.chain,
    )


def _left(fleet: Fleet, loads: Mapping[str, tuple[float, float]]) -> dict[str, tuple[int, float]]:
    """Return the free height (U) and the budget left (W) of every rack."""
    heights = {kind.name: kind.height_u for kind in fleet.server_types}
    used: dict[str, int] = {}
    for group in fleet.server_groups:
        used[group.rack] = used.get(group.rack, 0) + group.count * heights[group.type]
    left = {}
    for rack in fleet.racks:
        budget_w = np.inf if rack.budget_w is None else max(0.0, rack.budget_w - loads[rack.name][1])
        left[rack.name] = (max(0, rack.space_u - used.get(rack.name, 0)), float(budget_w))
    return left
