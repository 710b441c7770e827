"""Answer times of callers: their own and that of all they call over the network, one after the other or all at once.

Each time is taken at the site where it is worst, and the calls of a request are independent.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.compile_stress import SEQUENTIAL
from twin.graph.levels import Bools, Floats
from twin.sim.laws.cumulants import Cumulants
from twin.sim.laws.fanout import all_at_once, one_after_the_other
from twin.sim.laws.gg_c import sojourn
from twin.sim.routing import Routing
from twin.sim.trips import Trips, share_of_sites


class Callers:
    """The services whose p99 includes what they call, and all that they reach."""

    def __init__(self, compiled: Compiled) -> None:
        services, stress = compiled.services, compiled.stress
        self._services, self._stress = services, stress
        # The edges of the callers, those of a caller together.
        edge = np.flatnonzero(stress.fanout[services.edge_caller] > 0)
        edge = edge[np.argsort(services.edge_caller[edge], kind="stable")]
        self._caller, self._callee = services.edge_caller[edge], services.edge_callee[edge]
        self._calls = services.edge_calls[edge]
        self._edges = {int(k): np.flatnonzero(self._caller == k) for k in np.unique(self._caller)}
        # Callers stand before their callees: from the last to the first, a callee's time is known when it is asked for.
        self._order = sorted({*self._callee.tolist(), *self._edges}, reverse=True)

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the callers of a fleet; None when no service declares how it calls."""
        found = cls(compiled)
        return found if found._edges else None

    def p99_s(self, worst: Floats, answering: Bools, routing: Routing, trips: Trips) -> Floats:
        """Return the p99 (T, K) with that of the callees, where a service declares how it calls and answers anybody.

        Parameters
        ----------
        worst
            p99 of the sojourn alone [s] (0 where nobody is answered), utilisation, wait behind the backlog [s] and service
            time over that of warm caches, at the worst site (T, 4, K).
        answering
            Where services answer more than a few of their requests (T, K, S).
        """
        on_average, farthest = trips.of_calls(routing, self._callee, answering[:, self._caller])
        found = self._p99_s(worst, on_average, self._calls)
        if self._may_differ(routing, trips):
            # Three cumulants read a choice of few ways as a bell: no request takes longer than one whose calls go farthest.
            nothing = np.zeros_like(farthest)
            most = self._p99_s(worst, Cumulants(farthest, nothing, nothing), np.ceil(self._calls))
            np.minimum(found, most, out=found)
        return found

    def _p99_s(self, worst: Floats, way: Cumulants, calls: Floats) -> Floats:
        times: dict[int, Cumulants] = {}
        own_p99_s, rho, wait_s, slow = np.moveaxis(worst, 1, 0)
        found = own_p99_s.copy()
        for k in self._order:
            times[k] = self._own(k, rho[:, k], wait_s[:, k], slow[:, k])
            if k in self._edges:
                times[k] = times[k].plus(self._called(k, times, way, calls))
                found[:, k] = np.where(own_p99_s[:, k] > 0, times[k].quantile(0.99), 0.0)
        return found

    def _may_differ(self, routing: Routing, trips: Trips) -> bool:
        """Whether the network may take another time for one call than for the next."""
        several: Bools = (share_of_sites(routing, self._callee) > 0).sum(axis=-1) > 1
        sometimes = (self._calls % 1.0 > 0).any() and trips.rtt_s.any()
        return bool(several.any() or sometimes)

    def _own(self, k: int, rho: Floats, wait_s: Floats, slow: Floats) -> Cumulants:
        services, stress = self._services, self._stress
        one = sojourn(
            int(services.slots[k]), rho, float(stress.arrival_scv[k]), float(stress.service_scv[k])
        ).times(services.service_time_s[k] * slow)
        return Cumulants(one.mean + wait_s, one.variance, one.third)

    def _called(self, k: int, times: dict[int, Cumulants], way: Cumulants, calls: Floats) -> Cumulants:
        edges = self._edges[k]
        called = self._callee[edges].tolist()
        each = Cumulants(
            *(np.stack(row, axis=1) for row in zip(*(times[m].rows() for m in called), strict=True))
        )
        each = each.plus(Cumulants(*(row[:, edges] for row in way.rows())))
        instants = len(each.mean)
        combine = one_after_the_other if self._stress.fanout[k] == SEQUENTIAL else all_at_once
        starts = np.arange(instants) * len(called)
        return combine(
            Cumulants(*(row.ravel() for row in each.rows())), np.tile(calls[edges], instants), starts
        )
