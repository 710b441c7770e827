"""Load placement: which share of each service's demand each site serves, hour by hour (after Flux, OSDI 2023, in spirit).

    min   Σ_tks  price_ts · watts_tks · arrivals_tks   +   move · Σ_tks more_tks   +   what soft limits cost
    with  arrivals = users' choice of site, and calls of calls, linear in the shares about a point (solvers/placement_flows.py)

share[b,k,s] is what site s gets of service k in span b (some hours), a part of 1. Only services move that users ask and that
have a choice. Limits are today's values where these are above the rating: what is broken today must not get worse, and is said.
All limits but the sums of shares have a price and no upper bound, so that no wish makes the program infeasible. Each function
is one constraint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from solvers.linear import Axis, Ints, LinearModel, LinearProgram
from solvers.placement_flows import Flows, called, flows, link_per_request, point_of, watts_per_request
from solvers.placement_problem import PlacementProblem
from twin.graph.levels import Floats


@dataclass(frozen=True)
class Terms:
    """What a plan is worth: `unit_price` [T, S] per kWh (USD or kg), `move` per share that moves, `over` per limit passed whole.

    `stretch` multiplies the target utilisation, `emergency` is the utilisation after a loss; a link may be filled to
    `link_share`, after a loss to 1; users may wait longer than today by `slower` of the SLO. Shares change each `every` hours;
    a site keeps the part `keep` of its share, so that it is warm when another is lost.
    """

    unit_price: Floats
    move: float = 1.0
    over: float = 1000.0
    stretch: float = 1.0
    emergency: float = 0.9
    link_share: float = 0.8
    slower: float = 0.05
    keep: float = 0.5
    every: int = 6


@dataclass(frozen=True)
class Point:
    """Where the program is linear: the flows of every state at the shares `[T, K, S]`, and today's."""

    share: Floats
    flows: tuple[Flows, ...]
    today: tuple[Flows, ...]


@dataclass(frozen=True)
class Variables:
    """The columns: shares that may move, of pairs (service, site) in each hour `[T, P]` (one per span) and span `[B, P]`.

    `more` `[B+1, P]` is what they gain at the start of a span.
    """

    service: Ints
    site: Ints
    share: Ints
    in_span: Ints
    more: Ints
    hour: tuple[str, ...] = field(repr=False)
    span: tuple[str, ...] = field(repr=False)

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
    hour = tuple(f"h{t:02d}" for t in range(hours))
    first = np.arange(0, hours, terms.every)
    span_of, spans = np.arange(hours) // terms.every, len(first)
    span = (*(f"from_{hour[t]}" for t in first), "at_the_end")
    per_user = _users_per_share(problem, point.flows[0])
    watts = watts_per_request(problem, point.flows[0].arrivals)
    together = np.einsum("skc,tks->tcs", called(problem, problem.states[0]), watts)
    cost = (per_user * together * terms.unit_price[:, None, :])[:, service, site] / 1e3
    whole = np.add.reduceat(cost, first, axis=0)
    axes = _span_axes(problem, span, service, site, spans)
    least = np.tile(terms.keep * problem.share[service, site], spans)
    share = model.columns("share", axes, lower=least, upper=1.0, cost=whole.ravel()).reshape(spans, pairs)
    more = model.columns("more", _span_axes(problem, span, service, site, spans + 1), cost=terms.move)
    return Variables(service, site, share[span_of], share, more.reshape(spans + 1, pairs), hour, span)


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
        _span_axes(problem, v.span, v.service, v.site, spans + 1),
        [(row, v.more, 1.0), (row[:-1], v.in_span, -1.0), (row[1:], v.in_span, 1.0)],
        lower=lower.ravel(),
        text="traffic that moves",
    )


def sites_have_capacity(
    model: LinearModel, problem: PlacementProblem, terms: Terms, point: Point, v: Variables
) -> None:
    """arrivals[t,k,s] ≤ target utilisation · replicas · slots / service time + over[t,k,s]."""
    limit = problem.rate * problem.target[:, None] * terms.stretch
    _capacity(
        model,
        "sites_have_capacity",
        problem,
        v,
        [(0, np.maximum(limit, point.today[0].arrivals))],
        (terms, point),
    )


def capacity_survives_any_loss(
    model: LinearModel, problem: PlacementProblem, terms: Terms, point: Point, v: Variables
) -> None:
    """The same after the loss of any one site or link, up to the emergency utilisation, by renormalised shares."""
    limit = problem.rate * terms.emergency
    states = [(x, np.maximum(limit, point.today[x].arrivals)) for x in range(1, len(problem.states))]
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
        "users_do_not_wait_longer",
        [(v.hour, t), (problem.services, v.service[p]), (problem.regions, g)],
        (v.share[t, p], 1e3 * slope[p, t, g], point.share[t, v.service[p], v.site[p]]),
        (
            1e3 * here.rtt_s[t, v.service[p], g],
            1e3 * limit[t, v.service[p], g],
            (terms.over / (1e3 * problem.slo_s))[v.service[p]],
        ),
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


@dataclass(frozen=True)
class _Influences:
    """What users' requests at a site change with a share `[I]`: pair, site, requests per share by region `[1/s, (T, I, G)]`."""

    pair: Ints
    site: Ints
    slope: Floats


def _influences(problem: PlacementProblem, point: Point, v: Variables, x: int) -> _Influences:
    """Return the derivatives of share[s] / W in a state: 1 / W of its own share; where a site is lost, W = whole − its share.

    So a share that stands at the lost site sends its users to the others: share[s] / W² each.
    """
    state, here = problem.states[x], point.flows[x]
    own = problem.demand[..., None] * here.per_share  # [T, K, G, S]
    pair, site = np.arange(len(v.service)), v.site
    slope = own[:, v.service, :, v.site].transpose(1, 0, 2)
    if state.lost >= 0:
        gone = np.flatnonzero(v.site == state.lost)
        others = np.flatnonzero(np.arange(len(problem.sites)) != state.lost)
        at_home = problem.in_region[:, state.lost]
        shared = here.spilled | at_home  # where users of g would go to the lost site, too
        sent = (own * here.per_share * point.share[:, :, None, :]) * shared[..., None]
        heir, of = np.tile(others, len(gone)), np.repeat(gone, len(others))
        pair, site = np.r_[pair, of], np.r_[site, heir]
        slope = np.concatenate([slope, sent[:, v.service[of], :, heir].transpose(1, 0, 2)], axis=1)
    return _Influences(pair, site, slope)


def _capacity(
    model: LinearModel,
    name: str,
    problem: PlacementProblem,
    v: Variables,
    states: list[tuple[int, Floats]],
    about: tuple[Terms, Point],
) -> None:
    """Write the rows of capacity in some states: a request loads every service that it calls at its site."""
    terms, point = about
    parts: list[tuple[Ints | Floats, ...]] = []
    for x, limit in states:
        sway = _influences(problem, point, v, x)
        leads = called(problem, problem.states[x])[sway.site, :, v.service[sway.pair]]  # [I, K]
        slope = sway.slope.sum(axis=-1)
        i, k = np.nonzero(leads > 0)
        t, n = np.nonzero(slope[:, i] > 0)
        i, k = i[n], k[n]
        cell = t, k, sway.site[i]
        most, value = np.broadcast_to(limit, point.share.shape)[cell], point.flows[x].arrivals[cell]
        parts.append((np.full(len(t), x), *cell, sway.pair[i], leads[i, k] * slope[t, i], value, most))
    state, t, k, s, pair, slope, value, most = _joined(parts, 8)
    _soft(
        model,
        name,
        [(_state_names(problem), state), (v.hour, t), (problem.services, k), (problem.sites, s)],
        (v.share[t, pair], slope, point.share[t, v.service[pair], v.site[pair]]),
        (value, most, terms.over / np.maximum(most, 1e-9)),
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
    parts: list[tuple[Ints | Floats, ...]] = []
    for x in states:
        here, sway = point.flows[x], _influences(problem, point, v, x)
        capacity = np.tile(problem.capacity_gbps, 2) * (terms.link_share if x == 0 else 1.0)
        limit = np.maximum(capacity, point.today[x].link_gbps)
        service = v.service[sway.pair]
        asked = sway.slope * here.spilled[:, service] * problem.gbit[service][:, None]
        slope = np.einsum(
            "lgi,tig->tli",
            link_per_request(problem, problem.states[x])[:, :, sway.site],
            asked,
            optimize=True,
        )
        t, row, i = np.nonzero(slope > 1e-12)
        load, most = here.link_gbps[t, row], limit[t, row]
        parts.append((np.full(len(t), x), t, row, sway.pair[i], slope[t, row, i], load, most))
    state, t, row, pair, slope, value, most = _joined(parts, 7)
    directed = [f"{link} {way}" for way in ("forth", "back") for link in problem.links]
    _soft(
        model,
        name,
        [(_state_names(problem), state), (v.hour, t), (directed, row)],
        (v.share[t, pair], slope, point.share[t, v.service[pair], v.site[pair]]),
        (value, most, terms.over / np.maximum(most, 1e-9)),
        "traffic [Gbit/s]",
    )


def _soft(
    model: LinearModel,
    name: str,
    axes: list[tuple[Sequence[str], Ints]],
    entries: tuple[Ints, Floats, Floats],
    sides: tuple[Floats, Floats, Floats],
    text: str,
) -> None:
    """Write rows value + Σ slope · (share − point) − over ≤ limit, one for each distinct label."""
    (column, slope, at), (value, limit, price) = entries, sides
    sizes = [len(names) for names, _ in axes]
    key, first, row = np.unique(
        np.ravel_multi_index([codes for _, codes in axes], sizes) if len(column) else np.zeros(0, int),
        return_index=True,
        return_inverse=True,
    )
    row = row.ravel()
    labels = [Axis(names, codes[first]) for names, codes in axes]
    here = np.bincount(row, slope * at, len(key))
    over = model.columns(f"over_{name}", labels, cost=price[first])
    model.rows(
        name,
        labels,
        [(row, column, slope), (np.arange(len(key)), over, -1.0)],
        upper=limit[first] - value[first] + here,
        text=text,
    )


def _joined(parts: list[tuple[Ints | Floats, ...]], width: int) -> Any:
    """Return the columns of a list of tables end to end."""
    empty = np.zeros(0, dtype=np.int64)
    return [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [empty] * width


def _state_names(problem: PlacementProblem) -> list[str]:
    return [state.name or "whole" for state in problem.states]


def _users_per_share(problem: PlacementProblem, here: Flows) -> Floats:
    """Return the users' requests that a share of a service at a site brings `[1/s, (T, K, S)]`."""
    return np.einsum("tkg,tkgs->tks", problem.demand, here.per_share)


def _span_axes(
    problem: PlacementProblem, span: tuple[str, ...], service: Ints, site: Ints, spans: int
) -> list[Axis]:
    """Return the labels of (span, pair)."""
    return [
        Axis(span[:spans] if spans < len(span) else span, np.repeat(np.arange(spans), len(service))),
        Axis(problem.services, np.tile(service, spans)),
        Axis(problem.sites, np.tile(site, spans)),
    ]


__all__ = ["CONSTRAINTS", "Point", "Terms", "Variables", "placement_program", "point_at"]
