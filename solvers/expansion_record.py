"""The record of an expansion: its months as tables, what binds and is worth what, what is short, what else there was."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from solvers.expansion_baseline import AHEAD, threshold_rule
from solvers.expansion_fleet import FleetExpansion
from solvers.expansion_plan import Orders
from solvers.expansion_problem import ExpansionProblem, Floats
from solvers.expansion_round import Task
from solvers.expansion_solve import Solved
from solvers.formulations.expansion import KILO
from twin.records.solution import Alternative, Binding, Cell, Shortfall, Table

MOST_BINDING = 40
UNITS = {"power": ("kW", 1.0), "space": ("U", 1.0), "budget": ("USD", 1.0 / KILO)}
LITTLE_RRU = 1e-3


def month_names(start: datetime, months: int) -> tuple[str, ...]:
    """Return the months of a horizon: "2026-12", from the month of `start` on."""
    first = start.year * 12 + start.month - 1
    return tuple(f"{(first + t) // 12}-{(first + t) % 12 + 1:02d}" for t in range(months))


def tables(
    given: FleetExpansion, solved: Solved, orders: Orders, names: tuple[str, ...]
) -> tuple[Table, ...]:
    """Return demand and supply, orders, power, space, cost and carbon by month."""
    return (
        _demand_supply(given, solved, names),
        _orders(given, orders, names),
        *_limits(given, solved, orders, names),
        _cost(given, orders, names),
        _carbon(given, orders, names),
    )


def _demand_supply(given: FleetExpansion, solved: Solved, names: tuple[str, ...]) -> Table:
    p = solved.problem
    short = solved.x[solved.columns.short].max(axis=0)
    asked = p.demand.max(axis=0)
    supply = np.maximum(asked - short, 0.0)
    of: dict[str, list[int]] = {}
    for v, name in enumerate(p.service_names):
        of.setdefault(name.partition("@")[0], []).append(v)
    rows = [
        (
            names[t],
            service,
            *(_round(part[t, mine].sum()) for part in (given.low, given.base, given.high, supply, short)),
        )
        for t in range(p.months)
        for service, mine in of.items()
    ]
    columns = (
        "month",
        "service",
        "demand_low_rru",
        "demand_rru",
        "demand_high_rru",
        "supply_rru",
        "short_rru",
    )
    return Table(
        name="demand_supply",
        title="Demand and what serves it",
        columns=columns,
        rows=tuple(rows),
    )


def _orders(given: FleetExpansion, orders: Orders, names: tuple[str, ...]) -> Table:
    p, prices = given.problem, given.problem.prices
    rows: list[tuple[Cell, ...]] = []
    for t in range(p.months):
        for s in np.flatnonzero(orders.built[t]).tolist():
            count = int(orders.built[t, s])
            ordered = names[t - p.module_lead]
            rows.append(
                (
                    "module",
                    p.site_names[s],
                    "power module",
                    count,
                    ordered,
                    names[t],
                    count * prices.module[s],
                )
            )
        for kind, counts, lead, usd in (
            ("server", orders.bought, p.lead, prices.server),
            ("move", orders.come, np.ones_like(p.lead), np.full(len(p.lead), prices.move)),
            ("retire", orders.retired, np.zeros_like(p.lead), np.full(len(p.lead), prices.retire)),
        ):
            for c in np.flatnonzero(counts[t]).tolist():
                k, count = int(p.cell_type[c]), int(counts[t, c])
                ordered = names[t - int(lead[k])]
                site = p.site_names[int(p.cell_site[c])]
                rows.append((kind, site, p.type_names[k], count, ordered, names[t], round(count * usd[k], 2)))
    columns = ("kind", "site", "type", "count", "order_month", "arrive_month", "cost_usd")
    title = "What to order, and what happens (a move is a server that enters the site from another)"
    return Table(name="orders", title=title, columns=columns, rows=tuple(rows))


def _limits(
    given: FleetExpansion, solved: Solved, orders: Orders, names: tuple[str, ...]
) -> tuple[Table, Table]:
    p = given.problem
    standing = orders.built.cumsum(axis=0)
    power = (
        p.per_site(orders.servers * p.watts[p.cell_type]) * KILO,
        (p.power_limit_w + standing * p.module_w) * KILO,
    )
    space = p.per_site(orders.servers * p.height_u[p.cell_type]), p.space_limit_u + standing * p.module_u

    def rows(pair: tuple[Floats, Floats]) -> tuple[tuple[Cell, ...], ...]:
        return tuple(
            (names[t], site, _round(pair[0][t, s]), _round(pair[1][t, s]))
            for t in range(p.months)
            for s, site in enumerate(p.site_names)
        )

    return (
        Table(
            name="power",
            title="Power at nameplate, and what holds after any one unit is lost",
            columns=("month", "site", "used_kw", "budget_kw"),
            rows=rows(power),
        ),
        Table(
            name="space",
            title="Height of servers and of racks",
            columns=("month", "site", "used_u", "capacity_u"),
            rows=rows(space),
        ),
    )


def capex_usd(problem: ExpansionProblem, orders: Orders) -> Floats:
    """Return what is paid for servers, modules, moves and retirements in the month of each order `[T]`, undiscounted."""
    p, prices = problem, problem.prices
    paid = np.zeros(p.months)
    month = np.arange(p.months)
    of_cell = orders.bought * prices.server[p.cell_type]
    np.add.at(paid, np.maximum(month[:, None] - p.lead[p.cell_type], 0), of_cell)
    np.add.at(paid, np.maximum(month - p.module_lead, 0), (orders.built * prices.module).sum(axis=1))
    paid += orders.retired.sum(axis=1) * prices.retire + orders.gone.sum(axis=1) * prices.move
    return paid


def _cost(given: FleetExpansion, orders: Orders, names: tuple[str, ...]) -> Table:
    capex = capex_usd(given.problem, orders)
    energy = orders.servers @ given.problem.prices.running
    rows = tuple(
        (name, round(a, 2), round(b, 2), round(a + b, 2))
        for name, a, b in zip(names, capex.tolist(), energy.tolist(), strict=True)
    )
    columns = ("month", "capex_usd", "energy_usd", "total_usd")
    return Table(name="cost", title="Cost by month of order", columns=columns, rows=rows)


def _carbon(given: FleetExpansion, orders: Orders, names: tuple[str, ...]) -> Table:
    p = given.problem
    embodied = orders.bought @ given.embodied_kg[p.cell_type] + orders.built.sum(axis=1) * given.module_kg
    operational = orders.servers @ given.grams
    rows = tuple(
        (name, _round(kg / 1e3), _round(g / 1e6))
        for name, kg, g in zip(names, embodied.tolist(), operational.tolist(), strict=True)
    )
    columns = ("month", "embodied_t", "operational_t")
    return Table(name="carbon", title="Carbon by month of arrival", columns=columns, rows=rows)


def bindings(solved: Solved, names: tuple[str, ...]) -> tuple[Binding, ...]:
    """Return the limits that bind in the linear program with what one more unit would save, dearest first."""
    if solved.prices is None:
        return ()
    program, found = solved.program, []
    for block in program.row_blocks:
        if block.name not in UNITS:
            continue
        unit, size = UNITS[block.name]
        duals = solved.prices[block.members]
        for i in np.flatnonzero(duals < -1e-4).tolist():
            label = block.label(i)
            state = names[int(label[0][1:])] if block.name != "budget" else ""
            thing = label[-1]
            price = -float(duals[i]) / KILO / size
            limit = float(program.row_upper[block.first + i]) * size
            where = f"{block.name} of {thing}" if block.name != "budget" else f"budget of {thing}"
            text = f"one more {unit} of {where}{f' in {state}' if state else ''} saves {price:,.4g} USD"
            found.append(
                Binding(
                    kind=block.name, thing=thing, state=state, unit=unit, limit=limit, price=price, text=text
                )
            )
    return tuple(sorted(found, key=lambda row: -row.price)[:MOST_BINDING])


def shortfalls(solved: Solved, names: tuple[str, ...]) -> tuple[Shortfall, ...]:
    """Return what services lack by month, dearest first, with what stands in the way."""
    p = solved.problem
    short = solved.x[solved.columns.short]
    mean = np.tensordot(p.probability, short, axes=1)
    worst = short.max(axis=0)
    unserved = set(p.unserved())
    lead = int(p.lead.min(initial=p.months))
    found = []
    for t, v in zip(*np.nonzero(worst > LITTLE_RRU), strict=True):
        name = p.service_names[v]
        because = ["nothing that is ordered now arrives earlier"] if t < lead else []
        because += ["no server, here or to be bought, can serve it"] if name in unserved else []
        because += _tight(p, solved, int(t), int(v)) if t >= lead and name not in unserved else []
        amount = float(worst[t, v])
        found.append(
            Shortfall(
                who=name,
                amount=amount,
                unit="RRU",
                month=names[t],
                cost=float(mean[t, v] * p.prices.short[v]),
                because=tuple(because),
                text=f"{name} lacks {amount:.4g} RRU in {names[t]}",
            )
        )
    return tuple(sorted(found, key=lambda row: -row.cost))


def _tight(p: ExpansionProblem, solved: Solved, month: int, service: int) -> list[str]:
    """Return the sites of a service whose power or space has no room for one more batch."""
    here = np.unique(p.cell_site[p.pair_cell[p.pair_service == service]])
    servers = np.round(solved.x[solved.columns.servers[month]])
    modules = np.round(solved.x[solved.columns.modules[month]])
    power = p.power_limit_w + modules * p.module_w - p.per_site(servers * p.watts[p.cell_type])
    room = p.space_limit_u + modules * p.module_u - p.per_site(servers * p.height_u[p.cell_type])
    found = []
    for word, left, least in (
        ("power", power, (p.watts * p.batch).min()),
        ("space", room, (p.height_u * p.batch).min()),
    ):
        sites = [p.site_names[s] for s in here.tolist() if left[s] < least]
        if sites:
            found.append(f"no {word} left at {', '.join(sites)}")
    return found


def alternatives(solved: Solved) -> tuple[Alternative, ...]:
    """Return doing nothing and the plan, on the same scales."""

    def of(name: str, x: Floats, text: str) -> Alternative:
        p = solved.problem
        short = float(np.tensordot(p.probability, x[solved.columns.short], axes=1).sum())
        objective = float(solved.program.cost @ x) / KILO
        penalty = float(solved.program.cost[solved.columns.short].ravel() @ x[solved.columns.short].ravel())
        cost = objective - penalty / KILO
        moves = int(round(float(np.where(solved.columns.leave >= 0, x[solved.columns.leave], 0.0).sum())))
        words = f"{text}; {cost:,.0f} USD of today, {short:,.4g} RRU-months short"
        return Alternative(
            name=name, text=words, objective=objective, shortage=short, moves=moves, cost_usd=cost
        )

    rule = threshold_rule(Task.of(solved.problem, solved.program, solved.columns))
    found = (
        of("do nothing", solved.idle, "servers leave at the end of their life, nothing is ordered"),
        of("this plan", solved.x, "as written"),
    )
    words = f"every type at every site follows its demand, {AHEAD:.0%} ahead, new power where a site is full"
    return found if rule is None else (*found, of("buy ahead", rule, words))


def _round(value: float) -> float:
    return round(float(value), 3)
