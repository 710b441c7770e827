"""Expansion: whole batches of servers and power modules over months, so that demand is met at the least cost.

After the capacity expansion models of Luss, "Operations research and capacity expansion problems", Operations Research 30 (1982).
Sets: months t, cells c (a type at a site), sites s, types k, services v, scenarios w, pairs (c, v). Columns:

    buy[t, c]       batches that arrive in t, whole           modules[t, s]     modules that stand in t, whole
    retired[t, c]   servers retired by t, whole               short[w, t, v]    RRU missing
    leave[t, c]     servers that leave for another site, whole
    enter[t, c]     servers that enter from another site, whole; one month later
    servers[t, c]   servers that are there
    work[w, t, c, v] servers that work for a service

Each function below writes one constraint, in the words of its `text`. Costs are thousands of dollars, powers kW: numbers between
1e-3 and 1e4, on which a solver's tolerances mean something.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solvers.expansion_problem import ExpansionProblem, Floats, Ints
from solvers.linear import Axis, LinearModel, LinearProgram, Term

KILO = 1e-3


@dataclass(frozen=True)
class Columns:
    """The numbers of the columns: -1 where one does not exist (nothing arrives before its lead time is over)."""

    buy: Ints
    modules: Ints
    retired: Ints
    leave: Ints
    enter: Ints
    servers: Ints
    work: Ints
    short: Ints


def expansion_program(problem: ExpansionProblem) -> LinearProgram:
    """Return the program of a problem. Cost: O(W · T · P) columns."""
    m = LinearModel("expansion")
    x = columns(m, problem)
    for constraint in CONSTRAINTS:
        constraint(m, x, problem)
    return m.build()


def columns(m: LinearModel, problem: ExpansionProblem) -> Columns:
    """Add every column with its bounds and its cost."""
    p, prices = problem, problem.prices
    month, months = _month_names(p), p.months
    worth = p.discounted
    arrive = np.arange(months)
    paid = worth[np.maximum(arrive[:, None] - p.lead[p.cell_type], 0)]  # when the order was placed
    may_buy = p.buyable & (arrive[:, None] >= p.lead[p.cell_type])
    batch_usd = paid * (prices.server * p.batch)[p.cell_type]
    buy = _some(m, "buy", may_buy, (month, p.cell_names), cost=batch_usd * KILO, integer=True)
    built = worth[np.maximum(arrive - p.module_lead, 0)]
    later = np.append(built[1:], 0.0)
    most = np.where(arrive[:, None] >= p.module_lead, p.module_most, 0)
    standing = (built - later)[
        :, None
    ] * prices.module  # the price of modules[t] - modules[t-1], summed by parts
    modules = _all(m, "modules", (month, p.site_names), cost=standing * KILO, upper=most, integer=True)
    gone = (worth - np.append(worth[1:], 0.0))[:, None] * np.full(p.cells, prices.retire)
    aged = np.minimum(p.aged, p.now)
    bounds = aged, np.where(p.early, p.now, aged)
    retired = _all(
        m, "retired", (month, p.cell_names), cost=gone * KILO, lower=bounds[0], upper=bounds[1], integer=True
    )
    moving = np.broadcast_to(p.now > 0, (months, p.cells)) & (arrive[:, None] < months - 1)
    taking = np.broadcast_to(_has_mover(p), (months, p.cells)) & (arrive[:, None] > 0)
    usd = np.broadcast_to(worth[:, None] * prices.move, moving.shape)
    leave = _some(m, "leave", moving, (month, p.cell_names), cost=usd * KILO, integer=True)
    enter = _some(m, "enter", taking, (month, p.cell_names), cost=np.zeros_like(usd), integer=True)
    servers = _all(m, "servers", (month, p.cell_names), cost=worth[:, None] * prices.running * KILO)
    work = _work(m, p, month)
    missing = p.probability[:, None, None] * worth[:, None] * prices.short
    short = _all(m, "short", (p.scenario_names, month, p.service_names), cost=missing * KILO)
    return Columns(buy, modules, retired, leave, enter, servers, work, short)


def balance(m: LinearModel, x: Columns, p: ExpansionProblem) -> None:
    """Servers are those of last month, and what came, without what went."""
    row = np.arange(p.months * p.cells).reshape(p.months, p.cells)
    start = np.zeros((p.months, p.cells))
    start[0] = p.now
    size = np.broadcast_to(p.batch[p.cell_type], row.shape)
    terms: list[Term] = [
        (row, x.servers, 1.0),
        (row[1:], x.servers[:-1], -1.0),
        (row, x.retired, 1.0),
        (row[1:], x.retired[:-1], -1.0),
        (row[x.buy >= 0], x.buy[x.buy >= 0], -size[x.buy >= 0]),
        (row[x.leave >= 0], x.leave[x.leave >= 0], 1.0),
        (row[x.enter >= 0], x.enter[x.enter >= 0], -1.0),
    ]
    text = "servers[t] = servers[t-1] + batch buy[t] - (retired[t] - retired[t-1]) - leave[t] + enter[t]"
    axes = _axes((_month_names(p), p.cell_names))
    m.rows("balance", axes, terms, lower=start.ravel(), upper=start.ravel(), text=text)


def stay_retired(m: LinearModel, x: Columns, p: ExpansionProblem) -> None:
    """What is retired does not come back."""
    _monotone(m, "stay_retired", x.retired, (_month_names(p), p.cell_names), "retired[t] >= retired[t-1]")


def stay_built(m: LinearModel, x: Columns, p: ExpansionProblem) -> None:
    """What is built stands."""
    _monotone(m, "stay_built", x.modules, (_month_names(p), p.site_names), "modules[t] >= modules[t-1]")


def old_servers(m: LinearModel, x: Columns, p: ExpansionProblem) -> None:
    """Only servers of today are retired or leave, each once; those that come to the end of their life do not leave."""
    cell = np.arange(p.cells)
    time, moving = np.nonzero(x.leave >= 0)
    terms: list[Term] = [(cell, x.retired[-1], 1.0), (moving, x.leave[time, moving], 1.0)]
    text = "retired[T] + sum_t leave[t] <= now"
    m.rows("old_servers", [Axis(p.cell_names)], terms, upper=p.now, text=text)


def on_the_road(m: LinearModel, x: Columns, p: ExpansionProblem) -> None:
    """What leaves one site enters another a month later."""
    types, months = len(p.type_names), p.months
    if months < 2:
        return
    row = np.arange((months - 1) * types).reshape(months - 1, types)[:, p.cell_type]
    leave, enter = x.leave[:-1], x.enter[1:]
    terms: list[Term] = [
        (row[leave >= 0], leave[leave >= 0], 1.0),
        (row[enter >= 0], enter[enter >= 0], -1.0),
    ]
    text = "sum_s leave[t, s, k] = sum_s enter[t+1, s, k]"
    axes = _axes((_month_names(p)[:-1], p.type_names))
    m.rows("on_the_road", axes, terms, lower=0.0, upper=0.0, text=text)


def working(m: LinearModel, x: Columns, p: ExpansionProblem) -> None:
    """No server works twice."""
    shape = (p.scenarios, p.months, p.cells)
    row = np.arange(np.prod(shape)).reshape(shape)
    terms: list[Term] = [
        (row[:, :, p.pair_cell], x.work, 1.0),
        (row, np.broadcast_to(x.servers, shape), -1.0),
    ]
    text = "sum_v work[w, t, c, v] <= servers[t, c]"
    m.rows("working", _axes((p.scenario_names, _month_names(p), p.cell_names)), terms, upper=0.0, text=text)


def demand(m: LinearModel, x: Columns, p: ExpansionProblem) -> None:
    """Every service gets what it asks for, or is short of it at a price."""
    row = np.arange(p.demand.size).reshape(p.demand.shape)
    terms: list[Term] = [(row[:, :, p.pair_service], x.work, p.value), (row, x.short, 1.0)]
    text = "sum_c value work[w, t, c, v] + short[w, t, v] >= demand[w, t, v]"
    axes = _axes((p.scenario_names, _month_names(p), p.service_names))
    m.rows("demand", axes, terms, lower=p.demand.ravel(), text=text)


def space(m: LinearModel, x: Columns, p: ExpansionProblem) -> None:
    """The servers of a site stand in its racks and in those of its modules."""
    text = "sum_k height servers[t, s, k] - module_u modules[t, s] <= space[s]"
    _of_sites(m, x, p, ("space", text), (p.height_u, p.module_u, p.space_limit_u))


def power(m: LinearModel, x: Columns, p: ExpansionProblem) -> None:
    """The servers of a site draw no more than it and its modules can give."""
    text = "sum_k watts servers[t, s, k] - module_w modules[t, s] <= power[s]"
    _of_sites(m, x, p, ("power", text), (p.watts * KILO, p.module_w * KILO, p.power_limit_w * KILO))


def budget(m: LinearModel, x: Columns, p: ExpansionProblem) -> None:
    """What is ordered in a year is paid from its budget."""
    years = np.flatnonzero(np.isfinite(p.prices.budget))
    if not len(years):
        return
    number = np.full(len(p.prices.budget), -1)
    number[years] = np.arange(len(years))
    month = np.arange(p.months)
    usd = (p.prices.server * p.batch)[p.cell_type] * KILO
    time, cell = np.nonzero(x.buy >= 0)
    of_buy = number[(time - p.lead[p.cell_type[cell]]) // 12]
    of_module = number[np.maximum(month - p.module_lead, 0) // 12]
    module = np.broadcast_to(p.prices.module * KILO, x.modules.shape)
    used, more, less = of_buy >= 0, of_module >= 0, of_module[1:] >= 0
    terms: list[Term] = [
        (of_buy[used], x.buy[time, cell][used], usd[cell][used]),
        (of_module[more, None], x.modules[more], module[more]),
        (of_module[1:][less, None], x.modules[:-1][less], -module[1:][less]),
    ]
    names = [f"year {y + 1}" for y in years.tolist()]
    text = "sum of orders in year y <= budget[y]"
    m.rows("budget", [Axis(names)], terms, upper=p.prices.budget[years] * KILO, text=text)


CONSTRAINTS = (
    balance,
    stay_retired,
    stay_built,
    old_servers,
    on_the_road,
    working,
    demand,
    space,
    power,
    budget,
)


def _of_sites(
    m: LinearModel,
    x: Columns,
    p: ExpansionProblem,
    block: tuple[str, str],
    sizes: tuple[Floats, float, Floats],
) -> None:
    """Add a limit of every site in every month: sizes are those of a server by type, of a module, and of the site."""
    of_type, of_module, limit = sizes
    row = np.arange(p.months * p.sites).reshape(p.months, p.sites)
    terms: list[Term] = [(row[:, p.cell_site], x.servers, of_type[p.cell_type]), (row, x.modules, -of_module)]
    upper = np.broadcast_to(limit, row.shape).ravel()
    m.rows(block[0], _axes((_month_names(p), p.site_names)), terms, upper=upper, text=block[1])


def _monotone(m: LinearModel, name: str, x: Ints, names: tuple[tuple[str, ...], ...], text: str) -> None:
    row = np.arange(x[1:].size).reshape(x[1:].shape)
    axes = _axes((names[0][1:], names[1]))
    m.rows(name, axes, [(row, x[1:], 1.0), (row, x[:-1], -1.0)], lower=0.0, text=text)


def _work(m: LinearModel, p: ExpansionProblem, month: tuple[str, ...]) -> Ints:
    pairs = len(p.pair_cell)
    shape = (p.scenarios, p.months, pairs)
    w, t, pair = (part.ravel() for part in np.indices(shape))
    axes = [
        Axis(p.scenario_names, w),
        Axis(month, t),
        Axis(p.cell_names, p.pair_cell[pair]),
        Axis(p.service_names, p.pair_service[pair]),
    ]
    return m.columns("work", axes).reshape(shape)


def _has_mover(p: ExpansionProblem) -> np.ndarray:
    """Tell which cells a server may enter: those of a type that another site has today."""
    here = np.bincount(p.cell_type, weights=p.now > 0, minlength=len(p.type_names))
    return here[p.cell_type] - (p.now > 0) > 0


def _month_names(p: ExpansionProblem) -> tuple[str, ...]:
    return tuple(f"m{t:02d}" for t in range(p.months))


def _axes(names: tuple[tuple[str, ...], ...]) -> list[Axis]:
    """Return the axes of a full grid, last name fastest."""
    codes = np.indices([len(part) for part in names])
    return [Axis(part, code.ravel()) for part, code in zip(names, codes, strict=True)]


def _all(
    m: LinearModel,
    name: str,
    names: tuple[tuple[str, ...], ...],
    *,
    cost: Floats,
    lower: Floats | float = 0.0,
    upper: Floats | float = np.inf,
    integer: bool = False,
) -> Ints:
    """Add a column for every cell of a grid."""
    shape = tuple(len(part) for part in names)
    spread = [np.broadcast_to(part, shape).ravel() for part in (lower, upper, cost)]
    found = m.columns(name, _axes(names), lower=spread[0], upper=spread[1], cost=spread[2], integer=integer)
    return found.reshape(shape)


def _some(
    m: LinearModel,
    name: str,
    there: np.ndarray,
    names: tuple[tuple[str, ...], ...],
    *,
    cost: Floats,
    integer: bool,
) -> Ints:
    """Add a column for some cells of a grid; the others get the number -1."""
    numbers = np.full(there.shape, -1, dtype=np.int64)
    codes = np.nonzero(there)
    axes = [Axis(part, code) for part, code in zip(names, codes, strict=True)]
    numbers[codes] = m.columns(name, axes, cost=cost[codes], integer=integer)
    return numbers
