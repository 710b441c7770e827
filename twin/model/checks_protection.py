"""Trip curves and policies of capping and shedding that cannot be: refused with the row and the mend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from twin.model.fault import Fault
from twin.model.fleet import Fleet
from twin.model.protection import TripCurve

BANDS = {
    "capping_policies": ("cap_above", "cap_to", "uncap_below"),
    "shedding_policies": ("shed_above", "shed_to", "restore_below"),
}


def curves_open_sooner_at_more_current(fleet: Fleet) -> Iterator[Fault]:
    """More current opens a breaker sooner: points fall strictly, and the elements of bands follow each other."""
    for row, curve in enumerate(fleet.trip_curves):
        faults = _of_points(curve) if curve.kind == "points" else _of_elements(curve)
        for field, what, mend in faults:
            yield Fault("trip_curves", row, field, what, mend)


def only_an_overloaded_ups_has_a_bypass(fleet: Fleet) -> Iterator[Fault]:
    """A curve of the bypass belongs to a UPS that can be overloaded: one with a curve of its own."""
    for row, unit in enumerate(fleet.power_units):
        if unit.bypass_trip is None:
            continue
        if unit.kind != "ups":
            what = f"a {unit.kind} has no static bypass"
            yield Fault("power_units", row, "bypass_trip", what, "remove it, or say kind: ups")
        elif unit.trip is None:
            what = "the inverter has no trip curve, so the load never goes to the bypass"
            yield Fault("power_units", row, "bypass_trip", what, "give the inverter one (trip)")


def bands_stand_apart(fleet: Fleet) -> Iterator[Fault]:
    """The bands of capping and shedding fall: else a controller would take and give back without end."""
    for table, fields in BANDS.items():
        for row, policy in enumerate(fleet.rows(table)):
            bands = [getattr(policy, field) for field in fields]
            if not bands[0] > bands[1] > bands[2]:
                shown = ", ".join(f"{100 * band:g} %" for band in bands)
                what = f"{fields[0]}, {fields[1]} and {fields[2]} are {shown}: they do not fall"
                yield Fault(table, row, fields[1], what, "e.g. 99 %, 95 % and 90 %")


def _of_points(curve: TripCurve) -> Iterator[tuple[str, str, str]]:
    mend = "more current, less time: list the points by rising multiple with falling times"
    if len(curve.points) < 2:
        yield (
            "points",
            f"a curve of {len(curve.points)} points",
            "give at least two (multiple, fast s, slow s)",
        )
        return
    for number, (multiple, fast_s, slow_s) in enumerate(curve.points, 1):
        if multiple < 1.0 or not 0.0 < fast_s <= slow_s:
            what = f"point {number} ({multiple:g}, {fast_s:g} s, {slow_s:g} s) is out of order"
            yield "points", what, "multiple of the pickup >= 1, then 0 < fast <= slow"
    for number, (before, after) in enumerate(pairwise(curve.points), 2):
        if not before[0] < after[0]:
            what = f"the multiple does not rise from {before[0]:g} to {after[0]:g} at point {number}"
            yield "points", what, mend
        for edge, name in ((1, "fast"), (2, "slow")):
            if not before[edge] > after[edge]:
                what = f"the {name} edge does not fall from {before[edge]:g} s to {after[edge]:g} s at point {number}"
                yield "points", what, mend


def _of_elements(curve: TripCurve) -> Iterator[tuple[str, str, str]]:
    if curve.points:
        yield "points", f"a curve of kind {curve.kind!r} has points", "say kind: points, or remove them"
    if curve.kind == "bands" and curve.short_pickup and curve.instantaneous:
        if curve.instantaneous <= curve.short_pickup:
            what = f"opens at once from {curve.instantaneous:g} on, so short_pickup {curve.short_pickup:g} never acts"
            yield "instantaneous", what, "set it above short_pickup"
        elif curve.short_delay_s * curve.delay_slow < curve.opens_fast_s:
            what = f"the short-time element ({curve.short_delay_s:g} s) is quicker than the instantaneous one"
            yield (
                "short_delay",
                what,
                "the curve must fall: a longer short_delay, or no instantaneous element",
            )
    for low, high in (
        ("pickup_fast", "pickup_slow"),
        ("delay_fast", "delay_slow"),
        ("opens_fast_s", "opens_slow_s"),
    ):
        if getattr(curve, low) > getattr(curve, high):
            what = f"{getattr(curve, low):g} is above {high.removesuffix('_s')} ({getattr(curve, high):g})"
            yield low, what, "the fast edge comes first"


CHECKS: tuple[Callable[[Fleet], Iterator[Fault]], ...] = (
    curves_open_sooner_at_more_current,
    only_an_overloaded_ups_has_a_bypass,
    bands_stand_apart,
)
