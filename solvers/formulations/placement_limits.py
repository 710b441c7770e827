"""The limits of a placement, linear about a point: what sites, links and users take, with nothing lost and after any loss.

Each limit may be passed at a price. Each public function is one constraint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from solvers.formulations.placement_columns import Point, Terms, Variables
from solvers.linear import Axis, Ints, LinearModel
from solvers.placement_flows import called, link_per_request
from solvers.placement_problem import PlacementProblem
from twin.graph.levels import Floats


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
