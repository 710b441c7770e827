"""What full links do to the traffic between sites: who gets how much through, and how long it waits.

A flow is what one class (the services and the traffic of a tier) sends from one site to another. Flows share full links
max-min, the lowest tier first.
"""

from __future__ import annotations

import numpy as np

from twin.graph.levels import Floats
from twin.sim.laws.link_delay import queueing_delay
from twin.sim.laws.maxmin import Hops, max_min
from twin.sim.network import Routes
from twin.sim.sparse import Sums, add_up

# Below this utilisation nothing worth counting waits: less than two packets on average.
WAITING_FROM = 0.5


def delivered(routes: Routes, offered_bps: Floats, capacity_bps: Floats) -> Floats:
    """Share of what each class sends between each pair of sites that gets through `[1, (C, S, S)]`.

    Parameters
    ----------
    offered_bps
        What the classes send, in the order of their priority `[bit/s, (C, S, S)]`.
    capacity_bps
        Capacity of the backbone links `[bit/s, (B,)]`, per direction.

    Notes
    -----
    Only links that are offered more than they carry can be a bottleneck; flows that cross none of them lose nothing.
    """
    share = np.ones_like(offered_bps).reshape(len(offered_bps), -1)
    offered, capacity = offered_bps.reshape(share.shape), np.tile(capacity_bps, 2)
    load = add_up(routes.slot, offered.sum(axis=0)[routes.pair] * routes.part, len(capacity))
    full = (load > capacity)[routes.slot]
    pairs, column = np.unique(routes.pair[full], return_inverse=True)
    sends = offered[:, pairs] > 0
    number = np.cumsum(sends.ravel()).reshape(sends.shape) - 1
    crosses = sends[:, column]
    hops = Hops(
        number[:, column][crosses],
        np.broadcast_to(routes.slot[full], crosses.shape)[crosses],
        np.broadcast_to(routes.part[full], crosses.shape)[crosses],
    )
    wanted = offered[:, pairs][sends]
    through = np.ones(sends.shape)
    through[sends] = max_min(wanted, capacity, hops, priority=np.nonzero(sends)[0]) / wanted
    share[:, pairs] = through
    return share.reshape(offered_bps.shape)


def waiting(routes: Routes, load_bps: Floats, capacity_bps: Floats, *, buffer_s: Floats) -> Floats | None:
    """Round trip that queues add between sites `[s, (S, S, T)]`, from the load `[bit/s, (2, B, T)]`; None: nothing waits.

    A link without a buffer (0) drops what does not fit and makes nobody wait. Cost: nothing but a comparison below half
    load.
    """
    capacity, buffer = capacity_bps[:, None], np.broadcast_to(buffer_s[:, None], load_bps.shape)
    queues = (load_bps > WAITING_FROM * capacity) & (buffer > 0) & (capacity > 0)
    if not queues.any():
        return None
    holds = np.broadcast_to(capacity, load_bps.shape)[queues]
    delay = np.zeros(load_bps.shape)
    delay[queues] = queueing_delay(load_bps[queues] / holds, holds, buffer_s=buffer[queues])
    sites, columns = len(routes.rtt_s), load_bps.shape[2]
    starts = np.searchsorted(routes.pair, np.arange(sites * sites + 1))
    hops = Sums(routes.part, routes.slot, starts, 2 * len(capacity_bps))
    one_way = hops.of(delay.reshape(-1, columns)).reshape(sites, sites, columns)
    return one_way + one_way.transpose(1, 0, 2)
