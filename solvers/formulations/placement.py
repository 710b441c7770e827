"""Load placement: which share of each service's demand each site serves, hour by hour (after Flux, OSDI 2023, in spirit).

    min   Σ_tks  price_ts · watts_tks · arrivals_tks   +   move · Σ_tks more_tks   +   what soft limits cost
    with  arrivals = users' choice of site, and calls of calls, both linear in the shares about a point (solvers/placement_flows.py)

share[t,k,s] is what site s gets of service k in hour t, a part of 1. Only services move that users ask and that have a choice.
Limits are today's values where these are above the rating: what is broken today must not get worse, and is reported. All limits
but the sums of shares have a price and no upper bound, so that no wish makes the program infeasible. Each function is one constraint.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from solvers.linear import Axis, Ints, LinearModel, LinearProgram
from solvers.placement_flows import Flows, called, flows, link_per_request, point_of, watts_per_request
from solvers.placement_problem import PlacementProblem, State
from twin.graph.levels import Floats


@dataclass(frozen=True)
class Terms:
    """What a plan is worth: `unit_price` [T, S] per kWh (USD or kg), `move` per share that moves, `over` for a limit passed whole.

    `stretch` multiplies the target utilisation, `emergency` is the utilisation after a loss; a link may be filled to
    `link_share`, after a loss to 1; users may wait longer than today by `slower` of the SLO.
    """

    unit_price: Floats
    move: float = 1.0
    over: float = 1000.0
    stretch: float = 1.0
    emergency: float = 0.9
    link_share: float = 0.8
    slower: float = 0.05


@dataclass(frozen=True)
class Point:
    """Where the program is linear: the flows of every state at the shares `[T, K, S]`, and today's."""

    share: Floats
    flows: tuple[Flows, ...]
    today: tuple[Flows, ...]


@dataclass(frozen=True)
class Variables:
    """The columns: shares that may move `[T, P]` of pairs (service, site), and what they gain at the start of an hour `[T+1, P]`."""

    service: Ints
    site: Ints
    share: Ints
    more: Ints
    hour: tuple[str, ...] = field(repr=False)

    def of(self, x: Floats, point: Floats) -> Floats:
        """Return all shares `[T, K, S]` at a solution: those that do not move as they are."""
        found = point.copy()
        found[:, self.service, self.site] = x[self.share]
        return found


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


def point_at(problem: PlacementProblem, share: Floats) -> Point:
    """Return the point of some shares."""
    today = point_of(problem)
    here = tuple(flows(problem, share, state) for state in problem.states)
    then = tuple(flows(problem, today, state) for state in problem.states)
    return Point(share, here, then)


def pairs_of(problem: PlacementProblem) -> tuple[Ints, Ints]:
    """Return the (service, site) pairs that may move: users ask, weight stands there, and another site shares the pool."""
    able = problem.states[0].able & (problem.rate > 0)
    asked = problem.demand.sum(axis=(0, 2)) > 0
    same_region = np.equal.outer(problem.region_of, problem.region_of)
    service, site = np.nonzero(able & asked[:, None] & (problem.total_weight > 0)[:, None])
    pool = np.array(
        [
            (able[k] & (same_region[s] | ~problem.regional[k])) @ np.ones(len(problem.sites))
            for k, s in zip(service, site, strict=True)
        ]
    )
    return service[pool > 1], site[pool > 1]


def placement_variables(
    model: LinearModel, problem: PlacementProblem, terms: Terms, point: Point
) -> Variables:
    """Add the columns; a share costs what its requests, and all that they call, draw at their site in that hour."""
    service, site = pairs_of(problem)
    hours, pairs = problem.hours, len(service)
    hour = tuple(f"h{t:02d}" for t in range(hours + 1))
    per_user = _users_per_share(problem, point.flows[0])
    watts = watts_per_request(problem, point.flows[0].arrivals)
    together = np.einsum("skc,tks->tcs", called(problem, problem.states[0]), watts)
    cost = (per_user * together * terms.unit_price[:, None, :])[:, service, site] / 1e3
    axes = [Axis(hour, np.repeat(np.arange(hours), pairs)), *_pair_axes(problem, service, site, hours)]
    later = [Axis(hour, np.repeat(np.arange(hours + 1), pairs)), *_pair_axes(problem, service, site, hours + 1)]
    share = model.columns("share", axes, upper=1.0, cost=cost.ravel())
    more = model.columns("more", later, cost=terms.move)
    return Variables(service, site, share.reshape(hours, pairs), more.reshape(hours + 1, pairs), hour)


def shares_make_a_whole(model: LinearModel, problem: PlacementProblem, v: Variables) -> None:
    """Σ_s share[t,k,s] = today's sum over the pool: all sites, or those of a region for a service that stays in it."""
    pool = np.where(problem.regional[v.service], problem.region_of[v.site] + 1, 0)
    key, of_pair = np.unique(v.service * (len(problem.regions) + 1) + pool, return_inverse=True)
    hours = problem.hours
    whole = np.bincount(of_pair, problem.share[v.service, v.site], len(key))
    names = ("everywhere", *problem.regions)
    row = np.arange(hours)[:, None] * len(key) + of_pair
    model.rows(
        "shares_make_a_whole",
        [
            Axis(v.hour, np.repeat(np.arange(hours), len(key))),
            Axis(problem.services, np.tile(key // len(names), hours)),
            Axis(names, np.tile(key % len(names), hours)),
        ],
        [(row, v.share, 1.0)],
        lower=np.tile(whole, hours),
        upper=np.tile(whole, hours),
        text="the shares of a service",
    )


def shifts_are_counted(model: LinearModel, problem: PlacementProblem, v: Variables) -> None:
    """more[t,k,s] ≥ share[t,k,s] − share[t−1,k,s], from today's shares, and back to them at the end."""
    hours, pairs = v.share.shape
    today = problem.share[v.service, v.site]
    row = np.arange((hours + 1) * pairs).reshape(hours + 1, pairs)
    lower = np.zeros((hours + 1, pairs))
    lower[0] -= today
    lower[-1] += today
    model.rows(
        "shifts_are_counted",
        [Axis(v.hour, np.repeat(np.arange(hours + 1), pairs)), *_pair_axes(problem, v.service, v.site, hours + 1)],
        [(row, v.more, 1.0), (row[:-1], v.share, -1.0), (row[1:], v.share, 1.0)],
        lower=lower.ravel(),
        text="traffic that moves",
    )


def sites_have_capacity(
    model: LinearModel, problem: PlacementProblem, terms: Terms, point: Point, v: Variables
) -> None:
    """arrivals[t,k,s] ≤ target utilisation · replicas · slots / service time + over[t,k,s]."""
    limit = problem.rate * problem.target[:, None] * terms.stretch
    _capacity(model, "sites_have_capacity", problem, v, [(0, np.maximum(limit, point.today[0].arrivals))], (terms, point))


def capacity_survives_any_loss(
    model: LinearModel, problem: PlacementProblem, terms: Terms, point: Point, v: Variables
) -> None:
    """The same after the loss of any one site or link, up to the emergency utilisation, by renormalised shares."""
    limit = problem.rate * terms.emergency
    states = [
        (x, np.maximum(limit, point.today[x].arrivals)) for x in range(1, len(problem.states))
    ]
    _capacity(model, "capacity_survives_any_loss", problem, v, states, (terms, point))


def links_have_capacity(
    model: LinearModel, problem: PlacementProblem, terms: Terms, point: Point, v: Variables
) -> None:
    """load[t,l,direction] ≤ part of the capacity + over, by the least-latency ways of the twin."""
    _links(model, "links_have_capacity", problem, v, [0], (terms, point))


def links_survive_any_loss(
    model: LinearModel, problem: PlacementProblem, terms: Terms, point: Point, v: Variables
) -> None:
    """load[state,t,l,direction] ≤ capacity + over after the loss of any one site or link."""
    _links(model, "links_survive_any_loss", problem, v, list(range(1, len(problem.states))), (terms, point))


def users_do_not_wait_longer(
    model: LinearModel, problem: PlacementProblem, terms: Terms, point: Point, v: Variables
) -> None:
    """Σ_s round trip[g,s] · P(g goes to s) ≤ what the SLO leaves, at most `slower` of it above today, + late[t,k,g]."""
    state, here, today = problem.states[0], point.flows[0], point.today[0].rtt_s
    trip = (state.ingress @ state.ways.rtt_s) * ~problem.in_region
    grown = today + terms.slower * problem.slo_s[:, None]
    limit = np.maximum(today, np.minimum(grown, problem.slack_s[:, None]))
    slope = (here.per_share * here.spilled[..., None] * trip)[:, v.service, :, v.site]  # [P, T, G]
    asked = problem.demand[:, v.service, :].transpose(1, 0, 2) > 0
    p, t, g = np.nonzero((slope > 0) & asked)
    _soft(
        model,
        ("users_do_not_wait_longer", "late"),
        [(v.hour, t), (problem.services, v.service[p]), (problem.regions, g)],
        (v.share[t, p], 1e3 * slope[p, t, g], point.share[t, v.service[p], v.site[p]]),
        1e3 * here.rtt_s[t, v.service[p], g],
        1e3 * limit[t, v.service[p], g],
        (terms.over / (1e3 * problem.slo_s))[v.service[p]],
        "mean round trip [ms]",
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


def _capacity(
    model: LinearModel,
    name: str,
    problem: PlacementProblem,
    v: Variables,
    states: list[tuple[int, Floats]],
    about: tuple[Terms, Point],
) -> None:
    """Write the rows of capacity in some states: a pair loads every service that it calls at its site."""
    terms, point = about
    parts = []
    for x, limit in states:
        here = point.flows[x]
        leads = called(problem, problem.states[x])[v.site, :, v.service]  # [P, K]
        users = _users_per_share(problem, here)[:, v.service, v.site]  # [T, P]
        p, k = np.nonzero(leads > 0)
        for t in range(problem.hours):
            use = users[t, p] > 0
            q, c = p[use], k[use]
            s = v.site[q]
            parts.append(
                (
                    np.full(len(q), x), np.full(len(q), t), c, s, v.share[t, q], leads[q, c] * users[t, q],
                    point.share[t, v.service[q], s], here.arrivals[t, c, s], np.broadcast_to(limit, here.arrivals.shape)[t, c, s],
                )
            )
    state, t, c, s, column, slope, at, value, most = (np.concatenate(part) for part in zip(*parts, strict=True)) if parts else (np.zeros(0, int),) * 9
    _soft(
        model,
        (name, f"over_{name}"),
        [([one.name or "whole" for one in problem.states], state), (v.hour, t), (problem.services, c), (problem.sites, s)],
        (column, slope, at),
        value,
        most,
        terms.over / np.maximum(most, 1e-9),
        "requests [1/s]",
    )


def _links(
    model: LinearModel,
    name: str,
    problem: PlacementProblem,
    v: Variables,
    states: list[int],
    about: tuple[Terms, Point],
) -> None:
    """Write the rows of links in some states; a row is a link in one direction."""
    terms, point = about
    capacity = np.tile(problem.capacity_gbps, 2)
    parts = []
    for x in states:
        here, today = point.flows[x], point.today[x].link_gbps
        limit = np.maximum(capacity * (terms.link_share if x == 0 else 1.0), today)
        per = link_per_request(problem, problem.states[x])
        users = problem.demand * here.spilled
        for t in range(problem.hours):
            asked = (users[t, :, :, None] * here.per_share[t])[v.service, :, v.site]  # [P, G]
            slope = np.einsum("lgp,pg->lp", per[:, :, v.site], asked) * problem.gbit[v.service]
            row, p = np.nonzero(slope > 1e-12)
            parts.append(
                (
                    np.full(len(p), x), np.full(len(p), t), row, v.share[t, p], slope[row, p],
                    point.share[t, v.service[p], v.site[p]], here.link_gbps[t, row], limit[t, row],
                )
            )
    state, t, row, column, slope, at, value, most = (np.concatenate(part) for part in zip(*parts, strict=True)) if parts else (np.zeros(0, int),) * 8
    directed = [*(f"{link} forth" for link in problem.links), *(f"{link} back" for link in problem.links)]
    _soft(
        model,
        (name, f"over_{name}"),
        [([one.name or "whole" for one in problem.states], state), (v.hour, t), (directed, row)],
        (column, slope, at),
        value,
        most,
        terms.over / np.maximum(most, 1e-9),
        "traffic [Gbit/s]",
    )


def _soft(
    model: LinearModel,
    names: tuple[str, str],
    axes: list[tuple[object, Ints]],
    entries: tuple[Ints, Floats, Floats],
    value: Floats,
    limit: Floats,
    price: Floats,
    text: str,
) -> None:
    """Write rows value + Σ slope · (share − point) − over ≤ limit, one for each distinct label; entries of a row share the rest."""
    column, slope, at = entries
    sizes = [len(names_of) for names_of, _ in axes]  # type: ignore[arg-type]
    key, first, row = np.unique(
        np.ravel_multi_index([codes for _, codes in axes], sizes) if len(column) else np.zeros(0, int),
        return_index=True,
        return_inverse=True,
    )
    row = row.ravel()
    labels = [Axis(names_of, codes[first]) for names_of, codes in axes]  # type: ignore[arg-type]
    here = np.bincount(row, slope * at, len(key))
    over = model.columns(names[1], labels, cost=price[first])
    model.rows(
        names[0],
        labels,
        [(row, column, slope), (np.arange(len(key)), over, -1.0)],
        upper=limit[first] - value[first] + here,
        text=text,
    )


def _users_per_share(problem: PlacementProblem, here: Flows) -> Floats:
    """Return the users' requests that a share of a service at a site brings `[1/s, (T, K, S)]`."""
    return np.einsum("tkg,tkgs->tks", problem.demand, here.per_share)


def _pair_axes(problem: PlacementProblem, service: Ints, site: Ints, hours: int) -> list[Axis]:
    return [Axis(problem.services, np.tile(service, hours)), Axis(problem.sites, np.tile(site, hours))]


__all__ = ["CONSTRAINTS", "Point", "State", "Terms", "Variables", "placement_program", "point_at"]
