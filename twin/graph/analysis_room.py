"""The room of a site for more servers: every limit as one linear row, the most that fits, and a placement that does.

A *column* is one more watt of servers with one power factor behind one feed. All rows are limits of the form
Σ more · column ≤ spare with nothing negative, so leaving servers out never breaks one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array

from twin.graph.analysis_chain import Feed, SiteLoads, nameplate_w, rack_feed
from twin.graph.levels import Bools, Floats
from twin.model.power import Rack
from twin.model.servers import ServerType

Ints = NDArray[np.int64]
HEAT = -1  # in place of a unit: the heat that the cooling plants remove


@dataclass(frozen=True)
class Limits:
    """Rows `[R]`: what one more watt of each column adds, `[R, J]` in VA (or W of heat), and what is spare.

    `unit` says whose limit a row is and `after_loss` whether it holds after a loss only; `normal` `[U, J]` is what a watt
    of each column adds to each unit while nothing is lost.
    """

    more: Floats
    spare: Floats
    unit: Ints
    after_loss: Bools
    normal: Floats


@dataclass(frozen=True)
class Places:
    """Racks alike in feed, free height and budget left: `count` of them, which each take up to `most` servers of a type `[K]`."""

    feed: int
    count: int
    free_u: int
    budget_w: float
    most: Ints


@dataclass(frozen=True)
class Room:
    """Limits, places and server types `[K]` of a site; the column of feed f and type k is `column[f, k]`."""

    limits: Limits
    places: tuple[Places, ...]
    feeds: int
    height_u: Ints
    watts: Floats
    column: Ints

    def most(self, gain: Floats, rows: Bools, *, space: bool) -> tuple[float, Floats | None]:
        """Return the most load that fractions of servers can add, and how much of each variable that takes.

        `gain` `[J]` is the load of a watt, `rows` are the limits that count, at least one of them on every column with a gain.
        An upper bound for whole servers. Variables are (place, type) with space, (feed, first type of its column) without.
        """
        pairs = list(self._of_places(gain) if space else self._of_feeds(gain))
        if not pairs:
            return 0.0, None
        column = np.array([self.column[feed, k] for _, feed, k in pairs])
        watts = np.array([self.watts[k] for *_, k in pairs])
        use, spare = self.limits.more[np.ix_(rows, column)] * watts, self.limits.spare[rows]
        use, spare = _telling(use, spare)
        bounds = [(0.0, np.inf)] * len(pairs)
        if space:
            more, room = self._space(pairs)
            use, spare = np.vstack([use, more]), np.concatenate([spare, room])
            bounds = [(0.0, float(self.places[p].most[k] * self.places[p].count)) for p, _, k in pairs]
        if len(pairs) == 1 and not space:
            return float(gain[column[0]] * watts[0] * (spare / use[:, 0]).min()), None
        scale = use.max(axis=1)
        rows_of = csr_array(use / scale[:, None])
        found = linprog(-gain[column] * watts, A_ub=rows_of, b_ub=spare / scale, bounds=bounds)
        assert found.status == 0, found.message
        return float(-found.fun), found.x if space else None

    def _of_places(self, gain: Floats) -> Iterator[tuple[int, int, int]]:
        for p, place in enumerate(self.places):
            for k in np.flatnonzero((gain[self.column[place.feed]] > 0) & (place.most > 0)):
                yield p, place.feed, int(k)

    def _of_feeds(self, gain: Floats) -> Iterator[tuple[int, int, int]]:
        first = np.unique(self.column[0], return_index=True)[1] if len(self.column) else ()
        for feed in sorted({place.feed for place in self.places}):
            yield from ((-1, feed, int(k)) for k in first if gain[self.column[feed, k]] > 0)

    def _space(self, pairs: Sequence[tuple[int, int, int]]) -> tuple[Floats, Floats]:
        """Return rows for the height and the budget of all racks of each place."""
        rows, room = [], []
        for p in sorted({p for p, *_ in pairs}):
            place, here = self.places[p], np.array([float(other == p) for other, *_ in pairs])
            sizes = [(self.height_u, float(place.free_u)), (self.watts, place.budget_w)]
            for size, each in sizes:
                if np.isfinite(each):
                    rows.append(here * np.array([size[k] for *_, k in pairs]))
                    room.append(each * place.count)
        return np.array(rows), np.array(room)

    def pairs(self, gain: Floats) -> list[tuple[int, int]]:
        """Return the (place, type) in the order of the variables of `most` with space."""
        return [(p, k) for p, _, k in self._of_places(gain)]


class Placement:
    """Whole servers, put into racks one (place, type) at a time while every limit holds."""

    def __init__(self, room: Room, gain: Floats) -> None:
        self.room, self.gain, self.added_va = room, gain, 0.0
        self.spare = room.limits.spare.copy()
        self.free_u: dict[int, Ints] = {}
        self.budget_w: dict[int, Floats] = {}

    def add(
        self, wanted: Iterable[tuple[int, int]], counts: Mapping[tuple[int, int], int] | None = None
    ) -> None:
        """Add servers of each (place, type) in turn: as many as fit, or as asked for by `counts`."""
        for place, kind in wanted:
            self._add(place, kind, np.inf if counts is None else counts[place, kind])

    def _add(self, p: int, k: int, wanted: float) -> None:
        room = self.room
        watts, height_u = float(room.watts[k]), int(room.height_u[k])
        if p not in self.free_u:
            place = room.places[p]
            self.free_u[p] = np.full(place.count, place.free_u)
            self.budget_w[p] = np.full(place.count, place.budget_w)
        # A load that meets its limit exactly is within it; rounding must not cost a server.
        fit = np.minimum(self.free_u[p] // height_u, np.floor(self.budget_w[p] / watts + 1e-9)).clip(0)
        column = int(room.column[room.places[p].feed, k])
        more = room.limits.more[:, column] * watts
        loads = more > 0
        allowed = np.floor((self.spare[loads] / more[loads]).min(initial=np.inf) + 1e-9)
        total = max(0.0, min(wanted, float(allowed), float(fit.sum())))
        if total < 1:
            return
        taken = np.clip(total - (np.cumsum(fit) - fit), 0, fit)
        self.free_u[p] = self.free_u[p] - (taken * height_u).astype(np.int64)
        self.budget_w[p] = self.budget_w[p] - taken * watts
        self.spare = np.maximum(self.spare - total * more, 0.0)
        self.added_va += total * watts * float(self.gain[column])


def room_of(
    loads: SiteLoads,
    racks: Sequence[Rack],
    kinds: Sequence[ServerType],
    left: Mapping[str, tuple[int, float]],
) -> Room:
    """Return the room of a site whose racks have `left` (height in U, budget in W) for more servers of some kinds.

    Racks without power have none. Cost: O(feeds · cases upstream of each) rows, then one sort per unit.
    """
    lit = {feed: bool(loads.chain.drawn(feed, None)) for feed in dict.fromkeys(map(rack_feed, racks))}
    feeds = [feed for feed, powered in lit.items() if powered]
    factors = sorted({kind.power_factor for kind in kinds})
    watts = np.array([nameplate_w(kind) for kind in kinds])
    height_u = np.array([kind.height_u for kind in kinds], dtype=np.int64)
    number = {feed: f for f, feed in enumerate(feeds)}
    classes: dict[tuple[int, int, float], int] = {}
    for rack in racks:
        if rack_feed(rack) in number:
            key = (number[rack_feed(rack)], *left[rack.name])
            classes[key] = classes.get(key, 0) + 1
    places = []
    for (feed, free_u, budget_w), count in classes.items():
        most = np.minimum(free_u // height_u, np.floor(min(budget_w, 1e12) / watts + 1e-9)).astype(np.int64)
        places.append(Places(feed, count, free_u, budget_w, most))
    of_kind = np.array([factors.index(kind.power_factor) for kind in kinds], dtype=np.int64)
    column = np.arange(len(feeds))[:, None] * len(factors) + of_kind
    return Room(_limits(loads, feeds, np.array(factors)), tuple(places), len(feeds), height_u, watts, column)


def _telling(use: Floats, spare: Floats) -> tuple[Floats, Floats]:
    """Return the rows that can bind: of those that touch a single variable only the tightest."""
    touched = np.count_nonzero(use, axis=1)
    kept = touched > 1
    single = np.flatnonzero(touched == 1)
    variable = np.argmax(use[single] != 0, axis=1) if len(single) else single
    order = np.lexsort((spare[single] / use[single, variable], variable))
    kept[single[order[np.unique(variable[order], return_index=True)[1]]]] = True
    return use[kept], spare[kept]


def _limits(loads: SiteLoads, feeds: Sequence[Feed], factors: Floats) -> Limits:
    """Write down each unit's limit in every case that differs, and the cooling's."""
    chain, cases = loads.chain, 1 + len(loads.units)
    flows = [_cases(loads, feed) for feed in feeds]
    lit = np.ones((cases, len(feeds)))
    for f, by_case in enumerate(flows):
        for case, flow in by_case.items():
            lit[case, f] = bool(flow)
    spread = np.ones((1, len(factors)))
    normal = np.zeros((len(loads.units), len(feeds) * len(factors)))
    parts = [_distinct(np.kron(lit, spread), loads.heat_room_w, HEAT)]
    for u, unit in enumerate(loads.units):
        drawn = np.zeros((cases, len(feeds)))
        for f, by_case in enumerate(flows):
            drawn[:, f] = by_case[0].get(unit.name, 0.0)
            for case, flow in by_case.items():
                drawn[case, f] = flow.get(unit.name, 0.0)
        more = np.kron(drawn, 1.0 / factors[None, :])
        more += np.kron(loads.cooling_va[u][:, None] * lit, spread)
        normal[u] = more[0]
        parts.append(_distinct(more, loads.limit_va[u] - loads.load_va[u], chain.number[unit.name]))
    rows, spare, owner, after = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Limits(rows, spare, owner, after, normal)


def _cases(loads: SiteLoads, feed: Feed) -> dict[int, dict[str, float]]:
    """Return where a volt-ampere of a feed flows: while nothing is lost (0), and for each loss that can change it."""
    chain = loads.chain
    lost = frozenset[str]().union(*map(chain.above, feed.units))
    return {0: chain.drawn(feed, None)} | {1 + chain.number[name]: chain.drawn(feed, name) for name in lost}


def _distinct(more: NDArray[Any], spare: Floats, unit: int) -> tuple[Floats, Floats, Ints, Bools]:
    """Return the row of case 0, and of the others each distinct one with its least spare, if it can say more."""
    room, coarse = np.maximum(spare, 0.0), np.round(more, 12)
    finite = np.isfinite(room)
    others = np.arange(1, len(room))[finite[1:]]
    same = (coarse[others] == coarse[0]).all(axis=1)  # nearly always; sorting what is left is the dear part
    rows, which = np.unique(coarse[others[~same]], axis=0, return_inverse=True)
    least = np.full(len(rows), np.inf)
    np.minimum.at(least, which.ravel(), room[others[~same]])
    rows = np.vstack([coarse[:1], rows])
    least = np.concatenate([[room[others[same]].min(initial=np.inf)], least])
    says = ~((rows <= coarse[0]).all(axis=1) & (least >= room[0])) & rows.any(axis=1)
    kept = np.vstack([more[:1], rows[says]]) if finite[0] else rows[says]
    spares = np.concatenate([room[:1], least[says]]) if finite[0] else least[says]
    after = np.ones(len(kept), dtype=bool)
    after[: int(finite[0])] = False
    return kept, spares, np.full(len(kept), unit, dtype=np.int64), after
