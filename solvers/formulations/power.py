"""Stranded power: which racks to feed otherwise, and which to cap, so that the most power becomes usable.

    max   Σ_ofk gain_fk · new[o,k]  −  move · Σ_{o not home} on[o]  −  cap · Σ_r capped[r]
    with  load of every unit, in every state of one loss, ≤ max(its rating, what it is today)

o is an option: a class of racks on a feed; on[o] counts its racks (whole), new[o,k] servers of type k that more could be placed
there (fractions: a bound for whole ones). Leaving all as it is always is a solution. Each function is one constraint.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solvers.linear import INFINITY, Axis, Ints, LinearModel, LinearProgram
from solvers.power_problem import HEAT, PowerProblem
from twin.graph.levels import Floats


@dataclass(frozen=True)
class Terms:
    """At most `changes` racks are touched; a cap takes `depth` of the nameplate; what a rack moved or a VA capped costs [VA]."""

    changes: int
    depth: float = 0.1
    move_va: float = 10.0
    cap_va: float = 0.25
    refeeds: bool = True
    caps: bool = True


@dataclass(frozen=True)
class Variables:
    """The columns: racks of each option `[O]`, capped racks of each class `[R]`, new servers of each option and type `[O, K]`."""

    on: Ints
    capped: Ints
    new: Ints


def power_program(problem: PowerProblem, terms: Terms) -> tuple[LinearProgram, Variables]:
    """Return the program of a power problem. Cost: limits x options x types entries."""
    model = LinearModel("power")
    v = power_variables(model, problem, terms)
    racks_have_one_feed(model, problem, v)
    caps_stay_at_home(model, problem, v)
    servers_fit_the_height(model, problem, v)
    servers_fit_the_budget(model, problem, terms, v)
    units_carry_their_load(model, problem, terms, v)
    plants_remove_the_heat(model, problem, terms, v)
    changes_are_few(model, problem, terms, v)
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
    return Variables(on, capped, new.reshape(options, types))


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


def caps_stay_at_home(model: LinearModel, problem: PowerProblem, v: Variables) -> None:
    """capped[r] ≤ on[r,home]: a rack is moved or capped, not both."""
    home = np.flatnonzero(problem.home)
    r = np.arange(len(problem.classes))
    model.rows(
        "caps_stay_at_home",
        [Axis([one.racks[0] for one in problem.classes])],
        [(r, v.capped, 1.0), (problem.option_class[home], v.on[home], -1.0)],
        upper=0.0,
        text="racks that are capped where they are",
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
    """Σ_k watts_k · new[o,k] ≤ budget left · on[o] + what caps leave there."""
    left = np.array([one.budget_w for one in problem.classes])[problem.option_class]
    o = np.flatnonzero(np.isfinite(left))
    row = np.arange(len(o))
    r = problem.option_class[o]
    given = np.array([terms.depth * one.load_w for one in problem.classes])[r] * problem.home[o]
    model.rows(
        "servers_fit_the_budget",
        _option_axes(problem, o),
        [
            (row[:, None], v.new[o], problem.type_w),
            (row, v.on[o], -left[o]),
            (row, v.capped[r], -given),
        ],
        upper=0.0,
        text="budget of the racks [W]",
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


def changes_are_few(model: LinearModel, problem: PowerProblem, terms: Terms, v: Variables) -> None:
    """Σ_{o not home} on[o] + Σ_r capped[r] ≤ K."""
    away = v.on[~problem.home]
    model.rows(
        "changes_are_few",
        1,
        [(0, away, 1.0), (0, v.capped, 1.0)],
        upper=float(terms.changes),
        text="racks that change",
    )


CONSTRAINTS = (
    racks_have_one_feed,
    caps_stay_at_home,
    servers_fit_the_height,
    servers_fit_the_budget,
    units_carry_their_load,
    plants_remove_the_heat,
    changes_are_few,
)


def _limits(
    model: LinearModel, name: str, problem: PowerProblem, terms: Terms, v: Variables, which: list[int]
) -> None:
    feed, home = problem.option_feed, np.flatnonzero(problem.home)
    rows = np.arange(len(which))[:, None]
    on = np.stack([problem.on_limit(o)[which] for o in range(len(v.on))], axis=1)
    va, watts = problem.per_va[which][:, feed], problem.per_w[which][:, feed]
    new: Floats = va[:, :, None] * problem.type_va + watts[:, :, None] * problem.type_w
    model.rows(
        name,
        [Axis([problem.unit[i] for i in which]), Axis([problem.state[i] or "whole" for i in which])],
        [
            (rows, v.on, on),
            (rows, v.capped[problem.option_class[home]], -terms.depth * on[:, home]),
            (rows[:, :, None], v.new, new),
        ],
        upper=np.where(np.isfinite(problem.spare[which]), problem.spare[which], INFINITY),
        text="load [VA], heat [W]",
    )


def _option_axes(problem: PowerProblem, which: Ints | None = None) -> list[Axis]:
    which = np.arange(len(problem.option_class)) if which is None else which
    names = [one.racks[0] for one in problem.classes]
    return [Axis(names, problem.option_class[which]), Axis(_feed_names(problem), problem.option_feed[which])]


def _feed_names(problem: PowerProblem) -> list[str]:
    return ["+".join(feed.units) for feed in problem.feeds]
