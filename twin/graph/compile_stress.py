"""What a fleet declares of services and storage under stress: columns over the services, and records for the movers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.levels import Bools, Floats, Ints
from twin.model.fleet import Fleet
from twin.model.services import Autoscaling, Service, Storage

SEQUENTIAL, PARALLEL = 1, 2
_FANOUT = {None: 0, "sequential": SEQUENTIAL, "parallel": PARALLEL}


@dataclass(frozen=True)
class StressArrays:
    """Columns `[K]` over the services: a timeout or threshold of infinity, a factor of one: not modelled.

    `by_tier` says whether the reservation of a service serves better tiers first.
    `autoscaled` holds (index, rule) of services, `stored` (index, record) of sets whose parts are counted, `started`
    those of services that have to be started.
    """

    timeout_s: Floats
    warm_up_s: Floats
    cold_factor: Floats
    fanout: Ints
    arrival_scv: Floats
    service_scv: Floats
    shed_above: Floats
    by_tier: Bools
    autoscaled: tuple[tuple[int, Autoscaling], ...]
    stored: tuple[tuple[int, Storage], ...]
    started: tuple[tuple[int, Service], ...]


def compile_stress(fleet: Fleet, names: dict[str, tuple[str, ...]]) -> StressArrays:
    """Collect the columns in the order of the compiled services. Cost: one pass over services and storage."""
    rows = {service.name: service for service in fleet.services}
    services = [rows[name] for name in names["services"]]
    by_tier = {reservation.name for reservation in fleet.reservations if reservation.by_tier}
    return StressArrays(
        timeout_s=_or([s.timeout_s for s in services], np.inf),
        warm_up_s=_or([s.warm_up_s for s in services], 0.0),
        cold_factor=_or([s.cold_factor if s.warm_up_s is not None else None for s in services], 1.0),
        fanout=np.array([_FANOUT[s.fanout] for s in services], dtype=np.int64),
        arrival_scv=_or([s.arrival_scv for s in services], 1.0),
        service_scv=_or([s.service_scv for s in services], 1.0),
        shed_above=_or([s.shed_above for s in services], np.inf),
        by_tier=np.array([s.reservation in by_tier for s in services], dtype=bool),
        autoscaled=tuple((i, s.autoscale) for i, s in enumerate(services) if s.autoscale is not None),
        stored=tuple((i, s) for i, s in enumerate(fleet.storage) if s.parts is not None),
        started=tuple((i, s) for i, s in enumerate(services) if s.starts_after or s.start_s),
    )


def _or(values: list[float | None], otherwise: float) -> Floats:
    return np.array([otherwise if value is None else value for value in values], dtype=np.float64)
