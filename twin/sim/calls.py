"""Who calls whom, level by level: callers come before those they call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.compile import ServiceArrays
from twin.graph.levels import Floats, Ints
from twin.sim.sparse import Sums


@dataclass(frozen=True)
class CallLevel:
    """The services that are called on one level: how many calls each makes of what its callers (rows `above`) get through.

    The edges stand by caller as well, for the way back of the errors: `edge_callee` counts from the first of `rows`.
    """

    rows: slice
    above: slice
    calls: Sums
    callers: Ints
    caller_starts: Ints
    edge_callee: Ints
    edge_calls: Floats


def call_levels(services: ServiceArrays) -> list[CallLevel]:
    """Return the levels of the call graph below the first."""
    levels = []
    for first, last in zip(
        services.level_starts[1:-1].tolist(), services.level_starts[2:].tolist(), strict=True
    ):
        low, high = np.searchsorted(services.edge_callee, [first, last])
        caller, callee, calls = (
            services.edge_caller[low:high],
            services.edge_callee[low:high] - first,
            services.edge_calls[low:high],
        )
        order = np.lexsort((callee, caller))
        callers, starts = np.unique(caller[order], return_index=True)
        matrix = Sums(calls, caller, np.searchsorted(callee, np.arange(last - first + 1)), first)
        levels.append(
            CallLevel(
                slice(first, last),
                slice(0, first),
                matrix,
                callers,
                starts,
                callee[order],
                calls[order][:, None],
            )
        )
    return levels
