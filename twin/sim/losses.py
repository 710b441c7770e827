"""What the network loses of requests, calls and answers, down the call graph and back: a lost call is an error of both ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from twin.graph.levels import Floats
from twin.sim.calls import CallLevel
from twin.sim.services import Flows


@dataclass(frozen=True)
class Lost:
    """What the network loses at one instant.

    `requests` of users and callers elsewhere that are lost on their way between sites `[1/s, (1, K)]`; the share of the
    `calls` made to a service at a site that are lost between sites, and of the `answers` of a service at a site that are lost
    inside it `[1, (K, S)]`.
    """

    requests: Floats
    calls: Floats
    answers: Floats

    @classmethod
    def nothing(cls, flows: Flows) -> Lost:
        """Nothing is lost."""
        none = np.zeros_like(flows.arrivals[0])
        return cls(np.zeros_like(flows.requests[:1]), none, none)


def fail(levels: Sequence[CallLevel], flows: Flows, lost: Lost, believed: Floats) -> tuple[Flows, Floats]:
    """Count as errors what the network loses; return the flows, and the share of each service that fails for it `[1, (K, 1)]`.

    What was lost is lost whether or not the service would have failed: the two are independent. `believed` `[K, S]` says
    where calls are answered at the site that makes them.
    """
    ratio = np.divide(
        lost.requests, flows.requests, out=np.zeros_like(flows.requests), where=flows.requests > 0
    )
    through = 1.0 - np.minimum(ratio, 1.0)
    if lost.calls.any() or lost.answers.any():
        through *= 1.0 - _without_an_answer(levels, flows.arrivals[0], lost, believed)
    left = (flows.requests - flows.errors) * through
    return replace(flows, errors=flows.requests - left), 1.0 - through.T


def _without_an_answer(levels: Sequence[CallLevel], arrivals: Floats, lost: Lost, believed: Floats) -> Floats:
    """Share of the requests of each service `[K]` whose answer is lost, or that fail for a lost call of theirs, and so on down.

    Calls fail independently: of n calls that are each lost with e none is with (1 - e)^n; a fraction of a call is one that
    only this share of the requests makes.
    """
    fails, total = lost.answers.copy(), arrivals.sum(axis=1)
    for level in reversed(levels):
        rows = level.rows
        mean = _mean(fails[rows], arrivals[rows], total[rows])
        there = np.where(believed[rows] > 0, fails[rows], mean[:, None])
        none = 1.0 - (1.0 - there) * (1.0 - lost.calls[rows])
        each, whole = none[level.edge_callee], np.floor(level.edge_calls)
        survive = (1.0 - each) ** whole * (1.0 - (level.edge_calls - whole) * each)
        survive = np.multiply.reduceat(survive, level.caller_starts, axis=0)
        fails[level.callers] = 1.0 - (1.0 - fails[level.callers]) * survive
    return _mean(fails, arrivals, total)


def _mean(values: Floats, weights: Floats, total: Floats) -> Floats:
    return np.divide((values * weights).sum(axis=1), total, out=np.zeros_like(total), where=total > 0)
