"""Quantities: human strings in files ("12 MW", "8 h", "99.95 %"), SI floats everywhere else.

A dimensional field of a record is annotated with one of the types below. In documents (YAML, JSON) such a
field must be a string with a unit; a bare number is refused, because nobody can tell 12 W from 12 kW. In
Python and in table columns (whose names carry the unit) the value is the SI number itself.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

_DECIMAL = r"(?:[0-9]+(?:[_ ][0-9]{3})*(?:\.[0-9]*)?|\.[0-9]+)"
_NUMBER = re.compile(rf"([-+]?{_DECIMAL}(?:[eE][-+]?[0-9]+)?)\s*(.*)")

# unit -> factor to the SI base unit of the dimension, smallest first (so that formatting can pick the largest)
DIMENSIONS: dict[str, dict[str, float]] = {
    "power": {"W": 1.0, "kW": 1e3, "MW": 1e6, "GW": 1e9},
    "apparent power": {"VA": 1.0, "kVA": 1e3, "MVA": 1e6},
    "energy": {"J": 1.0, "kJ": 1e3, "MJ": 1e6, "Wh": 3600.0, "kWh": 3.6e6, "MWh": 3.6e9},
    "duration": {
        "us": 1e-6,
        "ms": 1e-3,
        "s": 1.0,
        "min": 60.0,
        "h": 3600.0,
        "d": 86400.0,
        "w": 604800.0,
        "y": 31557600.0,
    },
    "bandwidth": {"bit/s": 1.0, "kbit/s": 1e3, "Mbit/s": 1e6, "Gbit/s": 1e9, "Tbit/s": 1e12},
    "data": {
        "B": 1.0,
        "kB": 1e3,
        "KiB": 1024.0,
        "MB": 1e6,
        "MiB": 1024.0**2,
        "GB": 1e9,
        "GiB": 1024.0**3,
        "TB": 1e12,
        "TiB": 1024.0**4,
        "PB": 1e15,
        "PiB": 1024.0**5,
    },
    "ratio": {"%": 1e-2, "": 1.0},
    "temperature": {"°C": 1.0, "C": 1.0},
    "temperature difference": {"K": 1.0},
    "temperature slope": {"/K": 1.0, "%/K": 1e-2},
    "money": {"USD": 1.0, "kUSD": 1e3, "MUSD": 1e6},
    "mass": {"g": 1e-3, "kg": 1.0, "t": 1e3},
    "carbon intensity": {"g/kWh": 1.0, "kg/kWh": 1e3},
    "energy price": {"USD/MWh": 1.0, "USD/kWh": 1e3},
    "rate": {"/s": 1.0, "req/s": 1.0, "k/s": 1e3, "M/s": 1e6},
    "length": {"m": 1.0, "km": 1e3},
}


def parse_quantity(text: str, dimension: str) -> float:
    """Return the SI value of *text* ("2.5 MVA"); raise ValueError that names the accepted units."""
    units = DIMENSIONS[dimension]
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a number with a unit, e.g. '10 {_example(dimension)}'")
    number, unit = float(re.sub(r"[_ ]", "", match.group(1))), match.group(2)
    if unit not in units:
        if unit.startswith(":"):
            raise ValueError(
                f"{text!r} is a time of day or a ratio, not a {dimension}; write e.g. '10 {_example(dimension)}'"
            )
        known = ", ".join(repr(name) for name in units if name)
        raise ValueError(
            f"{text!r} has no unit of {dimension}"
            if not unit
            else f"{unit!r} is not a unit of {dimension}; use one of {known}"
        )
    value = number * units[unit] if units[unit] >= 1.0 else number / round(1.0 / units[unit])
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a finite number")
    return value


def format_quantity(value: float, dimension: str) -> str:
    """Return the shortest string that :func:`parse_quantity` reads back as exactly *value*."""
    units = {factor: unit for unit, factor in reversed(DIMENSIONS[dimension].items())}  # first of equals wins
    candidates = []
    for factor, unit in units.items():
        number = value / factor if factor >= 1.0 else value * round(1.0 / factor)
        texts = [f"{digits} {unit}".rstrip() for digits in (f"{number:.15g}", repr(number))]
        exact = next((text for text in texts if _reads_as(text, dimension, value)), None)
        if exact is not None:
            penalty = (2 if 0 < abs(number) < 1 else 0) + (0 if unit else 9)
            rank = abs(math.log(factor)) if value == 0 else -factor
            candidates.append((len(exact) + penalty, rank, exact))
    return min(candidates)[2]


def _reads_as(text: str, dimension: str, value: float) -> bool:
    try:
        return parse_quantity(text, dimension) == value
    except ValueError:  # rounded up to infinity
        return False


@dataclass(frozen=True)
class Quantity:
    """Pydantic annotation: a float of one dimension, bounded, read from human strings in documents."""

    dimension: str
    ge: float = 0.0
    le: float = math.inf
    gt: float | None = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(self._serialize, info_arg=True),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        if self.dimension == "ratio":
            return {"type": ["string", "number"], "description": "ratio, e.g. '80 %' or 0.8"}
        units = ", ".join(unit for unit in DIMENSIONS[self.dimension] if unit)
        return {
            "type": "string",
            "description": f"{self.dimension} with a unit ({units})",
            "examples": [f"10 {_example(self.dimension)}"],
        }

    def _validate(self, value: Any, info: core_schema.ValidationInfo) -> float:
        in_document = bool(info.context and info.context.get("document"))
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise PydanticCustomError(
                "quantity", "{message}", {"message": f"{value!r} is not a {self.dimension}"}
            )
        if isinstance(value, str):
            try:
                number = parse_quantity(value, self.dimension)
            except ValueError as error:
                raise PydanticCustomError("quantity", "{message}", {"message": str(error)}) from None
        elif in_document and self.dimension != "ratio":
            message = f"{value!r} has no unit; write e.g. '{value} {_example(self.dimension)}'"
            raise PydanticCustomError("quantity", "{message}", {"message": message})
        else:
            number = float(value)
        return self._bounded(number, value)

    def _bounded(self, number: float, value: Any) -> float:
        if not math.isfinite(number):
            reason = "is not a finite number"
        elif self.gt is not None and not number > self.gt:
            reason = f"must be above {format_quantity(self.gt, self.dimension)}"
        elif number < self.ge:
            reason = f"must not be below {format_quantity(self.ge, self.dimension)}"
        elif number > self.le:
            reason = f"must not be above {format_quantity(self.le, self.dimension)}"
        else:
            return number
        raise PydanticCustomError("quantity", "{message}", {"message": f"{value!r} {reason}"})

    def _serialize(self, value: float | None, info: core_schema.SerializationInfo) -> str | float | None:
        if value is None or not (info.context and info.context.get("document")):
            return value
        return format_quantity(value, self.dimension)


def _example(dimension: str) -> str:
    return {
        "power": "kW",
        "apparent power": "kVA",
        "energy": "kWh",
        "duration": "min",
        "bandwidth": "Gbit/s",
        "data": "GiB",
        "ratio": "%",
        "temperature": "°C",
        "temperature difference": "K",
        "temperature slope": "%/K",
        "money": "USD",
        "mass": "kg",
        "carbon intensity": "g/kWh",
        "energy price": "USD/MWh",
        "rate": "req/s",
        "length": "km",
    }[dimension]


Watts = Annotated[float, Quantity("power", le=1e11)]
VoltAmperes = Annotated[float, Quantity("apparent power", gt=0.0, le=1e11)]
Joules = Annotated[float, Quantity("energy", le=1e15)]
Seconds = Annotated[float, Quantity("duration")]
PositiveSeconds = Annotated[float, Quantity("duration", gt=0.0)]
SignedSeconds = Annotated[float, Quantity("duration", ge=-10.0, le=10.0)]
BitsPerSecond = Annotated[float, Quantity("bandwidth", gt=0.0, le=1e18)]
Bytes = Annotated[float, Quantity("data")]
Share = Annotated[float, Quantity("ratio", le=1.0)]
PositiveShare = Annotated[float, Quantity("ratio", gt=0.0, le=1.0)]
Ratio = Annotated[float, Quantity("ratio", le=1e6)]
SignedRatio = Annotated[float, Quantity("ratio", ge=-1.0, le=1e3)]
Celsius = Annotated[float, Quantity("temperature", ge=-90.0, le=70.0)]
Kelvins = Annotated[float, Quantity("temperature difference", le=100.0)]
PerKelvin = Annotated[float, Quantity("temperature slope", le=1.0)]
Dollars = Annotated[float, Quantity("money")]
Kilograms = Annotated[float, Quantity("mass")]
GramsPerKwh = Annotated[float, Quantity("carbon intensity", le=5000.0)]
DollarsPerMwh = Annotated[float, Quantity("energy price", ge=-20000.0, le=20000.0)]
PerSecond = Annotated[float, Quantity("rate", le=1e12)]
