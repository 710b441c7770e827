"""The capacity problem of a fleet: its racks as cells, its rules as rows.

A *block* is racks with the same site, feed, and failure domains of the families that count: they are the same to every rule, so a
cell is a block and a server type. Units of demand are *server equivalents*: the relative resource units of a reservation over
what one of its servers gives, so that a GPU server and a web server weigh alike in the objective.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import binom

from solvers.capacity_backbone import backbone_of
from solvers.capacity_power import power_budgets
from solvers.domains import families_of
from solvers.needs import Needs, needs_of
from solvers.problem import Affinity, Bools, Budget, CapacityProblem, Family, Floats, Ints, Prices
from solvers.requirements import with_less, with_more
from twin.model.errors import UsageError, did_you_mean
from twin.model.fleet import Fleet
from twin.model.power import Rack
from twin.model.servers import Reservation, ServerType
from twin.records.requirement import Requirement

WITHIN = 0.0  # of its demand: how much less a site may have than its traffic asks for
SPARE_QUANTILE = (
    0.99  # so likely the spare servers of a type suffice for those that are broken at any instant
)
SPARE_PRICE = 20.0  # points for a missing spare server


@dataclass(frozen=True)
class Wishes:
    """What the author of a plan asks for beyond what the fleet declares.

    `survive` are families of failure domains that every reservation must survive ("rack", "row", "site", "panel", ...), besides
    its own; `overcommit` says how much more a reservation promises than it keeps (1.1: a tenth), which is a declared risk.
    `require` is what the twin has asked for after a plan failed.
    """

    survive: tuple[str, ...] = ()
    overcommit: Mapping[str, float] = field(default_factory=dict)
    prices: Prices = Prices()
    spread: float | None = None
    within: float = WITHIN
    require: tuple[Requirement, ...] = ()


@dataclass(frozen=True)
class FleetProblem:
    """A capacity problem and what its numbers stand for in the fleet.

    `racks` are the racks of each cell; `unit_rru` `[R]` is one server equivalent in RRU; `assumed` says what it rests on.
    """

    problem: CapacityProblem
    racks: tuple[tuple[str, ...], ...]
    needs: Needs
    unit_rru: Floats
    site_of_cell: Ints
    assumed: tuple[str, ...]


def capacity_problem(fleet: Fleet, wishes: Wishes | None = None) -> FleetProblem:
    """Return the problem of a fleet. Raises UsageError with everything that is wrong with the wishes."""
    wishes = wishes or Wishes()
    _refuse(fleet, wishes)
    needs = with_more(needs_of(fleet), fleet, wishes.require)
    wanted = tuple(dict.fromkeys([*wishes.survive, *(f for r in fleet.reservations for f in r.survives)]))
    of_rack = families_of(fleet, wanted)
    blocks, of_block = _blocks(fleet, [domain for _, domain in of_rack.values()])
    cells = _cells(fleet, blocks, of_block)
    pairs = _pairs(fleet, cells)
    unit = _units(fleet, pairs, cells)
    over = np.array([wishes.overcommit.get(row.name, 1.0) for row in fleet.reservations])
    demand = needs.demand / over / unit
    sites = {row.name: s for s, row in enumerate(fleet.sites)}
    site_of_block = np.array([sites[racks[0].site] for racks in blocks], dtype=np.int64)
    site_of_cell = site_of_block[cells.block]
    families = [
        Family(name, names, domain[cells.first_rack]) for name, (names, domain) in of_rack.items()
    ] or [Family("site", tuple(sites), site_of_cell)]
    spread_family = next((number for number, family in enumerate(families) if family.domains), 0)
    even = 1.0 / max(len(families[spread_family].domains), 1)
    spread = np.full(len(demand), np.inf if wishes.spread is None else wishes.spread * even)
    busy = np.divide(needs.busy.sum(axis=1), needs.demand, out=np.zeros_like(demand), where=needs.demand > 0)
    busy = np.where((needs.demand > 0) & (busy == 0), 1.0, np.minimum(busy * over, 1.0))
    watts = np.array([[_watts(kind, u) - _watts(kind, 0.0) for kind in fleet.server_types] for u in busy])
    power = power_budgets(fleet, blocks, cells.block, cells.kind, watts[pairs.owner, cells.kind[pairs.cell]])
    power = tuple(with_less(budget, wishes.require) for budget in power)
    budgets = (*power, *_spares(fleet, cells, pairs, demand))
    names = tuple(
        f"{racks[0].name if len(racks) == 1 else f'{racks[0].name}+{len(racks) - 1}'}/{fleet.server_types[k].name}"
        for racks, k in ((blocks[b], k) for b, k in zip(cells.block, cells.kind, strict=True))
    )
    problem = CapacityProblem(
        cell_names=names,
        reservation_names=needs.reservations,
        servers=cells.servers,
        cell_type=cells.kind,
        type_names=tuple(kind.name for kind in fleet.server_types),
        pair_cell=pairs.cell,
        pair_reservation=pairs.owner,
        value=pairs.value / unit[pairs.owner],
        now=pairs.now,
        demand=demand,
        families=tuple(families),
        survives=_survives(fleet, wishes, tuple(of_rack), demand)
        if of_rack
        else np.zeros((len(demand), 1), bool),
        spread=spread,
        spread_family=spread_family,
        budgets=budgets,
        affinity=_affinity(families, needs, site_of_cell, sites, wishes),
        backbone=backbone_of(fleet, needs, unit),
        site_of_cell=site_of_cell,
        prices=wishes.prices,
        owned=True,
    )
    if problem.affinity is not None and problem.affinity.family == len(families):
        problem = _with_sites(problem, tuple(sites), site_of_cell)
    racks = tuple(tuple(rack.name for rack in blocks[b]) for b in cells.block)
    return FleetProblem(problem, racks, needs, unit, site_of_cell, _ASSUMED)


_ASSUMED = (
    "servers run as busy as the target utilisation of their services at the peak; free ones idle",
    "weights of traffic stay: a reservation has at each site what its traffic needs, within the tolerance",
    f"spare servers of a type suffice for broken ones {SPARE_QUANTILE:.0%} of the time, by mtbf and mttr of the type",
)


@dataclass(frozen=True)
class _Cells:
    """Cells `[C]`: block, type, servers, and the index of the first rack."""

    block: Ints
    kind: Ints
    servers: Ints
    first_rack: Ints
    now: Mapping[tuple[int, int], int]


@dataclass(frozen=True)
class _Pairs:
    """Pairs `[P]` sorted by cell and reservation: what a server is worth [RRU], and how many there are."""

    cell: Ints
    owner: Ints
    value: Floats
    now: Ints


def _refuse(fleet: Fleet, wishes: Wishes) -> None:
    """Raise for wishes that name nothing, or promise nonsense; all of them at once."""
    known = [row.name for row in fleet.reservations]
    wrong = []
    for name, factor in wishes.overcommit.items():
        if name not in known:
            wrong.append(
                f"overcommit: no reservation {name!r} ({did_you_mean(name, known) or ', '.join(known[:8])})"
            )
        elif not 1.0 <= factor <= 10.0:
            wrong.append(f"overcommit of {name}: {factor:g} is not between 1 and 10")
    prices = wishes.prices
    for part in ("move", "use", "spread", "buffer", "shortage"):
        price = getattr(prices, part)
        if not (np.isfinite(price) and price >= 0):
            wrong.append(f"the price of {part} is {price:g}; give a number from 0 on")
    if not fleet.reservations:
        wrong.append("the fleet has no reservations: there is nobody to plan for")
    if wrong:
        raise UsageError("; ".join(wrong))


def _blocks(fleet: Fleet, domains: Sequence[Ints]) -> tuple[list[list[Rack]], dict[str, int]]:
    """Return the blocks of racks, and the block of each rack."""
    found: dict[tuple[object, ...], list[Rack]] = {}
    for i, rack in enumerate(fleet.racks):
        key = (rack.site, rack.fed_by, rack.shares, *(int(domain[i]) for domain in domains))
        found.setdefault(key, []).append(rack)
    blocks = list(found.values())
    return blocks, {rack.name: b for b, racks in enumerate(blocks) for rack in racks}


def _cells(fleet: Fleet, blocks: Sequence[Sequence[Rack]], of_block: Mapping[str, int]) -> _Cells:
    kinds = {row.name: k for k, row in enumerate(fleet.server_types)}
    owners = {row.name: r for r, row in enumerate(fleet.reservations)}
    rack_number = {rack.name: i for i, rack in enumerate(fleet.racks)}
    servers: dict[tuple[int, int], int] = {}
    now: dict[tuple[tuple[int, int], int], int] = {}
    for group in fleet.server_groups:
        key = of_block[group.rack], kinds[group.type]
        servers[key] = servers.get(key, 0) + group.count
        pair = key, owners[group.owner]
        now[pair] = now.get(pair, 0) + group.count
    keys = sorted(key for key, count in servers.items() if count)
    number = {key: c for c, key in enumerate(keys)}
    return _Cells(
        block=np.array([b for b, _ in keys], dtype=np.int64),
        kind=np.array([k for _, k in keys], dtype=np.int64),
        servers=np.array([servers[key] for key in keys], dtype=np.int64),
        first_rack=np.array([rack_number[blocks[b][0].name] for b, _ in keys], dtype=np.int64),
        now={(number[key], r): count for (key, r), count in now.items() if key in number and count},
    )


def _pairs(fleet: Fleet, cells: _Cells) -> _Pairs:
    """Return the pairs that may be used: types that an owner has, or names in its `values`; of a worth above 0, or there."""
    kinds, owners = fleet.server_types, fleet.reservations
    has = np.zeros((len(owners), len(kinds)), dtype=bool)
    for (c, r), _ in cells.now.items():
        has[r, cells.kind[c]] = True
    may = np.array(
        [
            [h or kind.name in owner.values for h, kind in zip(row, kinds, strict=True)]
            for row, owner in zip(has, owners, strict=True)
        ],
        dtype=bool,
    )
    worth = np.array([[owner.worth(kind) for kind in kinds] for owner in owners]).reshape(may.shape)
    may &= (worth > 0) | has
    cell, owner = np.nonzero(may[:, cells.kind].T)
    now = np.array(
        [cells.now.get((int(c), int(r)), 0) for c, r in zip(cell, owner, strict=True)], dtype=np.int64
    )
    return _Pairs(cell.astype(np.int64), owner.astype(np.int64), worth[owner, cells.kind[cell]], now)


def _units(fleet: Fleet, pairs: _Pairs, cells: _Cells) -> Floats:
    """Return the RRU of one server equivalent of each reservation: the mean of its servers, else of those it may use."""
    unit = np.ones(len(fleet.reservations))
    for r in range(len(unit)):
        mine = pairs.owner == r
        weight = pairs.now[mine] if pairs.now[mine].any() else cells.servers[pairs.cell[mine]]
        if mine.any() and (pairs.value[mine] * weight).sum() > 0:
            unit[r] = float(np.average(pairs.value[mine], weights=weight))
    return unit


def _survives(fleet: Fleet, wishes: Wishes, families: Sequence[str], demand: Floats) -> Bools:
    """Return which families each reservation survives `[R, F]`; one without demand has nothing to keep."""

    def asked(owner: Reservation, family: str) -> bool:
        return family.partition(" (")[0] in {*wishes.survive, *owner.survives}

    table = [[asked(owner, family) for family in families] for owner in fleet.reservations]
    return np.array(table, dtype=bool) & (demand > 0)[:, None]


def _affinity(
    families: Sequence[Family], needs: Needs, site_of_cell: Ints, sites: Mapping[str, int], wishes: Wishes
) -> Affinity | None:
    """Return where traffic wants servers; a fleet of one site has no choice."""
    if len(sites) < 2 or not needs.demand.any():
        return None
    share = np.full(needs.need.shape, np.nan)
    there = needs.demand > 0
    share[there] = needs.need[there] / needs.demand[there, None]
    named = [number for number, family in enumerate(families) if family.name == "site"]
    return Affinity(named[0] if named else len(families), share, wishes.within, np.inf)


def _with_sites(problem: CapacityProblem, sites: tuple[str, ...], site_of_cell: Ints) -> CapacityProblem:
    from dataclasses import replace

    survives = np.hstack([problem.survives, np.zeros((problem.reservations, 1), dtype=bool)])
    family = Family("site", sites, site_of_cell)
    return replace(problem, families=(*problem.families, family), survives=survives)


def _spares(fleet: Fleet, cells: _Cells, pairs: _Pairs, demand: Floats) -> list[Budget]:
    """Return the shared buffer for servers that break at random: of each type some are with nobody who needs them.

    The number that is broken at an instant is binomial with p = mttr / (mtbf + mttr).
    """
    from scipy.sparse import csr_array

    kinds = [k for k, kind in enumerate(fleet.server_types) if kind.mtbf_s and (cells.kind == k).any()]
    if not kinds:
        return []
    total = np.bincount(cells.kind, cells.servers, len(fleet.server_types))
    spare = [float(binom.ppf(SPARE_QUANTILE, total[k], _broken(fleet.server_types[k]))) for k in kinds]
    share = np.array([cells.kind == k for k in kinds], dtype=float)
    return [
        Budget(
            name="spare servers",
            unit="servers",
            rows=tuple(fleet.server_types[k].name for k in kinds),
            share=csr_array(share),
            weight=(demand[pairs.owner] > 0).astype(float),
            limit=total[kinds] - np.array(spare),
            price=SPARE_PRICE,
        )
    ]


def _broken(kind: ServerType) -> float:
    return kind.mttr_s / ((kind.mtbf_s or np.inf) + kind.mttr_s)


def mean_w(kind: ServerType, utilisation: float) -> float:
    """Return the mean power of a server [W] at a utilisation."""
    if kind.curve:
        loads, watts = zip(*kind.curve, strict=True)
        return float(np.interp(utilisation, loads, watts))
    idle, most = kind.idle_w or 0.0, kind.max_w or 0.0
    return idle + (most - idle) * (2.0 * utilisation - utilisation**kind.exponent)


def _watts(kind: ServerType, utilisation: float) -> float:
    """Return the power of a server [W] at a utilisation, with the excursions that all servers make together."""
    return mean_w(kind, utilisation) * (1.0 + (kind.peak_factor - 1.0) * kind.peak_correlation)
