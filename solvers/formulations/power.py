"""Stranded power: which racks to feed otherwise, which to cap, and which to swap, so that the most power becomes usable.

    max   Σ_ofk gain_fk · new[o,k]  −  move · Σ_{o not home} on[o]  −  cap · Σ_r capped[r]  −  swap · Σ_j servers_j · swapped[j]
    with  load of every unit, in every state of one loss, ≤ its rating; where that is broken today, ≤ today's, no new server

o is an option: a class of racks on a feed; on[o] counts its racks (whole), new[o,k] servers of type k that more could be placed
there (fractions: a bound for whole ones). j is a pair of classes whose racks exchange owners of servers (power_swaps.py).
Leaving all as it is always is a solution. Each function is one constraint.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solvers.formulations.power_swaps import (
    fit_after_swap,
    reservations_keep_what_they_survive,
    swap_columns,
    swaps_of_classes,
    swaps_on_limits,
)
from solvers.linear import Axis, Ints, LinearModel, LinearProgram
from solvers.power_problem import HEAT, PowerProblem
from twin.graph.levels import Bools, Floats


@dataclass(frozen=True)
class Terms:
    """At most `changes` racks are touched; a cap takes `depth` of the nameplate.

    What a rack moved, a VA capped, and a server that changes its owner cost [VA].
    """

    changes: int
    depth: float = 0.1
    move_va: float = 10.0
    cap_va: float = 0.25
    swap_va: float = 1.0
    refeeds: bool = True
    caps: bool = True
    swaps: bool = True


@dataclass(frozen=True)
class Variables:
    """The columns: racks of each option `[O]`, capped racks of each class `[R]`, new servers of each option and type `[O, K]`.

    `swapped` `[J]` counts pairs of racks. `mended` `[M]` tells whether a limit that is broken today holds again (-1: it holds
    today).
    """

    on: Ints
    capped: Ints
    new: Ints
    mended: Ints
    swapped: Ints


def power_program(problem: PowerProblem, terms: Terms) -> tuple[LinearProgram, Variables]:
    """Return the program of a power problem. Cost: limits x options x types entries."""
    model = LinearModel("power")
    v = power_variables(model, problem, terms)
    racks_have_one_feed(model, problem, v)
    racks_change_once(model, problem, v)
    servers_fit_the_height(model, problem, v)
    servers_fit_the_budget(model, problem, terms, v)
    whole_servers_fit_a_rack(model, problem, terms, v)
    units_carry_their_load(model, problem, terms, v)
    plants_remove_the_heat(model, problem, terms, v)
    broken_limits_get_no_servers(model, problem, v)
    changes_are_few(model, problem, terms, v)
    reservations_keep_what_they_survive(model, problem, v.swapped)
    return model.build(), v


def power_variables(model: LinearModel, problem: PowerProblem, terms: Terms) -> Variables:
    """Add the columns; gains are negative costs."""
    count, home, r = problem.count, problem.home, problem.option_class
    axes = _option_axes(problem)
    options, types = len(r), len(problem.type_w)
    gain = np.outer(problem.gain_va[problem.option_feed], problem.type_va)
    gain += np.outer(problem.gain_w[problem.option_feed], problem.type_w)
    may = np.where(home | terms.refeeds, count[r], 0)
    names = [one.racks[0] for one in problem.classes]
    va = np.array([one.load_va for one in problem.classes])
    most = count * float(terms.caps) * (va > 0)
    on = model.columns("on", axes, upper=may, cost=np.where(home, 0.0, terms.move_va), integer=True)
    capped = model.columns(
        "capped", [Axis(names)], upper=most, cost=terms.cap_va * terms.depth * va, integer=True
    )
    o, k = np.divmod(np.arange(options * types), max(types, 1))
    labels = [
        Axis(names, r[o]),
        Axis(_feed_names(problem), problem.option_feed[o]),
        Axis(problem.type_names, k),
    ]
    new = model.columns("new", labels, cost=-gain.ravel())
    broken = np.flatnonzero(_broken(problem))
    mended = model.columns("mended", _limit_axes(problem, broken), upper=1.0, integer=True)
    place = np.full(len(problem.left), -1)
    place[broken] = mended
    swapped = swap_columns(model, problem, server_va=terms.swap_va, allowed=terms.swaps)
    return Variables(on, capped, new.reshape(options, types), place, swapped)


def racks_have_one_feed(model: LinearModel, problem: PowerProblem, v: Variables) -> None:
    """Σ_f on[r,f] = racks of class r."""
    model.rows(
        "racks_have_one_feed",
        [Axis([one.racks[0] for one in problem.classes])],
        [(problem.option_class, v.on, 1.0)],
        lower=problem.count,
        upper=problem.count,
        text="racks of a class",
    )


def racks_change_once(model: LinearModel, problem: PowerProblem, v: Variables) -> None:
    """capped[r] + Σ_j racks of r in swap j · swapped[j] ≤ on[r,home]: a rack is moved, capped or swapped, once."""
    home = np.flatnonzero(problem.home)
    r = np.arange(len(problem.classes))
    model.rows(
        "racks_change_once",
        [Axis([one.racks[0] for one in problem.classes])],
        [
            (r, v.capped, 1.0),
            swaps_of_classes(problem, v.swapped),
            (problem.option_class[home], v.on[home], -1.0),
        ],
        upper=0.0,
        text="racks that are capped or swapped where they are",
    )


def servers_fit_the_height(model: LinearModel, problem: PowerProblem, v: Variables) -> None:
    """Σ_k height_k · new[o,k] ≤ free height · on[o]."""
    free_u = np.array([one.free_u for one in problem.classes], dtype=np.float64)
    o = np.arange(len(v.on))
    model.rows(
        "servers_fit_the_height",
        _option_axes(problem),
        [(o[:, None], v.new, problem.type_u), (o, v.on, -free_u[problem.option_class])],
        upper=0.0,
        text="height [U]",
    )


def servers_fit_the_budget(model: LinearModel, problem: PowerProblem, terms: Terms, v: Variables) -> None:
    """Σ_k watts_k · new[o,k] ≤ budget left · on[o] + what caps and swaps leave there."""
    left = np.array([one.budget_w for one in problem.classes])[problem.option_class]
    o = np.flatnonzero(np.isfinite(left))
    row = np.arange(len(o))
    r = problem.option_class[o]
    given = np.array([terms.depth * one.load_w for one in problem.classes])[r] * problem.home[o]
    at = np.full(len(problem.classes), -1)
    at[r[problem.home[o]]] = row[problem.home[o]]
    place = at[problem.swaps.rack_class]
    j, side = np.nonzero(place >= 0)
    model.rows(
        "servers_fit_the_budget",
        _option_axes(problem, o),
        [
            (row[:, None], v.new[o], problem.type_w),
            (row, v.on[o], -left[o]),
            (row, v.capped[r], -given),
            (place[j, side], v.swapped[j], -problem.swaps.more_budget_w[j, side]),
        ],
        upper=0.0,
        text="budget of the racks [W]",
    )


def whole_servers_fit_a_rack(model: LinearModel, problem: PowerProblem, terms: Terms, v: Variables) -> None:
    """new[o,k] ≤ ⌊what one rack can take of type k⌋ · on[o], in racks that swap ⌊what it can take then⌋.

    Rows are where a part of a server would be left over, and where a swap changes what fits.
    """
    classes, rack_class = problem.classes, problem.swaps.rack_class
    left_w = np.array([one.budget_w + terms.depth * terms.caps * one.load_w for one in classes])
    free_u = np.array([float(one.free_u) for one in classes])
    fit = np.minimum(free_u[:, None] / problem.type_u, np.minimum(left_w, 1e12)[:, None] / problem.type_w)
    most, then = np.floor(fit + 1e-9), fit_after_swap(problem)
    parts, more = fit - most > 1e-9, np.floor(then + 1e-9) - most[rack_class]
    np.logical_or.at(parts, rack_class, (then - np.floor(then + 1e-9) > 1e-9) | (more != 0))
    o, k = np.nonzero(parts[problem.option_class])
    row, at = np.arange(len(o)), np.full(parts.shape, -1)
    home = problem.home[o]
    at[problem.option_class[o[home]], k[home]] = row[home]
    place = at[rack_class]
    j, side, kind = np.nonzero((place >= 0) & (more != 0))
    model.rows(
        "whole_servers_fit_a_rack",
        [*_option_axes(problem, o), Axis(problem.type_names, k)],
        [
            (row, v.new[o, k], 1.0),
            (row, v.on[o], -most[problem.option_class[o], k]),
            (place[j, side, kind], v.swapped[j], -more[j, side, kind]),
        ],
        upper=0.0,
        text="whole servers in a rack",
    )


def units_carry_their_load(model: LinearModel, problem: PowerProblem, terms: Terms, v: Variables) -> None:
    """Load of racks, caps and new servers on a unit ≤ what it has left, in every state of one loss that differs."""
    _limits(
        model,
        "units_carry_their_load",
        problem,
        terms,
        v,
        [i for i, u in enumerate(problem.unit) if u != HEAT],
    )


def plants_remove_the_heat(model: LinearModel, problem: PowerProblem, terms: Terms, v: Variables) -> None:
    """Heat of all that is alive ≤ what the plants alive remove, in every state of one loss that differs."""
    _limits(
        model,
        "plants_remove_the_heat",
        problem,
        terms,
        v,
        [i for i, u in enumerate(problem.unit) if u == HEAT],
    )


def broken_limits_get_no_servers(model: LinearModel, problem: PowerProblem, v: Variables) -> None:
    """New servers on a unit that is above its limit today ≤ what is left · mended: first it must hold again."""
    broken = np.flatnonzero(_broken(problem))
    row = np.arange(len(broken))
    model.rows(
        "broken_limits_get_no_servers",
        _limit_axes(problem, broken),
        [
            (row[:, None, None], v.new, _of_new(problem, broken)),
            (row, v.mended[broken], -np.maximum(problem.left[broken], 0.0)),
        ],
        upper=0.0,
        text="new servers where a limit is broken today [VA], [W]",
    )


def changes_are_few(model: LinearModel, problem: PowerProblem, terms: Terms, v: Variables) -> None:
    """Σ_{o not home} on[o] + Σ_r capped[r] + 2 · Σ_j swapped[j] ≤ K."""
    away = v.on[~problem.home]
    model.rows(
        "changes_are_few",
        1,
        [(0, away, 1.0), (0, v.capped, 1.0), (0, v.swapped, 2.0)],
        upper=float(terms.changes),
        text="racks that change",
    )


CONSTRAINTS = (
    racks_have_one_feed,
    racks_change_once,
    servers_fit_the_height,
    servers_fit_the_budget,
    whole_servers_fit_a_rack,
    units_carry_their_load,
    plants_remove_the_heat,
    broken_limits_get_no_servers,
    changes_are_few,
    reservations_keep_what_they_survive,
)


def _limits(
    model: LinearModel, name: str, problem: PowerProblem, terms: Terms, v: Variables, which: list[int]
) -> None:
    home, number = np.flatnonzero(problem.home), np.array(which, dtype=np.int64)
    rows = np.arange(len(which))[:, None]
    on = np.stack([problem.on_limit(o)[number] for o in range(len(v.on))], axis=1)
    broken = np.flatnonzero(_broken(problem)[number])
    excess = (problem.used - problem.left)[number]
    model.rows(
        name,
        _limit_axes(problem, number),
        [
            (rows, v.on, on),
            (rows, v.capped[problem.option_class[home]], -terms.depth * on[:, home]),
            (rows[:, :, None], v.new, _of_new(problem, number)),
            (broken, v.mended[number[broken]], excess[broken]),
            (rows, v.swapped, swaps_on_limits(problem, number)),
        ],
        upper=np.maximum(problem.left, problem.used)[number],
        text="load [VA], heat [W]",
    )


def _broken(problem: PowerProblem) -> Bools:
    """Return which limits today's racks are above."""
    return problem.used > problem.left + 1e-6 * np.abs(problem.used)


def _of_new(problem: PowerProblem, which: Ints) -> Floats:
    """Return what a new server of each option and type adds to some limits `[m, O, K]`."""
    va, watts = (per[which][:, problem.option_feed] for per in (problem.per_va, problem.per_w))
    return np.asarray(va[:, :, None] * problem.type_va + watts[:, :, None] * problem.type_w)


def _limit_axes(problem: PowerProblem, which: Ints) -> list[Axis]:
    units, states = [problem.unit[i] for i in which], [problem.state[i] or "whole" for i in which]
    return [Axis(units), Axis(states)]


def _option_axes(problem: PowerProblem, which: Ints | None = None) -> list[Axis]:
    which = np.arange(len(problem.option_class)) if which is None else which
    names = [one.racks[0] for one in problem.classes]
    return [Axis(names, problem.option_class[which]), Axis(_feed_names(problem), problem.option_feed[which])]


def _feed_names(problem: PowerProblem) -> list[str]:
    return ["+".join(feed.units) for feed in problem.feeds]
