"""Capacity allocation after RAS (Newell et al., SOSP 2021, doi 10.1145/3477132.3483578), with servers of a cell as one number.

    min   Σ_p move·out_p + use·n_p  +  Σ_gr spread·e_gr  +  Σ_r buffer·z_r + shortage·s_r  +  what soft limits cost
    with  n_p = now_p + in_p − out_p,  in_p ≤ N_c − now_p,  out_p ≤ now_p     (a move is a bound, not a row)

p is a pair (cell c, reservation r), v_p what one server gives [RRU], g a failure domain. Shortage is priced and has no upper
bound, so that no wish makes the model infeasible; what is broken today must not get worse. Each function is one constraint.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solvers.formulations.capacity_backbone import add_backbone, sites_keep_their_floor
from solvers.linear import Axis, Ints, LinearModel, LinearProgram, block_name, running
from solvers.problem import Bools, Budget, CapacityProblem, Family


@dataclass(frozen=True)
class Groups:
    """What a reservation has in one domain of a family: groups `[Q]` that have pairs, and the group of each pair (-1: none)."""

    of_pair: Ints
    domain: Ints
    reservation: Ints


@dataclass(frozen=True)
class Variables:
    """The columns of the model: servers coming and going `[P]`, loads of groups `[Q]`, buffer and shortage `[R]`."""

    into: Ints
    out: Ints
    load: Ints
    excess: Ints
    buffer: Ints
    short: Ints


def capacity_program(problem: CapacityProblem) -> LinearProgram:
    """Return the program of a capacity problem. Cost: arrays of P, Q and R; a million servers take about two seconds."""
    model = LinearModel("capacity")
    groups = groups_of(problem, problem.families[problem.spread_family])
    variables = capacity_variables(model, problem, groups)
    cells_have_enough_servers(model, problem, variables)
    loads_of_domains_add_up(model, problem, variables, groups)
    demand_survives_any_loss(model, problem, variables, groups)
    buffer_covers_every_domain(model, problem, variables, groups)
    for number, family in enumerate(problem.families):
        if number != problem.spread_family and problem.survives[:, number].any():
            buffer_covers_family(model, problem, variables, family, problem.survives[:, number])
    for budget in problem.budgets:
        budgets_hold_in_every_state(model, problem, variables, budget)
    if problem.affinity is not None:
        demand_stays_near_its_network(model, problem, variables)
    if problem.backbone is not None:
        add_backbone(model, problem, variables.into, variables.out)
    if problem.floor is not None:
        sites_keep_their_floor(model, problem, variables.into, variables.out)
    return model.build()


def capacity_variables(model: LinearModel, problem: CapacityProblem, groups: Groups) -> Variables:
    """Add the columns. The load of a group is split at what it may hold: above, every RRU costs `spread`."""
    prices, pair = problem.prices, _pair_axes(problem)
    q = (
        Axis(problem.families[problem.spread_family].domains, groups.domain),
        Axis(problem.reservation_names, groups.reservation),
    )
    r = (Axis(problem.reservation_names),)
    model.offset += prices.use * float(problem.now.sum())
    return Variables(
        into=model.columns("into", pair, upper=problem.room, cost=prices.use, integer=True),
        out=model.columns("out", pair, upper=problem.now, cost=prices.move - prices.use, integer=True),
        load=model.columns("load", q, upper=problem.allowed[groups.reservation]),
        excess=model.columns("excess", q, cost=prices.spread),
        buffer=model.columns("buffer", r, cost=prices.buffer),
        short=model.columns("short", r, cost=prices.shortage),
    )


def cells_have_enough_servers(model: LinearModel, problem: CapacityProblem, v: Variables) -> None:
    """Σ_r n[c,r] ≤ N_c: a server has one owner, and keeps having one where all are `owned` (Σ_r in ≥ Σ_r out).

    What a cell has lost is taken out of the plan, not of the model.
    """
    now = problem.by_cell @ problem.now.astype(float)
    model.rows(
        "cell",
        [Axis(problem.cell_names)],
        [(problem.pair_cell, v.into, 1.0), (problem.pair_cell, v.out, -1.0)],
        lower=0.0 if problem.owned else -np.inf,
        upper=problem.servers - now,
        text="servers of a cell",
    )


def loads_of_domains_add_up(
    model: LinearModel, problem: CapacityProblem, v: Variables, groups: Groups
) -> None:
    """load[g,r] + excess[g,r] = Σ_{p in g,r} v_p · n_p."""
    inside = groups.of_pair >= 0
    at, value = groups.of_pair[inside], problem.value[inside]
    now = np.bincount(at, value * problem.now[inside], len(groups.domain))
    q = np.arange(len(groups.domain))
    model.rows(
        "domain",
        (
            Axis(problem.families[problem.spread_family].domains, groups.domain),
            Axis(problem.reservation_names, groups.reservation),
        ),
        [
            (at, v.into[inside], value),
            (at, v.out[inside], -value),
            (q, v.load, -1.0),
            (q, v.excess, -1.0),
        ],
        lower=-now,
        upper=-now,
        text="what a reservation has in a failure domain",
    )


def demand_survives_any_loss(
    model: LinearModel, problem: CapacityProblem, v: Variables, groups: Groups
) -> None:
    """Σ_g (load + excess) + what stands outside of the family − buffer[r] + short[r] ≥ C_r."""
    r = np.arange(problem.reservations)
    outside = groups.of_pair < 0
    owner, value = problem.pair_reservation[outside], problem.value[outside]
    now = np.bincount(owner, value * problem.now[outside], problem.reservations)
    model.rows(
        "demand",
        [Axis(problem.reservation_names)],
        [
            (groups.reservation, v.load, 1.0),
            (groups.reservation, v.excess, 1.0),
            (owner, v.into[outside], value),
            (owner, v.out[outside], -value),
            (r, v.buffer, -1.0),
            (r, v.short, 1.0),
        ],
        lower=problem.demand - now,
        text="demand that is left after the worst loss",
    )


def buffer_covers_every_domain(
    model: LinearModel, problem: CapacityProblem, v: Variables, groups: Groups
) -> None:
    """buffer[r] ≥ load[g,r] + excess[g,r] for every domain of the spread family that r survives: the buffer is not copied."""
    family = problem.families[problem.spread_family]
    wanted = np.flatnonzero(problem.survives[groups.reservation, problem.spread_family])
    k = np.arange(len(wanted))
    owner = groups.reservation[wanted]
    model.rows(
        f"survive_{block_name(family.name)}",
        (Axis(family.domains, groups.domain[wanted]), Axis(problem.reservation_names, owner)),
        [(k, v.load[wanted], 1.0), (k, v.excess[wanted], 1.0), (k, v.buffer[owner], -1.0)],
        upper=0.0,
        text=f"the buffer covers each {family.name}",
    )


def buffer_covers_family(
    model: LinearModel, problem: CapacityProblem, v: Variables, family: Family, wanted: Bools
) -> None:
    """buffer[r] ≥ Σ_{p in g,r} v_p · n_p for every domain of another family that r survives."""
    groups = groups_of(problem, family)
    kept = np.flatnonzero(wanted[groups.reservation])
    place = np.full(len(groups.domain) + 1, -1)  # the last is where pairs outside of the family look
    place[kept] = np.arange(len(kept))
    at = place[groups.of_pair]
    inside = at >= 0
    at, value, owner = at[inside], problem.value[inside], groups.reservation[kept]
    now = np.bincount(at, value * problem.now[inside], len(kept))
    model.rows(
        f"survive_{block_name(family.name)}",
        (Axis(family.domains, groups.domain[kept]), Axis(problem.reservation_names, owner)),
        [
            (at, v.into[inside], value),
            (at, v.out[inside], -value),
            (np.arange(len(kept)), v.buffer[owner], -1.0),
        ],
        upper=-now,
        text=f"the buffer covers each {family.name}",
    )


def budgets_hold_in_every_state(
    model: LinearModel, problem: CapacityProblem, v: Variables, budget: Budget
) -> None:
    """Σ_p share[l,c] · weight_p · n_p ≤ max(limit_l, what it is today), l a device in one state; soft where it has a price."""
    entries = budget.share.tocoo()
    rows, cells = entries.coords
    first = np.searchsorted(problem.pair_cell, np.arange(problem.cells + 1))
    width = (first[1:] - first[:-1])[cells]
    at = np.repeat(rows, width)
    pair = np.repeat(first[cells], width) + running(width)
    flow = np.repeat(entries.data, width) * budget.weight[pair]
    terms = [(at, v.into[pair], flow), (at, v.out[pair], -flow)]
    if np.isfinite(budget.price):
        over = model.columns(f"over_{block_name(budget.name)}", [Axis(budget.rows)], cost=budget.price)
        terms.append((np.arange(len(over)), over, np.full(len(over), -1.0)))
    model.rows(
        block_name(budget.name),
        [Axis(budget.rows)],
        terms,
        upper=problem.limits(budget) - problem.used(budget, problem.now),
        text=f"{budget.name} [{budget.unit}]",
    )


def demand_stays_near_its_network(model: LinearModel, problem: CapacityProblem, v: Variables) -> None:
    """−θ·C_r ≤ Σ_{p in g,r} v_p · n_p − A_rg · C_r ≤ θ'·C_r, with a price for what is outside."""
    affinity = problem.affinity
    assert affinity is not None
    family = problem.families[affinity.family]
    r, g = np.nonzero(np.isfinite(affinity.share))
    place = np.full(affinity.share.shape, -1)
    place[r, g] = np.arange(len(r))
    domain = family.of_cell[problem.pair_cell]
    at = np.where(domain >= 0, place[problem.pair_reservation, domain], -1)
    inside = at >= 0
    at, value = at[inside], problem.value[inside]
    now = np.bincount(at, value * problem.now[inside], len(r))
    axes = (Axis(family.domains, g), Axis(problem.reservation_names, r))
    low, high = problem.wanted
    few = model.columns("too_little", axes, cost=affinity.price)
    many = model.columns("too_much", axes, cost=affinity.price)
    k = np.arange(len(r))
    model.rows(
        "affinity",
        axes,
        [(at, v.into[inside], value), (at, v.out[inside], -value), (k, few, 1.0), (k, many, -1.0)],
        lower=low[r, g] - now,
        upper=high[r, g] - now,
        text="share of a demand in a domain",
    )


def groups_of(problem: CapacityProblem, family: Family) -> Groups:
    """Return the groups (domain, reservation) of a family that have pairs, in that order."""
    domain = family.of_cell[problem.pair_cell]
    key = np.where(domain >= 0, domain * problem.reservations + problem.pair_reservation, -1)
    keys, of_pair = np.unique(key, return_inverse=True)
    none = int(len(keys) > 0 and keys[0] < 0)
    keys = keys[none:]
    return Groups(of_pair.ravel() - none, keys // problem.reservations, keys % problem.reservations)


def _pair_axes(problem: CapacityProblem) -> tuple[Axis, Axis]:
    return (
        Axis(problem.cell_names, problem.pair_cell),
        Axis(problem.reservation_names, problem.pair_reservation),
    )
