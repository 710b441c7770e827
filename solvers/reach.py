"""What users reach: the best flows over the backbone when it is known what every reservation has at every site.

With the servers fixed each state is a small linear program of its own: what is asked, what a site has, what links carry. With
servers that may be rented at a price per RRU, one number for all states, the same program says what a backbone at least costs
at these prices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from solvers.formulations.capacity_backbone import flows_of_users
from solvers.highs import Answer, Highs
from solvers.linear import Axis, LinearModel, LinearProgram
from solvers.problem import Backbone, CapacityProblem, Floats, Ints


def loads_at_sites(problem: CapacityProblem, counts: Floats | Ints) -> Floats:
    """Return what reservations have at the sites of the backbone [RRU, `(R, S)`]."""
    assert problem.backbone is not None and problem.site_of_cell is not None
    sites = len(problem.backbone.sites)
    at = problem.pair_reservation * sites + problem.site_of_cell[problem.pair_cell]
    loads: Floats = np.bincount(at, problem.value * counts, problem.reservations * sites).astype(np.float64)
    return loads.reshape(-1, sites)


def costs_of_states(problem: CapacityProblem, counts: Floats | Ints) -> Floats:
    """Return what is paid in each state for users who cannot be reached and links that are too full `[W]`: exactly.

    Cost: a linear program of the flows of one state for each state.
    """
    return costs_at(problem, loads_at_sites(problem, counts))


def costs_at(problem: CapacityProblem, loads: Floats) -> Floats:
    """Return the same `[W]` for what reservations have at sites `[R, S]`."""
    assert problem.backbone is not None
    return np.array([_cost_of_state(problem, loads, w) for w in range(len(problem.backbone.states))])


def _cost_of_state(problem: CapacityProblem, loads: Floats, state: int) -> float:
    alone = replace(problem, backbone=in_states(problem, np.array([state])))
    return max(0.0, Highs(reach_program(alone, most=loads), relaxed=True).solve().objective)


def least_cost(
    problem: CapacityProblem, rent: Floats, time_limit_s: float, should_stop: Callable[[], bool] | None = None
) -> Answer:
    """Return what users cost at least where an RRU at a site is rented `[R, S]`, in all states of the backbone together."""
    program = reach_program(problem, rent=rent)
    return Highs(program, relaxed=True).solve(time_limit_s=time_limit_s, should_stop=should_stop)


def what_lacks(
    problem: CapacityProblem, counts: Floats | Ints, price: float, time_limit_s: float
) -> tuple[Floats, Ints, Floats] | None:
    """Return what flows take at sites, in how many states, and how much of it is not there, where an RRU more costs so much.

    All are `[R, S]`; None if that is not found in time.
    """
    program = reach_program(problem, most=loads_at_sites(problem, counts), more=price)
    answer = Highs(program, relaxed=True).solve(time_limit_s=time_limit_s)
    if answer.x is None or answer.status != "optimal":
        return None
    more = answer.x[program.columns("more")].reshape(problem.reservations, -1)
    return *served(problem, answer.x[program.columns("flow")]), more


def reach_program(
    problem: CapacityProblem, *, most: ArrayLike = np.inf, rent: ArrayLike = 0.0, more: float | None = None
) -> LinearProgram:
    """Return the program of the flows, of at most so much that a reservation has at a site, at a rent of so much for it.

    min Σ unserved · u + congestion · over + rent · has + more · extra,
    with Σ_g x[r,g,s,w] ≤ has[r,s] + extra[r,s], has[r,s] ≤ most[r,s]; there is no extra without a price for it.
    """
    b = problem.backbone
    assert b is not None
    model = LinearModel("reach")
    crossing = flows_of_users(model, problem)
    shape = (problem.reservations, len(b.sites))
    r, s = (index.ravel() for index in np.indices(shape))
    there = (Axis(problem.reservation_names, r), Axis(b.sites, s))
    upper, cost = (np.broadcast_to(side, shape).ravel() for side in (most, rent))
    has = [model.columns("has", there, upper=upper, cost=cost)]
    if more is not None:
        has.append(model.columns("more", there, cost=more))
    places, place_of = _places(b)
    r, s, w = np.unravel_index(places, (*shape, len(b.states)))
    k, at = np.arange(len(places)), r * len(b.sites) + s
    model.rows(
        "serve",
        (Axis(problem.reservation_names, r), Axis(b.sites, s), Axis(b.states, w)),
        [(place_of, crossing.flow, 1.0), *((k, columns[at], -1.0) for columns in has)],
        upper=0.0,
        text="what a site serves, of what it has",
    )
    return model.build()


def served(problem: CapacityProblem, flow: Floats) -> tuple[Floats, Ints]:
    """Return the most that flows take of a reservation at a site `[R, S]`, and in how many states they take that much."""
    b = problem.backbone
    assert b is not None
    shape = (problem.reservations, len(b.sites), len(b.states))
    at = np.ravel_multi_index((b.reservation, b.site, b.state), shape)
    taken = np.bincount(at, flow, int(np.prod(shape))).reshape(shape)
    most = taken.max(axis=2, initial=0.0)
    tight = taken >= most[:, :, None] - 1e-6 * np.maximum(most, 1.0)[:, :, None]
    return most, np.where(most > 1e-6, tight.sum(axis=2), 0)


def per_site(problem: CapacityProblem, of_places: Floats) -> Floats:
    """Return the sums over all states `[R, S]` of a number for each (reservation, site, state) that flows come from."""
    b = problem.backbone
    assert b is not None
    shape = (problem.reservations, len(b.sites), len(b.states))
    found = np.zeros(shape)
    found[np.unravel_index(_places(b)[0], shape)] = of_places
    return found.sum(axis=2)


def in_states(problem: CapacityProblem, states: Ints) -> Backbone:
    """Return the backbone of a problem in some of its states: a lower cost, since every state adds what it costs.

    A row of links belongs to the state of its flows; one that no flow uses, to the first state.
    """
    b = problem.backbone
    assert b is not None
    flows = np.flatnonzero(np.isin(b.state, states))
    first = np.append(b.state, 0)[np.append(b.share.indices, len(b.state))[b.share.indptr[:-1]]]
    used = np.diff(b.share.indptr) > 0
    rows = np.flatnonzero(np.isin(np.where(used, first, 0), states))
    return replace(
        b,
        reservation=b.reservation[flows],
        region=b.region[flows],
        site=b.site[flows],
        state=b.state[flows],
        share=csr_array(csr_array(b.share[rows]).tocsc()[:, flows].tocsr()),
        rows=tuple(b.rows[i] for i in rows),
        limit=b.limit[rows],
    )


def _places(b: Backbone) -> tuple[Ints, Ints]:
    """Return the (reservation, site, state) that flows come from, as numbers, and which of them each flow comes from."""
    shape = (len(b.asked), len(b.sites), len(b.states))
    places, of = np.unique(np.ravel_multi_index((b.reservation, b.site, b.state), shape), return_inverse=True)
    return places, of.ravel()
