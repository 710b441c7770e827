"""The record of a capacity solve: what binds and what one more unit would save, what is short and why, what else was possible."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solvers.capacity_fleet import FleetProblem
from solvers.capacity_solve import Solved, value_with_flows
from solvers.capacity_value import Value
from solvers.formulations.capacity import capacity_program
from solvers.highs import Highs
from solvers.linear import LinearProgram, block_name
from solvers.problem import CapacityProblem, Floats, Ints
from twin.model.names import compress
from twin.records.solution import Alternative, Binding, Conflict, Sensitivity, Shortfall, Table

MOST_BINDING = 40  # limits that are listed, dearest first
MOST_CONFLICTS = 3
CONFLICT_ROWS = 20_000  # above this size a conflicting set takes too long to look for
CHANGES = {"-5 %": 0.95, "+5 %": 1.05}
KILO = {"VA": ("kVA", 1000.0), "W": ("kW", 1000.0)}


def bindings(given: FleetProblem, solved: Solved) -> tuple[Binding, ...]:
    """Return the limits that bind in the linear program, with what one more unit of each would save; dearest first."""
    program, relaxed = solved.program, solved.relaxed
    if program is None or relaxed is None or relaxed.row_dual is None:
        return ()
    units = {block_name(budget.name): budget for budget in given.problem.budgets}
    found = []
    for block in program.row_blocks:
        if block.name == "cell":
            found += _servers(given, -relaxed.row_dual[block.members])
        if block.name not in units:
            continue
        duals = relaxed.row_dual[block.members]
        for i in np.flatnonzero(duals < -1e-7):
            label = block.label(int(i))[0]
            row = block.first + int(i)
            budget = units[block.name]
            unit, size = KILO.get(budget.unit, (budget.unit, 1.0))
            thing, state = _state(label)
            price = -float(duals[i]) * size
            text = f"{_one_more(budget.name, unit)} {thing}{f' ({state})' if state else ''} saves {price:.3g} points"
            limit = float(given.problem.limits(budget)[row - block.first])
            found.append(
                Binding(
                    kind=budget.name,
                    thing=thing,
                    state=state,
                    unit=unit,
                    limit=limit / size,
                    price=price,
                    text=text,
                )
            )
    return tuple(sorted(found, key=lambda binding: -binding.price)[:MOST_BINDING])


def shortfalls(given: FleetProblem, solved: Solved) -> tuple[Shortfall, ...]:
    """Return what reservations lack after their worst loss, the largest cost first, with what stands in the way."""
    problem, value = given.problem, solved.value
    found = []
    for r in np.flatnonzero(value.short > 1e-6):
        amount = float(value.short[r] * given.unit_rru[r])
        cost = float(problem.prices.shortage * value.short[r])
        because = _in_the_way(problem, int(r), value, solved)
        name = problem.reservation_names[r]
        after = f" after the loss of {value.worst[r]}" if value.worst[r] else ""
        text = f"{name} lacks {amount:.4g} of {problem.demand[r] * given.unit_rru[r]:.5g} RRU{after}"
        found.append(
            Shortfall(
                who=name,
                amount=amount,
                unit="RRU",
                where=value.worst[r],
                cost=cost,
                because=because,
                text=text,
            )
        )
    return tuple(sorted(found, key=lambda row: -row.cost))


def conflicts(given: FleetProblem, solved: Solved, time_limit_s: float = 20.0) -> tuple[Conflict, ...]:
    """Return small sets of wishes and limits that cannot all hold: for the dearest shortfalls, the demand without slack.

    HiGHS looks for an irreducible set; it is not proven to be the smallest.
    """
    program = solved.program
    if program is None or len(program.row_lower) > CONFLICT_ROWS:
        return ()
    found = []
    for shortfall in shortfalls(given, solved)[:MOST_CONFLICTS]:
        r = given.problem.reservation_names.index(shortfall.who)
        upper = program.upper.copy()
        upper[program.columns("short").start + r] = 0.0
        hard = replace(program, upper=upper)
        solver = Highs(hard, relaxed=True)
        if solver.solve(time_limit_s=time_limit_s).status != "infeasible":
            continue
        rows, _ = solver.conflict()
        if len(rows):
            found.append(Conflict(wishes=_wishes(program, rows)))
    return tuple(found)


def sensitivities(given: FleetProblem, solved: Solved) -> tuple[Sensitivity, ...]:
    """Return the linear program's answer to a little more and a little less demand, from the basis of the one that is solved."""
    program, relaxed = solved.program, solved.relaxed
    if program is None or relaxed is None or relaxed.row_dual is None:
        return ()
    found = []
    posed = solved.posed or given.problem
    solver = Highs(program, relaxed=True)
    solver.solve()
    for name, factor in CHANGES.items():
        other = capacity_program(replace(posed, demand=posed.demand * factor))
        solver.change(other)
        answer = solver.solve(time_limit_s=60.0)
        if answer.x is None:
            continue
        short = float(answer.x[other.columns("short")] @ given.unit_rru)
        moves = float(answer.x[other.columns("out")].sum())
        text = f"{name} demand: {moves:.0f} servers move, {short:.4g} RRU short"
        found.append(
            Sensitivity(change=name, objective=answer.objective, shortage=short, moves=moves, text=text)
        )
    return tuple(found)


def tables(given: FleetProblem, solved: Solved) -> tuple[Table, ...]:
    """Return the difference to today, and what each reservation has, keeps and lacks."""
    problem, value = given.problem, solved.value
    sites = given.needs.sites
    key = (given.site_of_cell[problem.pair_cell], problem.cell_type[problem.pair_cell])
    rows: dict[tuple[str, str, str], list[int]] = {}
    for p in np.flatnonzero(problem.now + solved.counts):
        name = (
            problem.reservation_names[problem.pair_reservation[p]],
            sites[int(key[0][p])],
            problem.type_names[int(key[1][p])],
        )
        both = rows.setdefault(name, [0, 0])
        both[0] += int(problem.now[p])
        both[1] += int(solved.counts[p])
    changes = Table(
        name="changes",
        title="Servers by reservation, site and type: today and in the plan",
        columns=("reservation", "site", "type", "now", "planned"),
        rows=tuple((*name, *both) for name, both in sorted(rows.items())),
    )
    unit = given.unit_rru
    reservations = Table(
        name="reservations",
        title="What each reservation needs, has, and keeps after its worst loss",
        columns=(
            "reservation",
            "demand_rru",
            "capacity_rru",
            "after_worst_loss_rru",
            "worst_loss",
            "short_rru",
        ),
        rows=tuple(
            (
                name,
                round(float(problem.demand[r] * unit[r]), 3),
                round(float(value.has[r] * unit[r]), 3),
                round(float(value.kept[r] * unit[r]), 3),
                value.worst[r],
                round(float(value.short[r] * unit[r]), 3),
            )
            for r, name in enumerate(problem.reservation_names)
        ),
    )
    return changes, reservations


def alternatives(given: FleetProblem, solved: Solved) -> tuple[Alternative, ...]:
    """Return doing nothing and the plan, on the same scales."""
    problem = given.problem
    nothing = value_with_flows(problem, problem.now)
    return (
        _alternative("do nothing", given, nothing, 0),
        _alternative("this plan", given, solved.value, int(np.maximum(problem.now - solved.counts, 0).sum())),
    )


def gap_in_servers(given: FleetProblem, solved: Solved) -> tuple[float, float]:
    """Return the gap as servers moved and as kW of servers: what the difference to the bound would at most be worth."""
    difference = max(0.0, solved.value.objective - solved.bound)
    prices, problem = given.problem.prices, given.problem
    servers = difference / max(prices.move, prices.use, 1e-9)
    watts = [
        float(np.mean(b.weight[b.weight > 0]))
        for b in problem.budgets
        if b.unit in KILO and (b.weight > 0).any()
    ]
    return servers, servers * (watts[0] if watts else 0.0) / 1000.0


def _alternative(name: str, given: FleetProblem, value: Value, moves: int) -> Alternative:
    short = float(value.short @ given.unit_rru)
    text = f"{value.objective:,.5g} points, {short:,.4g} RRU short, {moves} servers move"
    return Alternative(name=name, text=text, objective=value.objective, shortage=short, moves=moves)


def _in_the_way(problem: CapacityProblem, r: int, value: Value, solved: Solved) -> tuple[str, ...]:
    """Return words for what keeps a reservation short: no types, all given away, or limits that its servers would break."""
    mine = problem.pair_reservation == r
    if not mine.any():
        return ("no server of the fleet can serve it",)
    cells = np.unique(problem.pair_cell[mine])
    used = problem.by_cell @ solved.counts.astype(float)
    free = int((problem.servers[cells] - used[cells]).sum())
    kinds = sorted({problem.type_names[int(k)] for k in problem.cell_type[cells]})
    words = [
        f"{int(problem.servers[cells].sum())} servers that it may use ({', '.join(kinds[:4])}), {free} of them free"
    ]
    if value.worst[r]:
        words.append(f"the loss of {value.worst[r]} takes the most of it")
    return tuple(words)


def _servers(given: FleetProblem, price: Floats) -> list[Binding]:
    """Return what one more server of a type at a site would save: cells of one type, site and price are told as one."""
    problem = given.problem
    alike: dict[tuple[int, int, float], list[int]] = {}
    for c in np.flatnonzero(price > 1e-7):
        key = int(problem.cell_type[c]), int(given.site_of_cell[c]), float(f"{price[c]:.6g}")
        alike.setdefault(key, []).append(int(c))
    found = []
    for (kind, site, each), cells in alike.items():
        where = f"{problem.type_names[kind]} at {given.needs.sites[site]}"
        servers = float(problem.servers[cells].sum())
        text = f"one more server of type {where} saves {each:.3g} points"
        found.append(
            Binding(kind="servers", thing=where, unit="server", limit=servers, price=each, text=text)
        )
    return found


def _one_more(budget: str, unit: str) -> str:
    return "one more spare server of type" if budget == "spare servers" else f"one more {unit} at"


def _state(label: str) -> tuple[str, str]:
    for word in (" while ", " after the loss of "):
        if word in label:
            thing, _, rest = label.partition(word)
            return thing, f"{word.strip()} {rest}"
    return label, ""


def _wishes(program: LinearProgram, rows: Ints) -> tuple[str, ...]:
    """Return rows in words, those of one block together: "demand that is left after the worst loss: front"."""
    found: dict[str, list[str]] = {}
    for row in np.sort(rows).tolist():
        block = next(b for b in program.row_blocks if b.first <= row < b.first + b.size)
        found.setdefault(block.text or block.name, []).append(" of ".join(block.label(row - block.first)))
    return tuple(f"{text}: {', '.join(compress(names))}" for text, names in found.items())
