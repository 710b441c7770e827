"""The verbs of a plan: one file each, one line here."""

from __future__ import annotations

from typing import Any

from twin.actions import (
    capacity_add,
    capacity_move,
    capacity_retire,
    cooling_setpoint,
    link_drain,
    power_cap,
    rack_drain,
    rack_refeed,
    rack_undrain,
    route_weight,
    service_scale,
    service_tune,
    traffic_shift,
    unit_maintain,
)
from twin.actions.base import Action, Objection
from twin.model.errors import did_you_mean

ACTIONS: tuple[Action[Any], ...] = (
    capacity_move.ACTION,
    capacity_add.ACTION,
    capacity_retire.ACTION,
    traffic_shift.ACTION,
    service_scale.ACTION,
    service_tune.ACTION,
    rack_drain.ACTION,
    rack_undrain.ACTION,
    rack_refeed.ACTION,
    unit_maintain.ACTION,
    power_cap.ACTION,
    link_drain.ACTION,
    route_weight.ACTION,
    cooling_setpoint.ACTION,
)
# Versions that once existed: "rack.drain@0" -> what to do instead. A plan that names one is refused.
RETIRED: dict[str, str] = {}


def find(do: str) -> Action[Any] | Objection:
    """Return the action of a step ("rack.drain@1"), or why there is none."""
    name, _, version = do.partition("@")
    known = [action for action in ACTIONS if action.name == name]
    for action in known:
        if action.reference == do:
            return action
    if do in RETIRED:
        return Objection("version", f"{do} is retired", RETIRED[do], "do")
    if known:
        versions = ", ".join(action.reference for action in known)
        what = f"there is no version {version} of {name}"
        return Objection("version", what, f"this fleetwin knows {versions}", "do")
    names = [action.name for action in ACTIONS]
    mend = did_you_mean(name, names) or f"this fleetwin knows {', '.join(names)}"
    return Objection("version", f"there is no action {name!r}", mend, "do")
