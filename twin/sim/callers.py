"""Answer times of callers: their own and that of all they call over the network, one after the other or all at once.

Each time is taken at the site where it is worst, and the calls of a request are independent.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.compile_stress import SEQUENTIAL
from twin.graph.levels import Bools, Floats, Ints
from twin.sim.laws.cumulants import Cumulants
from twin.sim.laws.fanout import all_at_once, one_after_the_other
from twin.sim.laws.gg_c import sojourn
from twin.sim.routing import Routing
from twin.sim.trips import Trips


class Callers:
    """The services whose p99 includes what they call, and all that they reach."""

    def __init__(self, compiled: Compiled) -> None:
        services, stress = compiled.services, compiled.stress
        self._services, self._stress = services, stress
        self._callees: dict[int, tuple[Ints, Floats]] = {}
        for k in np.flatnonzero(stress.fanout).tolist():
            edges = np.flatnonzero(services.edge_caller == k)
            if len(edges):
                self._callees[k] = services.edge_callee[edges], services.edge_calls[edges]
        self._caller = np.repeat(list(self._callees), [len(calls) for _, calls in self._callees.values()])
        self._callee = np.concatenate([np.zeros(0, np.int64), *(row for row, _ in self._callees.values())])
        called = {int(callee) for callees, _ in self._callees.values() for callee in callees}
        # Callers stand before their callees: from the last to the first, a callee's time is known when it is asked for.
        self._order = sorted(called | self._callees.keys(), reverse=True)

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the callers of a fleet; None when no service declares how it calls."""
        found = cls(compiled)
        return found if found._callees else None

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
        times: dict[int, Cumulants] = {}
        own_p99_s, rho, wait_s, slow = np.moveaxis(worst, 1, 0)
        found = own_p99_s.copy()
        way = trips.of_calls(routing, self._callee, answering[:, self._caller])
        for k in self._order:
            times[k] = self._own(k, rho[:, k], wait_s[:, k], slow[:, k])
            if k in self._callees:
                on_the_way = Cumulants(*(row[:, self._caller == k].ravel() for row in way.rows()))
                times[k] = times[k].plus(self._called(k, times, on_the_way))
                found[:, k] = np.where(own_p99_s[:, k] > 0, times[k].quantile(0.99), 0.0)
        return found

    def _own(self, k: int, rho: Floats, wait_s: Floats, slow: Floats) -> Cumulants:
        services, stress = self._services, self._stress
        one = sojourn(
            int(services.slots[k]), rho, float(stress.arrival_scv[k]), float(stress.service_scv[k])
        ).times(services.service_time_s[k] * slow)
        return Cumulants(one.mean + wait_s, one.variance, one.third)

    def _called(self, k: int, times: dict[int, Cumulants], way: Cumulants) -> Cumulants:
        callees, calls = self._callees[k]
        edges = Cumulants(
            *(
                np.stack([getattr(times[int(callee)], name) for callee in callees], axis=1).ravel()
                for name in ("mean", "variance", "third")
            )
        )
        instants = len(edges.mean) // len(callees)
        combine = one_after_the_other if self._stress.fanout[k] == SEQUENTIAL else all_at_once
        return combine(edges.plus(way), np.tile(calls, instants), np.arange(instants) * len(callees))
