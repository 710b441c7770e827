"""What hangs below a unit: the part of each rack's load that flows through it, and how important each rack is."""

from __future__ import annotations

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Floats, Ints

NO_TIER = 10  # racks whose servers no service uses: less important than any tier


def below(compiled: Compiled, node: int, share: Floats) -> Floats:
    """Return the part of each rack's load that flows through a node `[1, (R,)]`, by the live shares. Cost: one sweep."""
    levels = compiled.power.levels
    part = np.zeros(levels.nodes)
    part[node] = 1.0
    for segment in reversed(levels.up):
        edges = levels.to_parent[segment.first : segment.last]
        part += np.bincount(levels.child[edges], part[levels.parent[edges]] * share[edges], levels.nodes)
    return part[compiled.power.rack_node]


def rack_tiers(compiled: Compiled) -> Ints:
    """Return the tier of each rack `[(R,)]`: the most important one among the services that its servers may run, or that need
    a stateful set on it.
    """
    servers, services = compiled.servers, compiled.services
    of_reservation = np.full(len(compiled.names["reservations"]), NO_TIER)
    np.minimum.at(of_reservation, services.reservation, services.tier)
    found = np.full(len(compiled.names["racks"]), NO_TIER)
    np.minimum.at(found, servers.group_rack, of_reservation[servers.rs_reservation[servers.group_rs]])
    of_set = np.full(len(compiled.names["storage"]), NO_TIER)
    needs = services.storage >= 0
    np.minimum.at(of_set, services.storage[needs], services.tier[needs])
    starts = np.append(compiled.storage_starts, len(compiled.storage_racks))
    np.minimum.at(found, compiled.storage_racks, np.repeat(of_set, np.diff(starts)))
    return found
