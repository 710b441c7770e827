"""Coordination of breakers: whether the device nearest to an overload opens before those above it do.

Judged the pessimistic way: the lower device on the slow edge of its band, the upper one on the fast edge.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from twin.graph.levels import Floats
from twin.model.fleet import Fleet
from twin.model.power import PowerUnit
from twin.model.protection import TripCurve
from twin.sim.laws.trip import corners, times_s

POINTS = 400
BESIDE = 1e-9  # currents just before and after a jump of a curve


@dataclass(frozen=True)
class Overlap:
    """`feeder` may open before `unit` has, first at `multiple` of the unit's rating: after `feeder_s` and `unit_s`."""

    unit: str
    feeder: str
    multiple: float
    unit_s: float
    feeder_s: float

    def __str__(self) -> str:
        return (
            f"{self.feeder} may open before {self.unit}: at {self.multiple:.3g} times the rating of {self.unit} after "
            f"{self.feeder_s:.3g} s, and {self.unit} only after {self.unit_s:.3g} s"
        )


def overlaps(fleet: Fleet, *, up_to: float = 10.0) -> list[Overlap]:
    """Return the pairs of devices that are not selective, each with the smallest current at which they are not.

    Looked at are currents through the lower device from its pickup to `up_to` times its rating (faults above that are not
    modelled), on a grid of 400 points and on both sides of every jump. A UPS that is overloaded goes to bypass and opens
    nothing, so the next device above it is the one to compare with. Cost: two curves of each pair.
    """
    curves = {curve.name: curve for curve in fleet.trip_curves}
    units = {unit.name: unit for unit in fleet.power_units}
    found = []
    for unit in fleet.power_units:
        if _opens(unit):
            for feeder in _nearest_above(unit, units):
                assert unit.trip is not None and feeder.trip is not None
                overlap = _compare(unit, curves[unit.trip], feeder, curves[feeder.trip], up_to)
                if overlap is not None:
                    found.append(overlap)
    return found


def _opens(unit: PowerUnit) -> bool:
    return unit.trip is not None and unit.kind != "ups"


def _nearest_above(unit: PowerUnit, units: dict[str, PowerUnit]) -> Iterator[PowerUnit]:
    """The first devices with a curve on each way up."""
    ahead, seen = list(unit.fed_by), set(unit.fed_by)
    while ahead:
        feeder = units[ahead.pop(0)]
        if _opens(feeder):
            yield feeder
            continue
        ahead += [name for name in feeder.fed_by if name not in seen]
        seen.update(feeder.fed_by)


def _compare(
    unit: PowerUnit, curve: TripCurve, feeder: PowerUnit, above: TripCurve, up_to: float
) -> Overlap | None:
    pickup_va, feeder_va = unit.rated_va * curve.pickup, feeder.rated_va * above.pickup
    through_va = _currents(pickup_va, curve, feeder_va, above, up_to * unit.rated_va)
    slow = times_s(curve, through_va / pickup_va, edge="slow")
    fast = times_s(above, through_va / feeder_va, edge="fast")
    bad = np.flatnonzero(np.isfinite(slow) & (fast <= slow))
    if not len(bad):
        return None
    i = int(bad[0])
    return Overlap(
        unit.name, feeder.name, float(through_va[i] / unit.rated_va), float(slow[i]), float(fast[i])
    )


def _currents(
    pickup_va: float, curve: TripCurve, feeder_va: float, above: TripCurve, most_va: float
) -> Floats:
    """Currents to compare at `[VA]`, rising."""
    bends = np.concatenate([pickup_va * corners(curve), feeder_va * corners(above)])
    grid = np.geomspace(pickup_va, max(most_va, pickup_va), POINTS)
    every = np.unique(np.concatenate([grid, bends * (1.0 - BESIDE), bends * (1.0 + BESIDE)]))
    return every[(every >= pickup_va) & (every <= most_va)]
