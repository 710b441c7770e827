"""power.cap: hold the servers of racks below a power, or lift that limit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, model_validator

from twin.actions.base import Action, Names, Objection, Part
from twin.actions.lookup import listing, missing, rack_idles_w, rack_nameplates_w, racks_below, watts
from twin.model.base import Name, Record
from twin.model.change import Change
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.plan import Duration
from twin.model.units import Watts

STEP_S = 60.0  # assumed: a minute to set the limit everywhere


class Params(Record):
    """Which servers, and the most they may draw together."""

    unit: Annotated[Name | None, Field(description="all racks that this power unit can feed")] = None
    racks: Annotated[Names | None, Field(description="racks, by name or bracket")] = None
    limit_w: Annotated[
        Annotated[Watts, Field(gt=0)] | None,
        Field(alias="limit", description="the most that the servers of these racks may draw together"),
    ] = None
    lift: Annotated[bool, Field(strict=True, description="true: remove the limit")] = False

    @model_validator(mode="after")
    def _one_of_each(self) -> Params:
        if (self.unit is None) == (self.racks is None):
            raise ValueError("give either 'unit' or 'racks'")
        if (self.limit_w is None) != self.lift:
            raise ValueError("give either 'limit' or 'lift: true'")
        return self


def check(fleet: Fleet, params: Params) -> Iterator[Objection]:
    """The racks exist and could keep the limit: idle servers cannot be capped."""
    wrong = [*missing(fleet, "racks", params.racks or (), "racks")]
    wrong += missing(fleet, "power_units", [params.unit] if params.unit else [], "unit")
    yield from wrong
    if wrong:
        return
    racks = _racks(fleet, params)
    if not sum(rack_nameplates_w(fleet, racks).values()):
        param = "unit" if params.unit else "racks"
        yield Objection("reference", "there are no servers to cap", "name racks with servers", param)
    elif params.limit_w is not None:
        nameplates, idles = rack_nameplates_w(fleet, racks), rack_idles_w(fleet, racks)
        share = params.limit_w / sum(nameplates.values())
        short = [rack for rack in racks if share * nameplates[rack] < idles[rack]]
        if short:
            least = max(idles[rack] / nameplates[rack] for rack in short) * sum(nameplates.values())
            what = f"{watts(params.limit_w)} is below what the servers of {listing(short)} draw idle"
            yield Objection("budget", what, f"at least {watts(least)}", "limit")


def changes(fleet: Fleet, params: Params) -> list[Part]:
    """Each rack gets its part of the limit, in proportion to the nameplate maximum of its servers.

    The parts sum to the limit, so that a unit's limit holds even when it must carry its racks alone. Losses
    and cooling below the unit are not counted.
    """
    nameplates = rack_nameplates_w(fleet, _racks(fleet, params))
    nameplates = {rack: power_w for rack, power_w in nameplates.items() if power_w}
    share = math.inf if params.limit_w is None else params.limit_w / sum(nameplates.values())
    who = params.unit or listing(tuple(nameplates))
    text = f"lift the cap of {who}" if params.limit_w is None else f"cap {who} at {watts(params.limit_w)}"
    return [Part(1.0, Change("cap", rack, share * power_w), text) for rack, power_w in nameplates.items()]


def locks(fleet: Fleet, params: Params) -> tuple[str, ...]:
    """The racks whose servers are capped."""
    return tuple(f"rack:{rack}" for rack in _racks(fleet, params))


def duration(params: Params) -> Duration:
    """A minute."""
    return Duration(mean_s=STEP_S)


def example(fleet: Fleet) -> list[dict[str, Any]]:
    """Cap the servers of the first two racks at 90 % of their nameplate."""
    racks = [rack.name for rack in fleet.racks]
    loaded = [rack for rack, power in rack_nameplates_w(fleet, racks).items() if power][:2]
    if not loaded:
        raise UsageError("this fleet has no servers to cap")
    limit_kw = math.ceil(sum(rack_nameplates_w(fleet, loaded).values()) * 0.9 / 1e3 * 10) / 10
    return [
        {"id": "cap", "do": "power.cap@1", "params": {"racks": listing(loaded), "limit": f"{limit_kw:g} kW"}}
    ]


def _racks(fleet: Fleet, params: Params) -> tuple[str, ...]:
    return racks_below(fleet, params.unit) if params.unit else params.racks or ()


ACTION = Action(
    "power.cap",
    1,
    "hold servers below a power, or lift the limit",
    Params,
    check,
    changes,
    locks,
    duration,
    example,
)
