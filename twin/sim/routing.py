"""Where requests go: user traffic to sites, calls to the callee's replicas, and what no site can take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Floats, Ints
from twin.sim.network import Routes


@dataclass(frozen=True)
class Part:
    """A connected part of the backbone: its sites, its regions, and how traffic spreads over its sites `[1, (K, S)]`."""

    regions: Floats
    sites: Bools
    share: Floats
    served: Bools


@dataclass(frozen=True)
class Routing:
    """Shares for one state of weights, beliefs and backbone.

    `local[K, S]`: part of the region's demand that stays at this site of the region; `spill[K, G]`: 1 where a region's
    demand is spread over its part of the backbone instead. `rtt_s[K, G]` is the mean round trip of spread demand.
    """

    believed: Floats
    local: Floats
    spill: Floats
    parts: tuple[Part, ...]
    ingress: Floats
    rtt_s: Floats


def route(compiled: Compiled, weight: Floats, believed: Bools, routes: Routes) -> Routing:
    """Work out the shares of traffic. `believed[K, S]`: where the load balancers think that a service answers.

    A service with locality *region* stays in the user's region while any site there takes traffic; everything else
    spreads by weight over the connected sites.
    """
    services, region = compiled.services, compiled.site_region
    effective = weight * believed
    regions = len(compiled.names["regions"])
    in_region: Bools = np.equal.outer(np.arange(regions), region)
    by_region = effective @ in_region.T.astype(float)
    has_local = services.regional[:, None] & (by_region > 0)
    local = np.divide(
        effective, by_region[:, region], out=np.zeros_like(effective), where=has_local[:, region]
    )
    label_of_region = _labels(routes.label, in_region)
    parts = []
    for label in np.unique(label_of_region):
        sites = routes.label == label
        inside = effective * sites
        total = inside.sum(axis=1)
        share = np.divide(inside, total[:, None], out=np.zeros_like(inside), where=total[:, None] > 0)
        parts.append(Part((label_of_region == label).astype(float), sites, share, total > 0))
    ingress = _ingress(routes.label, in_region)
    rtt_s = mean_to_users(parts, ingress, routes.rtt_s, region)
    return Routing(believed.astype(float), local, 1.0 - has_local, tuple(parts), ingress, rtt_s)


def mean_to_users(parts: Sequence[Part], ingress: Floats, of_pair: Floats, region: Ints) -> Floats:
    """Mean `[K, G]` of something that pairs of sites have `[S, S]`, over the sites that a region's users are spread to."""
    apart = np.arange(len(ingress))[:, None] != region
    of_site = (ingress @ of_pair) * apart
    return np.asarray(sum((part.share @ of_site.T) * part.regions for part in parts))


def _labels(label: Ints, in_region: Bools) -> Ints:
    """The part of the backbone that each region's users reach: that of its first live site, else the largest part."""
    live = label[label >= 0]
    largest = int(np.bincount(live).argmax()) if len(live) else 0
    return np.array(
        [next((int(n) for n in label[row] if n >= 0), largest) for row in in_region], dtype=np.int64
    )


def _ingress(label: Ints, in_region: Bools) -> Floats:
    """How a region's users enter the backbone `[1, (G, S)]`: evenly over its live sites, else over all live sites."""
    live: Bools = np.logical_and(in_region, label >= 0)
    fallback = np.broadcast_to(label >= 0, live.shape)
    some: Bools = np.any(live, axis=1, keepdims=True)
    rows = np.where(some, live, fallback).astype(float)
    return rows / np.maximum(rows.sum(axis=1)[:, None], 1.0)


def spread_users(compiled: Compiled, routing: Routing, demand: Floats) -> tuple[Floats, Floats]:
    """Return user requests per service and site `[1/s, (T, K, S)]` and those that no site takes `[1/s, (T, K)]`."""
    spilled = demand * routing.spill
    arrivals = np.take(demand, compiled.site_region, axis=-1)
    arrivals *= routing.local
    nowhere = np.zeros(demand.shape[:2])
    for part in routing.parts:
        pool = (spilled * part.regions).sum(axis=-1)
        arrivals += pool[..., None] * part.share
        if not part.served.all():
            nowhere += pool * ~part.served
    return arrivals, nowhere


def spread_calls(routing: Routing, rows: slice, calls: Floats) -> tuple[Floats, Floats, Floats]:
    """Spread calls made at sites `[1/s, (T, k, S)]` over the callees' replicas: here if it answers here, else by share.

    Returns arrivals (T, k, S), calls that no site takes (T, k), and the calls that leave their site (T, k, S).
    """
    arrivals = calls * routing.believed[rows]
    remote = calls - arrivals
    nowhere = np.zeros(calls.shape[:2])
    if remote.any():
        for part in routing.parts:
            pool = (remote * part.sites).sum(axis=-1)
            arrivals += pool[..., None] * part.share[rows]
            nowhere += pool * ~part.served[rows]
        covered = np.any([part.sites for part in routing.parts], axis=0)
        nowhere += (remote * ~covered).sum(axis=-1)
    return arrivals, nowhere, remote


def site_traffic(
    compiled: Compiled, routing: Routing, demand: Floats, remote: Floats, of: Bools | None = None
) -> Floats:
    """Traffic between sites `[bit/s, (T, S, S)]` of some services `[K]` (None: all): users elsewhere, calls that leave a site."""
    bits = 8.0 * compiled.services.request_bytes
    if of is not None:
        bits = bits * of
    region = compiled.site_region
    apart = np.arange(len(routing.ingress))[:, None] != region
    total = np.zeros((len(demand), len(region), len(region)))
    users = demand * (routing.spill * bits[:, None])
    calls = remote * bits[: remote.shape[1], None] if remote.any() else remote[:0]
    for part in routing.parts:
        # One small product per instant, whatever the number of instants: its bits must not depend on the block.
        total += routing.ingress.T @ ((np.swapaxes(users * part.regions, 1, 2) @ part.share) * apart)
        if len(calls):
            total += np.swapaxes(calls * part.sites, 1, 2) @ part.share
    here = np.arange(len(region))
    total[:, here, here] = 0.0
    return total
