"""Cooling zones: what heats up when cooling stops."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twin.model.base import Name, Record
from twin.model.units import Celsius, Joules


class CoolingZone(Record):
    """The racks of one row (`name` = the row) and the air or the liquid loop that cools them.

    Heat capacities in J/K, the coupling of the fast node (air, coolant) to the slow one (racks, walls) in W/K.
    """

    name: Name
    site: Name
    kind: Literal["air", "liquid"] = "air"
    fluid_j_per_k: Annotated[float, Field(gt=0, le=1e12)]
    mass_j_per_k: Annotated[float, Field(gt=0, le=1e12)]
    coupling_w_per_k: Annotated[float, Field(gt=0, le=1e12)]
    supply_c: Annotated[Celsius, Field(alias="supply")] = 22.0
    throttle_c: Annotated[Celsius, Field(alias="throttle")] = 35.0
    shutdown_c: Annotated[Celsius, Field(alias="shutdown")] = 45.0
    store_j: Annotated[Joules, Field(alias="store", description="chilled water in reserve")] = 0.0
