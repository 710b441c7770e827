"""What a fleet declares of physics that moves on its own: plain records with their indices, for the movers."""

from __future__ import annotations

from dataclasses import dataclass

from twin.model.cooling import CoolingZone
from twin.model.fleet import Fleet
from twin.model.power import CoolingPlant, PowerUnit
from twin.model.protection import CappingPolicy, SheddingPolicy, TripCurve

DYNAMIC = ("trip", "battery_j", "start_s", "transfer_s", "restore_s", "feeds_into", "capping", "shedding")


@dataclass(frozen=True)
class Physics:
    """Units and plants (index, record) that declare something that moves, and what they refer to by name."""

    units: tuple[tuple[int, PowerUnit], ...]
    plants: tuple[tuple[int, CoolingPlant], ...]
    zones: tuple[CoolingZone, ...]
    curves: dict[str, TripCurve]
    policies: dict[str, CappingPolicy]
    shedding: dict[str, SheddingPolicy]


def compile_physics(fleet: Fleet) -> Physics:
    """Collect the declared physics of a fleet. Cost: one pass over units and plants."""
    return Physics(
        units=tuple(
            (i, unit)
            for i, unit in enumerate(fleet.power_units)
            if any(getattr(unit, field) is not None for field in DYNAMIC)
        ),
        plants=tuple(
            (i, plant) for i, plant in enumerate(fleet.cooling_plants) if plant.restart_s is not None
        ),
        zones=fleet.cooling_zones,
        curves={curve.name: curve for curve in fleet.trip_curves},
        policies={policy.name: policy for policy in fleet.capping_policies},
        shedding={policy.name: policy for policy in fleet.shedding_policies},
    )
