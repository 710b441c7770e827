"""How long the network takes: from users to the sites that answer them and back, and from callers to what they call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.levels import Bools, Floats, Ints
from twin.sim.laws.cumulants import Cumulants
from twin.sim.routing import Routing, mean_to_users


@dataclass(frozen=True)
class Trips:
    """Times of one block on one state of routes.

    `rtt_s` is the round trip between sites `[s, (S, S)]`, `queues_s` what queues on the backbone add to it, there and back
    `[s, (S, S, T)]`, and `answers_s` what answers of a service at a site wait on their way out of it `[s, (T, K, S)]`; None:
    nobody waits.
    """

    rtt_s: Floats
    queues_s: Floats | None = None
    answers_s: Floats | None = None

    def of_users(self, routing: Routing, demand: Floats, arrivals: Floats, region: Ints) -> Floats:
        """Mean time that the network takes for the users of each service `[s, (T, K)]`; `region` is that of each site."""
        extra: Floats | float = 0.0
        if self.queues_s is not None:
            each = np.moveaxis(self.queues_s, -1, 0)
            extra = np.stack([mean_to_users(routing.parts, routing.ingress, one, region) for one in each])
        rtt = (demand * (routing.spill * (routing.rtt_s + extra))).sum(axis=-1)
        mean = _mean(rtt, demand.sum(axis=-1))
        if self.answers_s is not None:
            mean += _mean((arrivals * self.answers_s).sum(axis=-1), arrivals.sum(axis=-1))
        return mean

    def of_calls(self, routing: Routing, callee: Ints, calling: Bools) -> tuple[Cumulants, Floats]:
        """Time that the network takes for one call on each edge, at the site of its caller where that is longest on average.

        A call stays at its site where somebody answers there, and takes no time on the way but what the answer waits; else
        one site or another answers, by weight. `calling` `[T, E, S]` are the sites at which the caller takes requests.
        Returns the time as cumulants, and that to the farthest site that may answer `[s, (T, E)]`.
        """
        share = share_of_sites(routing, callee)
        moments, farthest = np.zeros((3, *calling.shape)), np.zeros(calling.shape)
        for j in range(len(self.rtt_s)):
            took = self.rtt_s[:, j]
            if self.queues_s is not None:
                took = took + self.queues_s[:, j].T[:, None]
            if self.answers_s is not None:
                took = took + self.answers_s[:, callee, j, None]
            for n in range(3):
                moments[n] += share[:, :, j] * took ** (n + 1)
            np.maximum(farthest, np.where(share[:, :, j] > 0, took, 0.0), out=farthest)
        worst = np.where(calling, moments[0], -1.0).argmax(axis=-1)[..., None]
        mean, *more = (np.take_along_axis(one, worst, axis=-1)[..., 0] for one in (*moments, farthest))
        return Cumulants.of_moments(mean, *more[:2]), more[2]


def share_of_sites(routing: Routing, callee: Ints) -> Floats:
    """Share of the calls on each edge that a caller at one site makes to another `[1, (E, S, S)]`; none where none answers."""
    here = routing.believed[callee]
    share = here[:, :, None] * np.eye(here.shape[1])
    for part in routing.parts:
        share += ((1.0 - here) * part.sites)[:, :, None] * part.share[callee][:, None, :]
    return share


def _mean(values: Floats, weights: Floats) -> Floats:
    return np.divide(values, weights, out=np.zeros_like(values), where=weights > 0)
