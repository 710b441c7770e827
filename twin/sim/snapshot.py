"""The settled state of a fleet at one instant, whole or with things taken away: no run, one settle each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from twin.graph.compile import compile_fleet
from twin.model.change import Change
from twin.model.errors import UsageError, did_you_mean
from twin.model.fleet import Fleet
from twin.records.snapshot import Snapshot
from twin.sim.engine import Engine
from twin.sim.power import W, server_watts
from twin.sim.state import HOLD_KINDS

EPOCH = datetime(2026, 1, 5, tzinfo=UTC)


class Snapshots:
    """Snapshots of one fleet at one instant (default: the fleet's `as_of`). Compiles once; each `of` is one settle."""

    def __init__(self, fleet: Fleet, *, at: datetime | None = None) -> None:
        self.at = at or fleet.as_of or EPOCH
        self._fleet = fleet
        self._engine = Engine(compile_fleet(fleet, start=self.at))
        self._things = {name for kind in HOLD_KINDS for name in self._engine.compiled.names[kind]}

    def of(self, lost: Sequence[str] = ()) -> Snapshot:
        """Return the state with the things in `lost` out of service and traffic already moved.

        Raises UsageError for other names."""
        for name in lost:
            if name not in self._things:
                raise UsageError(
                    f"{name!r} is not a power unit, plant, rack, switch or link of {self._fleet.name} "
                    f"({did_you_mean(name, sorted(self._things))})"
                )
        engine = self._engine
        for name in lost:
            engine.state.apply(Change("state", name, -1.0))
        engine.services.forget()
        engine.settle(0.0)
        found = self._read(tuple(lost))
        for name in lost:
            engine.state.apply(Change("state", name, 1.0))
        return found

    def _read(self, lost: tuple[str, ...]) -> Snapshot:
        engine, compiled = self._engine, self._engine.compiled
        names, power, network = compiled.names, compiled.power, compiled.network
        assert engine.flows is not None
        requests = engine.flows.requests
        return Snapshot(
            at=self.at,
            lost=lost,
            units=names["power_units"],
            unit_kind=names["unit_kind"],
            unit_site=tuple(names["sites"][s] for s in power.unit_site),
            unit_up=engine.alive[power.unit_node],
            load_w=engine.load[power.unit_node, W],
            load_va=engine.unit_va.copy(),
            peak_va=engine.unit_peak_va.copy(),
            limit_va=power.limit_va.copy(),
            links=names["links"],
            link_up=engine.state.up("links"),
            link_load_bps=engine.link_load.copy(),
            link_capacity_bps=network.link_capacity_bps.copy(),
            racks=names["racks"],
            rack_powered=engine.rack_powered.copy(),
            rack_reachable=engine.rack_reachable.copy(),
            rack_w=engine.rack_w.copy(),
            services=names["services"],
            sites=names["sites"],
            service_site_rate=engine.flows.arrivals.copy(),
            service_site_utilisation=engine.flows.rho.copy(),
            service_p99_s=engine.p99_s.copy(),
            service_error=np.divide(
                engine.flows.errors, requests, out=np.zeros_like(requests), where=requests > 0
            ),
            site_facility_w=engine.facility_w.copy(),
            site_it_w=engine.it_w.copy(),
            groups=names["server_groups"],
            server_w=server_watts(
                compiled.servers, engine.group_utilisation[:, None], compiled.servers.group_type
            )[:, 0],
        )


def snapshot(fleet: Fleet, *, at: datetime | None = None, lost: Sequence[str] = ()) -> Snapshot:
    """Return one snapshot of a fleet; for many losses use `Snapshots`, which compiles once."""
    return Snapshots(fleet, at=at).of(lost)
