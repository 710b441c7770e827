"""Laws of the settle switched off: links without end, sets that need no quorum, queues in which nobody waits, no retries."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np

from twin.graph.compile import Compiled


def idealised(compiled: Compiled, without: Collection[str]) -> Compiled:
    """Return the fleet as it would be without some of the laws in `IDEAL`."""
    for law, change in IDEAL.items():
        compiled = change(compiled) if law in without else compiled
    return compiled


def _endless_links(compiled: Compiled) -> Compiled:
    network = compiled.network
    endless = np.full_like(network.link_capacity_bps, np.inf)
    return replace(compiled, network=replace(network, link_capacity_bps=endless))


def _nobody_waits(compiled: Compiled) -> Compiled:
    """No variability, no queue below capacity; above it requests still pile up."""
    even = np.zeros_like(compiled.stress.arrival_scv)
    return replace(compiled, stress=replace(compiled.stress, arrival_scv=even, service_scv=even))


def _no_retries(compiled: Compiled) -> Compiled:
    return replace(
        compiled, services=replace(compiled.services, retries=np.zeros_like(compiled.services.retries))
    )


def _no_quorum(compiled: Compiled) -> Compiled:
    return replace(compiled, storage_quorum=np.zeros_like(compiled.storage_quorum))


IDEAL: dict[str, Callable[[Compiled], Compiled]] = {
    "congestion": _endless_links,
    "queueing": _nobody_waits,
    "quorum": _no_quorum,
    "retries": _no_retries,
}
