"""The backbone in the allocation of capacity: in each state there is a way to serve what users ask.

    Σ_d x[r,g,d,w] + unserved[r,g,w] ≥ D[r,g]        what users of g ask of r, in state w
    Σ_g x[r,g,d,w] ≤ Σ_{p in r,d} v_p · n_p           what r has at site d (none at a site that is lost)
    Σ traffic · route[l,w] · x − over[l,w] ≤ free_l    what a link carries beside traffic that no service makes

A multi-commodity flow on fixed routes (those of least latency), one copy per state, all coupled by n.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solvers.linear import Axis, Ints, LinearModel, running
from solvers.problem import Backbone, CapacityProblem


@dataclass(frozen=True)
class Crossing:
    """The columns: flows `[Q]`, and what is not served of each (reservation, region, state) `[A]`."""

    flow: Ints
    unserved: Ints
    asks: Ints
    ask_of: Ints


def add_backbone(model: LinearModel, problem: CapacityProblem, into: Ints, out: Ints) -> None:
    """Add the flows of the backbone to a capacity model whose servers come (`into`) and go (`out`)."""
    backbone = problem.backbone
    assert backbone is not None
    crossing = flows_of_users(model, problem)
    sites_serve_with_what_they_have(model, problem, crossing, (into, out))


def flows_of_users(model: LinearModel, problem: CapacityProblem) -> Crossing:
    """Add the flows, what they serve and what links carry; what sites have is left to say."""
    assert problem.backbone is not None
    crossing = _columns(model, problem, problem.backbone)
    what_is_asked_is_served(model, problem.backbone, crossing)
    links_carry_it(model, problem, crossing)
    return crossing


def _columns(model: LinearModel, problem: CapacityProblem, backbone: Backbone) -> Crossing:
    b = backbone
    size = (len(problem.reservation_names), len(b.regions), len(b.states))
    asks, ask_of = np.unique(
        np.ravel_multi_index((b.reservation, b.region, b.state), size), return_inverse=True
    )
    flow = model.columns(
        "flow",
        (
            Axis(problem.reservation_names, b.reservation),
            Axis(b.regions, b.region),
            Axis(b.sites, b.site),
            Axis(_words(b), b.state),
        ),
    )
    r, g, w = np.unravel_index(asks, size)
    axes = (Axis(problem.reservation_names, r), Axis(b.regions, g), Axis(_words(b), w))
    unserved = model.columns("unserved", axes, cost=problem.prices.unserved)
    return Crossing(flow, unserved, asks, ask_of.ravel())


def what_is_asked_is_served(model: LinearModel, backbone: Backbone, crossing: Crossing) -> None:
    """Σ_d x[r,g,d,w] + unserved[r,g,w] ≥ D[r,g]."""
    b = backbone
    first = np.unique(crossing.ask_of, return_index=True)[1]
    r, g, w = b.reservation[first], b.region[first], b.state[first]
    rows = np.arange(len(first))
    names = tuple(f"{i}" for i in range(len(b.asked)))
    model.rows(
        "asked",
        (Axis(names, r), Axis(b.regions, g), Axis(_words(b), w)),
        [(crossing.ask_of, crossing.flow, 1.0), (rows, crossing.unserved, 1.0)],
        lower=b.asked[r, g],
        text="what users of a region ask, in a state",
    )


def sites_serve_with_what_they_have(
    model: LinearModel, problem: CapacityProblem, crossing: Crossing, servers: tuple[Ints, Ints]
) -> None:
    """Σ_g x[r,g,d,w] ≤ Σ_{p in r,d} v_p · n_p."""
    b, (into, out) = problem.backbone, servers
    assert b is not None and problem.site_of_cell is not None
    size = (len(problem.reservation_names), len(b.sites), len(b.states))
    places, place_of = np.unique(
        np.ravel_multi_index((b.reservation, b.site, b.state), size), return_inverse=True
    )
    r, d, w = np.unravel_index(places, size)
    home = problem.site_of_cell[problem.pair_cell]
    pair_key = problem.pair_reservation * len(b.sites) + home
    order = np.argsort(pair_key, kind="stable")
    first = np.searchsorted(pair_key[order], r * len(b.sites) + d)
    last = np.searchsorted(pair_key[order], r * len(b.sites) + d, side="right")
    width = last - first
    at = np.repeat(np.arange(len(places)), width)
    pair = order[np.repeat(first, width) + running(width)]
    now = np.bincount(at, problem.value[pair] * problem.now[pair], len(places))
    model.rows(
        "serve_at_site",
        (Axis(problem.reservation_names, r), Axis(b.sites, d), Axis(_words(b), w)),
        [
            (place_of.ravel(), crossing.flow, 1.0),
            (at, into[pair], -problem.value[pair]),
            (at, out[pair], problem.value[pair]),
        ],
        upper=now,
        text="what a site serves, of what it has",
    )


def links_carry_it(model: LinearModel, problem: CapacityProblem, crossing: Crossing) -> None:
    """Σ_q share[l,q] · x[q] − over[l] ≤ free[l]."""
    b = problem.backbone
    assert b is not None
    rows, flows = b.share.nonzero()
    values = np.asarray(b.share.tocsr()[rows, flows]).ravel()
    over = model.columns("over_link", [Axis(b.rows)], cost=problem.prices.congestion)
    model.rows(
        "link",
        [Axis(b.rows)],
        [(rows, crossing.flow[flows], values), (np.arange(len(b.rows)), over, -1.0)],
        upper=b.limit,
        text="link [Gbit/s]",
    )


def sites_keep_their_floor(model: LinearModel, problem: CapacityProblem, into: Ints, out: Ints) -> None:
    """Σ_{p in r,d} v_p · n_p + below[r,d] ≥ floor[r,d]: instead of flows, what they were found to need."""
    floor = problem.floor
    assert floor is not None
    family = problem.families[floor.family]
    r, d = np.nonzero(np.isfinite(floor.least))
    place = np.full(floor.least.shape, -1)
    place[r, d] = np.arange(len(r))
    domain = family.of_cell[problem.pair_cell]
    at = np.where(domain >= 0, place[problem.pair_reservation, domain], -1)
    inside = at >= 0
    at, value = at[inside], problem.value[inside]
    axes = (Axis(family.domains, d), Axis(problem.reservation_names, r))
    below = model.columns("below", axes, cost=floor.price[r, d])
    model.rows(
        "floor",
        axes,
        [(at, into[inside], value), (at, out[inside], -value), (np.arange(len(r)), below, 1.0)],
        lower=floor.least[r, d] - np.bincount(at, value * problem.now[inside], len(r)),
        text="what must be at a site for its users",
    )


def _words(backbone: Backbone) -> tuple[str, ...]:
    return tuple(state or "as it is" for state in backbone.states)
