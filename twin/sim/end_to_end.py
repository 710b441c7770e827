"""What requests come to, down the call graph and back: an attempt fails when its own service or one of its calls fails it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from twin.graph.levels import Bools, Floats
from twin.sim.calls import CallLevel
from twin.sim.stress import Stress

if TYPE_CHECKING:
    from twin.sim.services import Flows


def failing_attempts(
    levels: Sequence[CallLevel],
    flows: Flows,
    lost: Floats | None,
    *,
    believed: Bools | None,
    stress: Stress,
) -> tuple[Floats, Floats | None]:
    """Return the share of attempts that fail (T, K), and that of what a site takes in of which no call fails (T, K, S).

    None stands for all of it. `lost` is the share that each site fails itself (T, K, S; None: nothing).

    `flows.errors` are the requests that met no site that answers. Calls fail independently: of n calls, each failing with
    e, none does with (1 - e)^n; a fraction of a call is one that only this share of the requests makes.
    """
    failing = np.divide(
        flows.errors, flows.requests, out=np.zeros_like(flows.requests), where=flows.requests > 0
    )
    if not failing.any() and (lost is None or not lost.any()):
        return failing, None
    cell = np.zeros_like(flows.arrivals) if lost is None else lost
    cell = 1.0 - (1.0 - cell) * (1.0 - failing)[..., None]
    sound = np.ones_like(cell)
    total = flows.arrivals.sum(axis=-1)
    for level in reversed(levels):
        rows = level.rows
        mean = _weighted(cell[:, rows], flows.arrivals[:, rows], total[:, rows], failing[:, rows])
        seen = cell[:, rows] if believed is None else np.where(believed[rows], cell[:, rows], mean[..., None])
        seen = stress.as_callers_see(seen, mean, rows)
        fails, whole = np.take(seen, level.edge_callee, axis=1), np.floor(level.edge_calls)
        survive = (1.0 - fails) ** whole * (1.0 - (level.edge_calls - whole) * fails)
        survive = np.multiply.reduceat(survive, level.caller_starts, axis=1)
        cell[:, level.callers] = 1.0 - (1.0 - cell[:, level.callers]) * survive
        sound[:, level.callers] *= survive
    return _weighted(cell, flows.arrivals, total, failing), sound


def _weighted(values: Floats, weights: Floats, total: Floats, otherwise: Floats) -> Floats:
    return np.divide((values * weights).sum(axis=-1), total, out=otherwise.copy(), where=total > 0)
