"""The power problem: which racks to feed otherwise, to cap or to swap, so that more servers can be placed at all.

A *class* of racks is alike in feed, load, free height and budget. A *feed* is what a rack of the same number of cords is fed by
today somewhere at the site. *Usable* power is what more servers, placed anywhere, can put on the domains of a level (utility,
switchboard, ...) at once, with every unit within its continuous rating before and after the loss of any one: as
`twin.graph.analysis_stranded` has it, in fractions of servers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from solvers.power_classes import RackClass, ServerW, rack_classes
from solvers.power_swaps import Swaps, swaps_of
from twin.graph.analysis_chain import Feed, SiteLoads, nameplate_w, rack_feed, rack_loads, site_loads
from twin.graph.analysis_stranded import DOMAINS
from twin.graph.levels import Bools, Floats, Ints
from twin.model.errors import UsageError, did_you_mean
from twin.model.fleet import Fleet, Site

HEAT = "cooling"


@dataclass(frozen=True)
class PowerProblem:
    """Classes [R], feeds [F], options (class, feed) [O], server types [K], limits [M].

    What a rack on feed f adds to limit m is `per_va[m, f]` x its VA + `per_w[m, f]` x its W; `left` is what the rating leaves
    without any rack and `used` what today's racks take: what is above its rating today must not get worse. `gain_va` and
    `gain_w` [F] are the same for the domains that count.
    """

    classes: tuple[RackClass, ...]
    feeds: tuple[Feed, ...]
    option_class: Ints
    option_feed: Ints
    type_names: tuple[str, ...]
    type_w: Floats
    type_va: Floats
    type_u: Ints
    unit: tuple[str, ...]
    state: tuple[str, ...]
    per_va: Floats
    per_w: Floats
    left: Floats
    used: Floats
    gain_va: Floats
    gain_w: Floats
    swaps: Swaps

    @property
    def count(self) -> Ints:
        """Return how many racks each class has."""
        return np.array([len(one.racks) for one in self.classes], dtype=np.int64)

    @property
    def home(self) -> Bools:
        """Return which options leave a class where it is."""
        return np.array([self.classes[r].home for r in self.option_class], dtype=np.int64) == self.option_feed

    def on_limit(self, option: int) -> Floats:
        """Return what a rack of an option adds to each limit `[M]`."""
        one, feed = self.classes[self.option_class[option]], self.option_feed[option]
        return self.per_va[:, feed] * one.load_va + self.per_w[:, feed] * one.load_w


def power_problem(
    fleet: Fleet,
    *,
    level: str = "utility",
    sites: Sequence[str] = (),
    rack_w: Mapping[str, float] | None = None,
    swing_va: Mapping[str, float] | None = None,
    server_w: ServerW | None = None,
) -> PowerProblem:
    """Read the problem off a fleet, with present servers at nameplate unless `rack_w` says what racks draw.

    `swing_va` is what the sub-interval peak of a unit adds to its load. What servers draw, by site, owner and type (`server_w`),
    makes swaps: without it there are none. Raises UsageError with everything that is wrong.
    """
    if server_w is not None and rack_w is None:
        raise UsageError(
            "what servers draw (server_w) needs what racks draw (rack_w): swaps change the one with the other"
        )
    chosen = _checked(fleet, level, sites)
    kinds = [kind for kind in fleet.server_types if nameplate_w(kind) > 0]
    loads = rack_loads(fleet, rack_w)
    classes: list[RackClass] = []
    feeds: list[Feed] = []
    limits: list[tuple[list[tuple[str, str]], Floats, Floats, Floats, Floats]] = []
    gains: list[tuple[Floats, Floats]] = []
    for site in chosen:
        racks = [rack for rack in fleet.racks if rack.site == site.name]
        own = list(dict.fromkeys(rack_feed(rack) for rack in racks))
        empty = site_loads(fleet, site, dict.fromkeys(loads, (0.0, 0.0)))
        number = {feed: len(feeds) + f for f, feed in enumerate(own)}
        classes += rack_classes(fleet, racks, loads, number, server_w)
        full = site_loads(fleet, site, loads)
        swing = np.array([(swing_va or {}).get(unit.name, 0.0) for unit in empty.units])
        limits.append(_limits(empty, full, own, swing))
        gains.append(_gains(empty, own, level))
        feeds += own
    names = [name for part in limits for name in part[0]]
    options = [
        (r, f)
        for r, one in enumerate(classes)
        for f, feed in enumerate(feeds)
        if _may_take(fleet, feeds[one.home], feed, holds=one.holds)
    ]
    return PowerProblem(
        classes=tuple(classes),
        feeds=tuple(feeds),
        option_class=np.array([r for r, _ in options], dtype=np.int64),
        option_feed=np.array([f for _, f in options], dtype=np.int64),
        type_names=tuple(kind.name for kind in kinds),
        type_w=np.array([nameplate_w(kind) for kind in kinds]),
        type_va=np.array([nameplate_w(kind) / kind.power_factor for kind in kinds]),
        type_u=np.array([kind.height_u for kind in kinds], dtype=np.int64),
        unit=tuple(unit for unit, _ in names),
        state=tuple(state for _, state in names),
        per_va=_diagonal([part[1] for part in limits]),
        per_w=_diagonal([part[2] for part in limits]),
        left=np.concatenate([part[3] for part in limits]),
        used=np.concatenate([part[4] for part in limits]),
        gain_va=np.concatenate([va for va, _ in gains]),
        gain_w=np.concatenate([w for _, w in gains]),
        swaps=swaps_of(fleet, classes),
    )


def _checked(fleet: Fleet, level: str, sites: Sequence[str]) -> list[Site]:
    """Return the sites to plan, or raise with all that is wrong."""
    known, wrong = {site.name: site for site in fleet.sites}, []
    if level not in DOMAINS:
        wrong.append(f"no level '{level}' ({did_you_mean(level, DOMAINS) or ', '.join(DOMAINS)})")
    elif not any(unit.kind == level for unit in fleet.power_units):
        kinds = sorted({unit.kind for unit in fleet.power_units} & set(DOMAINS))
        wrong.append(f"the fleet has no {level} ({', '.join(kinds) or 'no power units'})")
    for name in sites:
        if name not in known:
            wrong.append(f"no site '{name}' ({did_you_mean(name, list(known)) or ', '.join(known)})")
    if not fleet.racks:
        wrong.append("the fleet has no racks")
    if not any(nameplate_w(kind) > 0 for kind in fleet.server_types):
        wrong.append("no server type draws power")
    if wrong:
        raise UsageError("no power to plan: " + "; ".join(wrong))
    return [known[name] for name in sites or known]


def _may_take(fleet: Fleet, home: Feed, feed: Feed, *, holds: bool) -> bool:
    """Tell whether a rack of one feed may be put on another: of its site, cord by cord, units of the same kinds.

    One that holds stored copies keeps the feeders of its feeds: else copies that were kept apart share a fate upstream.
    """
    if home == feed:
        return True
    if len(home.units) != len(feed.units) or home.shares != feed.shares:
        return False
    pairs = [(fleet.things[a][1], fleet.things[b][1]) for a, b in zip(home.units, feed.units, strict=True)]
    crossed = any(new in home.units for old, new in zip(home.units, feed.units, strict=True) if old != new)
    if holds and any(set(a.fed_by) != set(b.fed_by) for a, b in pairs):
        return False
    return not crossed and all(a.site == b.site and a.kind == b.kind for a, b in pairs)


def _limits(
    empty: SiteLoads, full: SiteLoads, feeds: Sequence[Feed], swing_va: Floats
) -> tuple[list[tuple[str, str]], Floats, Floats, Floats, Floats]:
    """Return the limits of a site that differ: whose, in which state, per VA, per W, what is left, and what is used."""
    flows = [empty.chain.everywhere(feed) for feed in feeds]
    drawn = np.stack([load for load, _ in flows], axis=-1)  # [U, X, F]
    lit = np.stack([alive for _, alive in flows], axis=-1).astype(float)  # [X, F]
    states = ["", *(f"without {unit.name}" for unit in empty.units)]
    left, used = (empty.limit_va - swing_va)[:, None] - empty.load_va, full.load_va - empty.load_va
    rows = [
        ((unit.name, state), drawn[u, x], empty.cooling_va[u, x] * lit[x], left[u, x], used[u, x])
        for u, unit in enumerate(empty.units)
        for x, state in enumerate(states)
    ]
    cooled = np.isfinite(empty.heat_room_w)
    used_w = np.subtract(empty.heat_room_w, full.heat_room_w, out=np.zeros(len(cooled)), where=cooled)
    none = np.zeros(len(feeds))
    room_w = empty.heat_room_w
    rows += [
        ((HEAT, state), none, lit[x], room_w[x], used_w[x]) for x, state in enumerate(states) if cooled[x]
    ]
    tightest: dict[tuple[object, ...], tuple[tuple[str, str], Floats, Floats, float, float]] = {}
    for name, va, watts, room, taken in rows:
        key = (name[0], *np.round(va, 12).tolist(), *np.round(watts, 12).tolist())
        if (va.any() or watts.any()) and (key not in tightest or room < tightest[key][3]):
            tightest[key] = (name, va, watts, float(room), float(taken))
    kept = list(tightest.values())
    shape = (len(kept), len(feeds))
    return (
        [name for name, *_ in kept],
        np.array([va for _, va, *_ in kept]).reshape(shape),
        np.array([watts for _, _, watts, *_ in kept]).reshape(shape),
        np.array([room for *_, room, _ in kept]),
        np.array([taken for *_, taken in kept]),
    )


def _gains(empty: SiteLoads, feeds: Sequence[Feed], level: str) -> tuple[Floats, Floats]:
    """Return what a VA and a W on each feed add to the domains of a level while nothing is lost `[F]`."""
    of_level = np.array([unit.kind == level for unit in empty.units], dtype=bool)
    flows = [empty.chain.everywhere(feed) for feed in feeds]
    va = np.array([load[of_level, 0].sum() for load, _ in flows])
    return va, np.array([float(empty.cooling_va[of_level, 0].sum() * alive[0]) for _, alive in flows])


def _diagonal(blocks: Sequence[Floats]) -> Floats:
    height, width = (sum(block.shape[axis] for block in blocks) for axis in (0, 1))
    found, row, column = np.zeros((height, width)), 0, 0
    for block in blocks:
        found[row : row + block.shape[0], column : column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    return found
