"""Max-min fair sharing of links: no flow can get more without taking from one that has no more than it.

Progressive filling raises all flows together; whoever meets a full link, or has what it wants, stops. Here many links
stop in one round: a link whose fair share is the least on the paths of *all* its flows is a bottleneck already, since
that share can only grow at the links around it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.levels import Bools, Floats, Ints

# Shares that differ by rounding alone stop together.
TIE = 1e-12


@dataclass(frozen=True)
class Hops:
    """Which flows cross which links `[(H,)]`: flow `flow[h]` sends the part `part[h]` of its rate over link `link[h]`.

    Sorted by flow, no link twice for one flow.
    """

    flow: Ints
    link: Ints
    part: Floats

    def of(self, chosen: Bools) -> Hops:
        """Return some of the hops."""
        return Hops(self.flow[chosen], self.link[chosen], self.part[chosen])


def max_min(demand_bps: Floats, capacity_bps: Floats, hops: Hops, *, priority: Ints | None = None) -> Floats:
    """Rate of every flow `[bit/s, (F,)]` under max-min fairness, and strict priority between classes.

    Parameters
    ----------
    demand_bps
        What each flow would send if no link held it back `[bit/s, (F,)]`.
    capacity_bps
        Capacity of each link `[bit/s, (L,)]`.
    hops
        The links that each flow crosses; a flow without hops gets what it wants.
    priority
        Class of each flow `[(F,)]`, the lowest number first: a class shares what the ones before it leave.

    Notes
    -----
    Cost: rounds x O(H). The rounds are the longest chain of bottlenecks that depend on each other, not their number.

    References
    ----------
    Bertsekas and Gallager, Data Networks (2nd ed., 1992), section 6.5.2: a feasible allocation is max-min fair if and
    only if every flow has a bottleneck: a full link on which no flow has a higher rate.
    Ros-Giralt and Tsai, "A lexicographic optimization framework to the flow control problem", IEEE Trans. Inf. Theory
    56(6), 2010: links whose share is the least of all links they share flows with can be settled in parallel.
    """
    rate, room = np.zeros(len(demand_bps)), np.array(capacity_bps, dtype=np.float64)
    if priority is None:
        _fill(rate, room, hops, demand_bps)
        return rate
    class_of_hop = priority[hops.flow]
    for one in np.unique(priority):
        wanted = np.where(priority == one, demand_bps, 0.0)
        _fill(rate, room, hops.of(class_of_hop == one), wanted)
    return rate


def _fill(rate: Floats, room: Floats, hops: Hops, demand_bps: Floats) -> None:
    """Give the flows their rates and take them from the room of the links (both in place)."""
    rate += demand_bps
    link, part, links = hops.link, hops.part, len(room)
    length = np.bincount(hops.flow, minlength=len(rate))
    members = np.flatnonzero(length)
    length, wanted = length[members], demand_bps[members]
    while len(members):
        asked = np.bincount(link, weights=part, minlength=links)
        share = (room / np.maximum(asked, 1e-30))[link]
        starts = np.cumsum(length) - length
        level = np.minimum(np.minimum.reduceat(share, starts), wanted)
        held_lower = np.repeat(level * (1.0 + TIE), length) < share
        bottleneck = np.bincount(link, weights=held_lower, minlength=links) == 0.0
        done = np.logical_or.reduceat(bottleneck[link], starts) | (level == wanted)
        rate[members[done]] = level[done]
        leaving = np.repeat(done, length)
        taken = np.repeat(level[done], length[done]) * part[leaving]
        room -= np.bincount(link[leaving], weights=taken, minlength=links)
        np.maximum(room, 0.0, out=room)
        members, wanted, length = members[~done], wanted[~done], length[~done]
        link, part = link[~leaving], part[~leaving]
