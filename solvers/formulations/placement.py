"""Load placement: which share of each service's demand each site serves, hour by hour (after Flux, OSDI 2023, in spirit).

    min   Σ_tks  price_ts · watts_tks · arrivals_tks   +   move · Σ_tks more_tks   +   what soft limits cost
    with  arrivals = users' choice of site, and calls of calls, linear in the shares about a point (solvers/placement_flows.py)

share[b,k,s] is what site s gets of service k in span b (some hours), a part of 1. Only services move that users ask and that
have a choice. Limits are today's values where these are above the rating: what is broken today must not get worse, and is said.
All limits but the sums of shares have a price and no upper bound, so that no wish makes the program infeasible. Each function
is one constraint.
"""

from __future__ import annotations

import numpy as np

from solvers.formulations.placement_columns import (
    Point,
    Terms,
    Variables,
    placement_variables,
    point_at,
    span_axes,
)
from solvers.formulations.placement_limits import (
    capacity_survives_any_loss,
    links_have_capacity,
    links_survive_any_loss,
    sites_have_capacity,
    users_do_not_wait_longer,
)
from solvers.linear import Axis, LinearModel, LinearProgram
from solvers.placement_problem import PlacementProblem


def placement_program(
    problem: PlacementProblem, terms: Terms, point: Point
) -> tuple[LinearProgram, Variables]:
    """Return the program about a point. Cost: states x hours x links (or deployments) x pairs entries."""
    model = LinearModel("placement")
    v = placement_variables(model, problem, terms, point)
    shares_make_a_whole(model, problem, v)
    shifts_are_counted(model, problem, v)
    sites_have_capacity(model, problem, terms, point, v)
    capacity_survives_any_loss(model, problem, terms, point, v)
    links_have_capacity(model, problem, terms, point, v)
    links_survive_any_loss(model, problem, terms, point, v)
    users_do_not_wait_longer(model, problem, terms, point, v)
    return model.build(), v


def shares_make_a_whole(model: LinearModel, problem: PlacementProblem, v: Variables) -> None:
    """Σ_s share[b,k,s] = today's sum over the pool: all sites, or those of a region for a service that stays in it."""
    pool = np.where(problem.regional[v.service], problem.region_of[v.site] + 1, 0)
    key, of_pair = np.unique(v.service * (len(problem.regions) + 1) + pool, return_inverse=True)
    spans = len(v.in_span)
    whole = np.bincount(of_pair, problem.share[v.service, v.site], len(key))
    names = ("everywhere", *problem.regions)
    row = np.arange(spans)[:, None] * len(key) + of_pair
    model.rows(
        "shares_make_a_whole",
        [
            Axis(v.span, np.repeat(np.arange(spans), len(key))),
            Axis(problem.services, np.tile(key // len(names), spans)),
            Axis(names, np.tile(key % len(names), spans)),
        ],
        [(row, v.in_span, 1.0)],
        lower=np.tile(whole, spans),
        upper=np.tile(whole, spans),
        text="the shares of a service",
    )


def shifts_are_counted(model: LinearModel, problem: PlacementProblem, v: Variables) -> None:
    """more[b,k,s] ≥ share[b,k,s] − share[b−1,k,s], from today's shares, and back to them at the end."""
    spans, pairs = v.in_span.shape
    today = problem.share[v.service, v.site]
    row = np.arange((spans + 1) * pairs).reshape(spans + 1, pairs)
    lower = np.zeros((spans + 1, pairs))
    lower[0] -= today
    lower[-1] += today
    model.rows(
        "shifts_are_counted",
        span_axes(problem, v.span, v.service, v.site, spans + 1),
        [(row, v.more, 1.0), (row[:-1], v.in_span, -1.0), (row[1:], v.in_span, 1.0)],
        lower=lower.ravel(),
        text="traffic that moves",
    )


CONSTRAINTS = (
    shares_make_a_whole,
    shifts_are_counted,
    sites_have_capacity,
    capacity_survives_any_loss,
    links_have_capacity,
    links_survive_any_loss,
    users_do_not_wait_longer,
)

__all__ = ["CONSTRAINTS", "Point", "Terms", "Variables", "placement_program", "point_at"]
