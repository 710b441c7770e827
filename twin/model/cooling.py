"""Cooling: the plants that remove heat or carry it, and the zones that heat up when they stop."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twin.model.base import Name, Record
from twin.model.units import (
    Celsius,
    Joules,
    Kelvins,
    PerKelvin,
    PositiveSeconds,
    PositiveShare,
    Seconds,
    Share,
    Watts,
)

Names = tuple[Name, ...]


class CoolingPlant(Record):
    """Chillers of a site, or the fans and pumps that carry heat to them, as a load on the power chain.

    Electric power = heat / COP(outdoor) + fixed + fan · flow³; COP = cop_ref · (1 − slope · (T − t_ref)), never below
    `cop_min`, or that of a `chiller` curve. The chillers that are alive share the heat of their zones by `rated_heat_w`.

    Air handlers and pumps remove nothing: they carry at most `rated_heat_w` away from the zones that name them, and draw
    `fan_w` at full flow. What shall ride through on a battery is a plant of its own, fed by the UPS.

    T is the dry bulb, or the wet bulb where heat is rejected by a `tower` (which takes water; its site needs a humidity). An
    `economizer` takes what share of the heat the outdoor air can without a compressor. Above `derate_from` the plant
    removes less. A plant with `restart` stops when its source of power is lost or changes, and cools again only that long
    after. Defaults of approach, range, cycles, derating and gain per kelvin of supply are assumed, not measured.
    """

    name: Name
    site: Name
    kind: Literal["chiller", "air-handler", "pump"] = "chiller"
    fed_by: Annotated[Names, Field(min_length=1)]
    feed_mode: Literal["shared", "standby"] = "standby"
    rated_heat_w: Annotated[Watts, Field(alias="rated_heat", gt=0)]
    chiller: Annotated[
        Literal["linear", "doe2-centrifugal"], Field(description="how COP and capacity follow temperatures")
    ] = "linear"
    cop_ref: Annotated[float, Field(gt=0, le=60)] = 4.0
    cop_slope_per_k: Annotated[PerKelvin, Field(alias="cop_slope")] = 0.025
    cop_min: Annotated[float, Field(gt=0, le=60)] = 2.0
    cop_supply_per_k: Annotated[
        PerKelvin, Field(alias="cop_supply", description="COP gained per kelvin of warmer supply, linear")
    ] = 0.03
    t_ref_c: Annotated[Celsius, Field(alias="t_ref")] = 25.0
    chilled_c: Annotated[Celsius, Field(alias="chilled", description="chilled water, before set points")] = (
        7.0
    )
    heat_rejection: Annotated[Literal["dry", "tower"], Field(description="to the dry or the wet bulb")] = (
        "dry"
    )
    economizer: bool = False
    approach_k: Annotated[Kelvins, Field(alias="approach", description="water above the bulb")] = 6.0
    range_k: Annotated[Kelvins, Field(alias="range", gt=0, description="by which water returns warmer")] = 6.0
    cycles: Annotated[float, Field(gt=1, le=50, description="cycles of concentration of a tower")] = 4.0
    derate_from_c: Annotated[Celsius | None, Field(alias="derate_from", description="of the dry bulb")] = None
    derate_per_k: Annotated[PerKelvin, Field(alias="derate", description="capacity lost above that")] = 0.02
    fixed_w: Annotated[Watts, Field(alias="fixed")] = 0.0
    fan_w: Annotated[Watts, Field(alias="fan", description="fans and pumps with variable speed, full")] = 0.0
    least_flow: Annotated[Share, Field(description="of full flow, below which they do not slow")] = 0.3
    power_factor: PositiveShare = 0.9
    restart_s: Annotated[
        Seconds | None, Field(alias="restart", description="from having power again to cooling again")
    ] = None
    mtbf_s: Annotated[PositiveSeconds | None, Field(alias="mtbf")] = None
    mttr_s: Annotated[PositiveSeconds, Field(alias="mttr")] = 4 * 3600.0


class CoolingZone(Record):
    """The racks of one row (`name` = the row) and the air or the liquid loop that cools them.

    Heat capacities in J/K, the coupling of the fast node (air, coolant) to the slow one (racks, walls) in W/K. For air,
    10 m³ and 600 kg of steel per rack make 12 kJ/K and 360 kJ/K, and a coupling of 200 W/K per rack reproduces a published
    test (25 K in 3 min at 5 kW per rack); 40 L of water make 167 kJ/K.

    `cooled_by` names chillers that serve no other zones (none: those of the site that no zone names), `carried_by` the air
    handlers or pumps without which nothing, not even the `store`, cools it. From `throttle` on its servers slow down in
    steps, at `shutdown` its racks go off; they come back when it is cool and a person has let them, `restore` later.
    """

    name: Name
    site: Name
    kind: Literal["air", "liquid"] = "air"
    fluid_j_per_k: Annotated[float, Field(gt=0, le=1e12)]
    mass_j_per_k: Annotated[float, Field(gt=0, le=1e12)]
    coupling_w_per_k: Annotated[float, Field(gt=0, le=1e12)]
    cooled_by: Names = ()
    carried_by: Names = ()
    supply_c: Annotated[Celsius, Field(alias="supply")] = 22.0
    throttle_c: Annotated[Celsius, Field(alias="throttle")] = 35.0
    shutdown_c: Annotated[Celsius, Field(alias="shutdown")] = 45.0
    restore_s: Annotated[Seconds, Field(alias="restore", description="until a person powers racks on")] = (
        1800.0
    )
    store_j: Annotated[Joules, Field(alias="store", description="chilled water in reserve")] = 0.0
