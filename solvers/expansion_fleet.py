"""The expansion problem of a fleet: its room and power, the types it can buy, and what its services will ask for.

What nobody declared is assumed, and said (`assumed`): each assumption has a source and an option that replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from solvers.expansion_demand import pairs_of, services_of
from solvers.expansion_problem import HOURS_PER_MONTH, ExpansionPrices, ExpansionProblem, Floats, Ints
from solvers.expansion_room import SiteRoom, rooms_of
from twin.graph.analysis_chain import nameplate_w
from twin.model.errors import UsageError, did_you_mean
from twin.model.fleet import Fleet, Region
from twin.model.servers import ServerType

SERVER_USD, GPU_USD = (
    12_000.0,
    37_500.0,
)  # two-socket servers 7-20 kUSD, eight-GPU servers 250-350 kUSD: recalled prices
MODULE_U_PER_W = 2.5e-3  # 60 racks of 42 U for a megawatt: 17 kW each
MODULE_USD_PER_W = (
    11.3  # construction of standard halls, 2026: 11.3 MUSD/MW (read second-hand); 10-20 in 2016 (read)
)
EMBODIED_KG, MODULE_KG_PER_W = (
    4_300.0,
    0.18,
)  # a large two-socket server (recalled); 9,000 t per 50 MW of building (read)
USD_PER_MWH, G_PER_KWH, PUE = (
    90.0,
    350.0,
    1.18,
)  # wholesale means of 2023 (computed); world grid (read); a large fleet (recalled)
BUSY = 0.6  # utilisation at which running servers are charged
SHORT = 2.0  # a missing RRU for a month costs this many times what buying and powering it costs
MONTH_S = HOURS_PER_MONTH * 3600.0


@dataclass(frozen=True)
class ExpansionWishes:
    """What the author of a plan asks for beyond what the fleet declares.

    `growth` replaces the growth per year of every service. `scenarios` are (name, factor on the growth, probability); without
    them there is one, and `low` and `high` are shown only. `module_w` is 1 MW, or for small sites a quarter of what the mean site
    draws. `margin` is added to all demand (0.15: robust to 15 % more). `buy`
    names the types that are sold (None: all). With `early`, servers
    may be retired before the end of their life: what demand does not need then is no buffer any more.
    `budget_usd` limits the orders of each year. With `anywhere`, servers serve the traffic of other sites of their service.
    """

    months: int = 24
    growth: float | None = None
    scenarios: tuple[tuple[str, float, float], ...] = (("base", 1.0, 1.0),)
    low: float = 0.5
    high: float = 1.5
    margin: float = 0.0
    buy: tuple[str, ...] | None = None
    batch: int = 1
    early: bool = False
    anywhere: bool = False
    lead_months: int = 3
    module_lead: int = 6
    module_w: float | None = None
    module_usd_per_w: float = MODULE_USD_PER_W
    module_most: int = 10
    budget_usd: float = float("inf")
    discount: float = 0.08
    prices: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class FleetExpansion:
    """An expansion problem, what its numbers stand for in the fleet, and what they rest on.

    `owner` `[V]` is the reservation of each service; `low` and `high` `[T, V]` are demands that are shown beside the planned one,
    `base` `[T, V]` is the demand without margin. `grams` `[C]` is the carbon of a server-month, `embodied_kg` `[K]` of a server.
    """

    problem: ExpansionProblem
    owner: tuple[str, ...]
    rooms: tuple[SiteRoom, ...]
    base: Floats
    low: Floats
    high: Floats
    grams: Floats
    embodied_kg: Floats
    module_kg: float
    kwh: Floats
    assumed: tuple[str, ...]


def expansion_of(fleet: Fleet, wishes: ExpansionWishes | None = None) -> FleetExpansion:
    """Return the expansion problem of a fleet. Raises UsageError for wishes that name what is not there or make no sense."""
    w = wishes or ExpansionWishes()
    _refuse(fleet, w)
    rooms = rooms_of(fleet)
    if w.module_w is None:
        w = replace(w, module_w=_module_w(rooms))
    assert w.module_w is not None
    kinds = fleet.server_types
    names, owner, today, growth, homes = services_of(fleet, w.growth, anywhere=w.anywhere)
    cell_site, cell_type = (part.ravel() for part in np.indices((len(fleet.sites), len(kinds))))
    now = _standing(fleet)
    pairs = pairs_of(fleet, owner, homes)
    month = np.arange(w.months) + 1.0
    life = np.array([max(1.0, kind.lifetime_s / MONTH_S) for kind in kinds])[cell_type]
    aged = np.floor(now * np.minimum(month[:, None] / life, 1.0)).astype(np.int64)

    def at(factor: float) -> Floats:
        return today * np.maximum(1.0 + growth * factor, 0.0) ** (month[:, None] / 12.0)

    base = at(1.0)
    demand = np.array([at(factor) for _, factor, _ in w.scenarios]) * (1.0 + w.margin)
    usd, grams = _grid(fleet)
    kwh = np.array([_mean_w(kind) for kind in kinds])[cell_type] * PUE * HOURS_PER_MONTH / 1e3
    server_usd = np.array([_price(kind, w) for kind in kinds])
    watts = np.array([nameplate_w(kind) for kind in kinds])
    problem = ExpansionProblem(
        site_names=tuple(site.name for site in fleet.sites),
        type_names=tuple(kind.name for kind in kinds),
        service_names=names,
        scenario_names=tuple(name for name, *_ in w.scenarios),
        cell_site=cell_site,
        cell_type=cell_type,
        now=now,
        aged=aged,
        early=np.full(len(now), w.early),
        buyable=np.array([w.buy is None or kind.name in w.buy for kind in kinds], dtype=bool)[cell_type],
        pair_cell=pairs[0],
        pair_service=pairs[1],
        value=pairs[2],
        watts=watts,
        height_u=np.array([float(kind.height_u) for kind in kinds]),
        batch=np.full(len(kinds), w.batch),
        lead=np.full(len(kinds), w.lead_months),
        power_w=np.array([room.power_w for room in rooms]),
        space_u=np.array([float(room.space_u) for room in rooms]),
        module_w=w.module_w,
        module_u=w.module_w * MODULE_U_PER_W,
        module_lead=w.module_lead,
        module_most=np.full(len(fleet.sites), w.module_most),
        demand=demand,
        probability=np.array([chance for *_, chance in w.scenarios]),
        prices=ExpansionPrices(
            server=server_usd,
            module=np.full(len(fleet.sites), w.module_usd_per_w * w.module_w),
            running=kwh * usd[cell_site] / 1e3,
            short=_short_usd(pairs, server_usd + w.module_usd_per_w * watts, cell_type, len(names)),
            budget=np.full(-(-w.months // 12), w.budget_usd),
            discount=w.discount,
        ),
    )
    low, high = _range(w)
    return FleetExpansion(
        problem=problem,
        owner=owner,
        rooms=rooms,
        base=base,
        low=at(low),
        high=at(high),
        grams=kwh * grams[cell_site],
        embodied_kg=np.array([kind.embodied_kg or EMBODIED_KG for kind in kinds]),
        module_kg=MODULE_KG_PER_W * w.module_w,
        kwh=kwh,
        assumed=tuple(_assumed(fleet, w)),
    )


def _refuse(fleet: Fleet, w: ExpansionWishes) -> None:
    known = [kind.name for kind in fleet.server_types]
    wrong = []
    for name in [*(w.buy or ()), *w.prices]:
        if name not in known:
            wrong.append(
                f"there is no server type {name!r} ({did_you_mean(name, known) or ', '.join(known)})"
            )
    if not (fleet.services or fleet.reservations) or not known or not fleet.sites:
        wrong.append("a plan of expansion needs sites, server types, and services or guarantees")
    if w.batch < 1 or w.lead_months < 0 or w.module_lead < 0 or (w.module_w or 1.0) <= 0 or w.margin < 0:
        wrong.append("batches, lead times, modules and margins are not negative, and modules have a power")
    if wrong:
        raise UsageError("; ".join(wrong))


def _module_w(rooms: tuple[SiteRoom, ...]) -> float:
    mean_w = float(np.mean([room.power_w for room in rooms]))
    return float(np.clip(float(f"{mean_w / 4:.1g}"), 1e4, 1e6))


def _standing(fleet: Fleet) -> Ints:
    """Return the servers of each cell `[S·K]` today."""
    rack_site = {rack.name: rack.site for rack in fleet.racks}
    site_of = {site.name: s for s, site in enumerate(fleet.sites)}
    type_of = {kind.name: k for k, kind in enumerate(fleet.server_types)}
    now = np.zeros((len(fleet.sites), len(fleet.server_types)), dtype=np.int64)
    for group in fleet.server_groups:
        now[site_of[rack_site[group.rack]], type_of[group.type]] += group.count
    return now.ravel()


def _grid(fleet: Fleet) -> tuple[Floats, Floats]:
    """Return the price [USD/MWh] and the carbon [g/kWh] of energy at each site, means over their series."""
    regions = {row.name: row for row in fleet.regions}
    series = {row.name: float(np.mean(row.values)) for row in fleet.series}

    def of(row: Region, name: str | None, value: float | None, otherwise: float) -> float:
        if name is not None:
            return series[name]
        return otherwise if value is None else value

    here = [regions[site.region] for site in fleet.sites]
    usd = [of(row, row.price_series, row.price_usd_per_mwh, USD_PER_MWH) for row in here]
    return np.array(usd), np.array(
        [of(row, row.carbon_series, row.carbon_g_per_kwh, G_PER_KWH) for row in here]
    )


def _mean_w(kind: ServerType) -> float:
    if kind.curve:
        loads, watts = zip(*kind.curve, strict=True)
        return float(np.interp(BUSY, loads, watts))
    idle, most = kind.idle_w or 0.0, kind.max_w or 0.0
    return idle + (most - idle) * (2 * BUSY - BUSY**kind.exponent)


def _price(kind: ServerType, w: ExpansionWishes) -> float:
    return w.prices.get(kind.name) or kind.cost_usd or (GPU_USD * kind.gpus if kind.gpus else SERVER_USD)


def _short_usd(pairs: tuple[Ints, Ints, Floats], usd: Floats, cell_type: Ints, services: int) -> Floats:
    """Return what a missing RRU of each service costs for a month: more than buying it, so that what can be met is met."""
    per_rru = usd[cell_type[pairs[0]]] / pairs[2]
    dear = np.full(services, float(usd.max(initial=1.0)))
    for v in range(services):
        mine = per_rru[pairs[1] == v]
        dear[v] = mine.max() if len(mine) else dear[v]
    return SHORT * dear


def _range(w: ExpansionWishes) -> tuple[float, float]:
    factors = [factor for _, factor, _ in w.scenarios]
    return (min(factors), max(factors)) if len(factors) > 1 else (w.low, w.high)


def _assumed(fleet: Fleet, w: ExpansionWishes) -> list[str]:
    """Return what the numbers rest on where nobody declared anything."""
    unpriced = [kind.name for kind in fleet.server_types if not (kind.cost_usd or w.prices.get(kind.name))]
    uncounted = [kind.name for kind in fleet.server_types if not kind.embodied_kg]
    bare = [row.name for row in fleet.regions if row.price_series is None and row.price_usd_per_mwh is None]
    low, high = _range(w)
    module_w = w.module_w or 0.0
    found = [
        f"assumed: servers come {w.lead_months} months after their order, power modules {w.module_lead}",
        f"assumed: a power module is {module_w / 1e6:g} MW with {module_w * MODULE_U_PER_W:g} U for"
        f" {w.module_usd_per_w * module_w / 1e6:.4g} MUSD (11.3 MUSD/MW in 2026, read second-hand; 10-20 in 2016), at most"
        f" {w.module_most} at a site",
        "assumed: ages of servers are unknown: they are spread evenly over the lifetime of the type, and servers leave"
        " at its end",
        f"assumed: servers run at {BUSY:.0%} of their capacity and sites at a PUE of {PUE} (a large fleet, recalled)",
        "assumed: a service runs on the types that its reservation owns or values, "
        + (
            "at any site where it is deployed: somebody shifts its traffic to where its servers are, no step of the plan does"
            if w.anywhere
            else "at the sites where it is asked: traffic stays there"
        ),
        f"assumed: demand is the sum of the peaks of its sites; low and high are {low:g} and {high:g} times the growth",
        f"assumed: money of next year counts {w.discount:.0%} less; a missing RRU costs {SHORT:g} times its purchase every month",
        "power of a site is what whole racks could draw at nameplate with any one unit lost; the loss of a whole site is not"
        " covered here: `fleetwin plan capacity` does that",
    ]
    if unpriced:
        found.append(
            f"assumed: {', '.join(unpriced)} cost {SERVER_USD:,.0f} USD, or {GPU_USD:,.0f} per GPU (recalled list prices)"
        )
    if uncounted:
        found.append(f"assumed: {', '.join(uncounted)} embody {EMBODIED_KG:,.0f} kg each (recalled)")
    if bare:
        found.append(f"assumed: energy in {', '.join(bare)} costs {USD_PER_MWH:g} USD/MWh (mean of 2023)")
    return found
