"""What a placement may change: the terms of a plan, the point about which its program is linear, and its columns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from solvers.linear import Axis, Ints, LinearModel
from solvers.placement_flows import Flows, called, flows, point_of, watts_per_request
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
    axes = span_axes(problem, span, service, site, spans)
    least = np.tile(terms.keep * problem.share[service, site], spans)
    share = model.columns("share", axes, lower=least, upper=1.0, cost=whole.ravel()).reshape(spans, pairs)
    more = model.columns("more", span_axes(problem, span, service, site, spans + 1), cost=terms.move)
    return Variables(service, site, share[span_of], share, more.reshape(spans + 1, pairs), hour, span)


def span_axes(
    problem: PlacementProblem, span: tuple[str, ...], service: Ints, site: Ints, spans: int
) -> list[Axis]:
    """Return the labels of (span, pair)."""
    return [
        Axis(span[:spans] if spans < len(span) else span, np.repeat(np.arange(spans), len(service))),
        Axis(problem.services, np.tile(service, spans)),
        Axis(problem.sites, np.tile(site, spans)),
    ]


def _users_per_share(problem: PlacementProblem, here: Flows) -> Floats:
    """Return the users' requests that a share of a service at a site brings `[1/s, (T, K, S)]`."""
    return np.einsum("tkg,tkgs->tks", problem.demand, here.per_share)
