"""Compile what numba compiles, before the clock of a search starts."""

from __future__ import annotations

import numpy as np

from solvers.anneal import anneal
from solvers.ejection import improve, seize, serve
from solvers.guide import Reluctance
from solvers.oracle import Oracle
from solvers.problem import CapacityProblem, Family
from solvers.rounding import give_back, lift, polish, top_up
from solvers.terms import terms
from solvers.whole import plan, plan_cost


def ready() -> None:
    """Compile what numba compiles, or load it from the cache: a minute the first time on a machine, then a second."""
    family = Family("domain", ("a", "b"), np.array([0, 1]))
    one = np.array([1, 1])
    toy = CapacityProblem(
        ("a", "b"), ("one",), one, np.zeros(2, np.int64), ("type",), np.array([0, 1]), np.zeros(2, np.int64), np.ones(2),
        np.zeros(2, np.int64), np.array([5.0]), (family,), np.array([[True]]), np.ones(1),
    )  # fmt: skip
    layout, nothing, order = terms(toy), np.zeros(2), np.zeros(1, np.int64)
    made = plan(toy, layout, toy.now)
    Oracle(toy).ask(np.zeros(2))
    give_back(layout, made, nothing)
    top_up(layout, made, order, nothing)
    seize(layout, made, order, nothing, np.zeros(1))
    lift(layout, made, order)
    serve(layout, made, order, nothing, np.zeros(1), 1)
    polish(layout, made, order)
    improve(layout, made, np.arange(2), nothing, np.zeros(1))
    anneal(layout, made, Reluctance(nothing, nothing), one, 1.0, 1, 0)
    plan_cost(layout, made)
