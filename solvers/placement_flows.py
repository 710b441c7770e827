"""Where requests go in a state, given the shares: exactly, by the twin's rules, and what of it is linear in the shares.

After a loss the shares of the sites that are left are renormalised: a user of a region goes to site s with probability
share[s] / Σ share over the sites that may take it. With that sum held at a point, arrivals, link loads and round trips are
linear in the shares; the planner solves, moves the point to what it found, and solves again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solvers.placement_problem import PlacementProblem, State
from twin.graph.levels import Bools, Floats


@dataclass(frozen=True)
class Flows:
    """What goes where in one state: arrivals [1/s, (T, K, S)], those that no site takes, link loads and round trips.

    `per_share` `[T, K, G, S]` is the probability that a user of g goes to s, per share of s; `spilled` `[T, K, G]` where users
    leave to the whole backbone. `link_gbps` is `[T, 2·B]`, `rtt_s` the mean over users `[T, K, G]`.
    """

    arrivals: Floats
    nowhere: Floats
    link_gbps: Floats
    rtt_s: Floats
    per_share: Floats
    spilled: Bools


def flows(problem: PlacementProblem, share: Floats, state: State) -> Flows:
    """Return the flows of all hours at some shares `[T, K, S]`. Cost: a few passes over (T, K, G, S)."""
    per_share, spilled = spreading(problem, share, state)
    goes = per_share * share[:, :, None, :]
    asked = problem.demand[..., None] * goes
    arrivals, remote = asked.sum(axis=2), np.zeros_like(share)
    nowhere = np.maximum(problem.demand - asked.sum(axis=-1), 0.0).sum(axis=-1)
    traffic = _user_gbps(problem, asked, spilled, state) + problem.own_gbps.reshape(
        len(share), *[len(problem.sites)] * 2
    )
    for k in range(len(problem.services)):
        callers = np.flatnonzero(problem.calls[k])
        if not len(callers):
            continue
        made = np.einsum("c,tcs->ts", problem.calls[k, callers], arrivals[:, callers])
        remote[:, k] = made * ~state.able[k]
        arrivals[:, k] += made * state.able[k]
        if remote[:, k].any():
            inward, sent = _to_others(share[:, k] * state.able[k], remote[:, k], state)
            arrivals[:, k] += inward
            nowhere[:, k] += np.maximum(remote[:, k].sum(axis=-1) - inward.sum(axis=-1), 0.0)
            traffic += problem.gbit[k] * sent
    return Flows(
        arrivals,
        nowhere,
        _link_loads(state, traffic),
        ((goes * _round_trips(problem, state)).sum(axis=-1)) * spilled,
        per_share,
        spilled,
    )


def spreading(problem: PlacementProblem, share: Floats, state: State) -> tuple[Floats, Bools]:
    """Return the probability per share that users of g go to s `[T, K, G, S]`, and where they leave their region `[T, K, G]`."""
    able, inside = state.able, problem.in_region
    live = share * able
    by_region = live @ inside.T.astype(float)
    local: Bools = problem.regional[None, :, None] & (by_region > 0)
    together: Bools = np.equal.outer(state.label_of_region, state.ways.label)
    by_part = live @ together.T.astype(float)
    whole = np.where(local, by_region, by_part)
    may = np.where(local[..., None], inside[None, None], together[None, None]) & able[None, :, None, :]
    inverse = np.divide(1.0, whole, out=np.zeros_like(whole), where=whole > 0)
    return may * inverse[..., None], ~local


def utilisation(problem: PlacementProblem, arrivals: Floats) -> Floats:
    """Return the utilisation of the servers of each (reservation, site) `[T, R]`."""
    busy = arrivals * problem.busy_rru[:, None]
    cells = np.flatnonzero(problem.of_cell.ravel() >= 0)
    used = np.zeros((len(arrivals), len(problem.rru)))
    np.add.at(used.T, problem.of_cell.ravel()[cells], busy.reshape(len(arrivals), -1)[:, cells].T)
    return np.divide(used, problem.rru, out=np.zeros_like(used), where=problem.rru > 0)


def facility_w(problem: PlacementProblem, arrivals: Floats) -> Floats:
    """Return the power of the servers and what the facility draws for them `[W, (T, S)]`."""
    percent = np.clip(utilisation(problem, arrivals), 0.0, 1.0) * 100
    cell = np.minimum(percent.astype(np.int64), 99)
    rows = np.arange(len(problem.rru))
    low, high = problem.watts[rows, cell], problem.watts[rows, cell + 1]
    watts = low + (high - low) * (percent - cell)
    found = np.zeros_like(problem.overhead)
    site = np.zeros(len(problem.rru), dtype=np.int64)
    k, s = np.nonzero(problem.of_cell >= 0)
    site[problem.of_cell[k, s]] = s
    np.add.at(found.T, site, watts.T)
    return found * problem.overhead


def watts_per_request(problem: PlacementProblem, arrivals: Floats, reach: float = 0.1) -> Floats:
    """Return what one more request per second draws at the facility `[W·s, (T, K, S)]`: a chord over ± `reach`."""
    used = utilisation(problem, arrivals)
    low, high = np.clip(used - reach, 0.0, 1.0), np.clip(used + reach, 0.0, 1.0)
    grid, rows = np.arange(101) / 100, range(len(problem.rru))
    rise = np.stack(
        [
            np.interp(high[:, r], grid, problem.watts[r]) - np.interp(low[:, r], grid, problem.watts[r])
            for r in rows
        ],
        axis=1,
    )
    slope = np.divide(
        rise, (high - low) * problem.rru, out=np.zeros_like(rise), where=(high > low) & (problem.rru > 0)
    )
    cells = np.append(slope, np.zeros((len(used), 1)), axis=1)[:, problem.of_cell]
    return cells * problem.busy_rru[:, None] * problem.overhead[:, None, :]


def called(problem: PlacementProblem, state: State) -> Floats:
    """Return how many requests of k one request of c at site s leads to there `[S, K, K]`: calls of calls, where k answers."""
    count = len(problem.services)
    found = np.repeat(np.eye(count)[None], len(problem.sites), axis=0)
    for k in range(count):
        found[:, k] += state.able[k][:, None] * np.einsum("c,scj->sj", problem.calls[k], found)
    return found


def link_per_request(problem: PlacementProblem, state: State) -> Floats:
    """Return the load of a link for a request per second of users of g at s `[Gbit, (2·B, G, S)]`, for one Gbit a request."""
    sites = len(problem.sites)
    part = state.ways.part.toarray().reshape(-1, sites, sites)
    return np.einsum("lis,gi->lgs", part, state.ingress) * ~problem.in_region


def _round_trips(problem: PlacementProblem, state: State) -> Floats:
    """Return the mean round trip from the users of a region to each site `[s, (G, S)]`; none within the region."""
    return (state.ingress @ state.ways.rtt_s) * ~problem.in_region


def _user_gbps(problem: PlacementProblem, asked: Floats, spilled: Bools, state: State) -> Floats:
    """Return the traffic between sites `[Gbit/s, (T, S, S)]` of users elsewhere."""
    abroad = asked * spilled[..., None] * ~problem.in_region
    found = np.einsum("k,tkgs,gi->tis", problem.gbit, abroad, state.ingress, optimize=True)
    here = np.arange(len(problem.sites))
    found[:, here, here] = 0.0
    return found


def _to_others(live: Floats, remote: Floats, state: State) -> tuple[Floats, Floats]:
    """Spread calls that leave their site by share over the same part; return arrivals `[T, S]` and who sends whom `[T, S, S]`."""
    label = state.ways.label
    together = np.equal.outer(label, label) & (label >= 0)
    whole = live @ together.astype(float)
    rate = np.divide(remote, whole, out=np.zeros_like(remote), where=whole > 0)
    sent = rate[:, :, None] * together * live[:, None, :]
    inward = sent.sum(axis=1)
    here = np.arange(len(label))
    sent[:, here, here] = 0.0
    return inward, sent


def _link_loads(state: State, traffic: Floats) -> Floats:
    return np.asarray((state.ways.part @ traffic.reshape(len(traffic), -1).T).T)


def point_of(problem: PlacementProblem) -> Floats:
    """Return today's shares for every hour `[T, K, S]`."""
    return np.repeat(problem.share[None], problem.hours, axis=0)
