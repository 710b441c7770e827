"""The one grammar of limits: claims, success, rollback, gates and rewards all speak it.

    <= 2 %                                      a bound, in the metric's unit
    <= +5 % of reference, floor 0.01 %          a change against reference, control or prediction
    <= +0.1 pp of reference                     a change in percentage points (or in any unit of the metric)
    -3 % ± 1 % of reference                     a band
    none | none new                             for invariants: no violation; none that the reference lacks
    inside                                      for claims: all of them hold

"%" after a comparison is relative, "pp" is percentage points. A relative limit carries a floor: the smallest
change that counts, because 5 % of nearly nothing is nothing.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, cast, get_args

from twin.model.errors import did_you_mean
from twin.model.units import DIMENSIONS

Op = Literal["<=", "<", ">=", ">", "±", "none", "none new", "inside"]
Basis = Literal["reference", "control", "prediction"]
WORDS: tuple[Op, ...] = ("none", "none new", "inside")


@dataclass(frozen=True)
class Limit:
    """One limit, in the metric's own unit.

    `value` is the bound, the change (with its sign) when there is a `basis`, or the centre of a band (op "±")
    of half width `band`. A `relative` value and band are fractions of the basis; `floor` is the least change
    they amount to. `pp` tells that the change was written in percentage points.
    """

    op: Op
    value: float = 0.0
    relative: bool = False
    basis: Basis | None = None
    floor: float = 0.0
    band: float = 0.0
    unit: str = ""
    pp: bool = False

    def allowed(self, reference: float | None = None) -> float:
        """Return the bound that this limit sets for a given reference (for a band: its centre)."""
        if self.op in WORDS:
            raise ValueError(f"'{self.op}' sets no number")
        if self.basis is None:
            return self.value
        if reference is None:
            raise ValueError(f"'{self}' needs the {self.basis}")
        if not self.relative:
            return reference + self.value
        change = abs(self.value * reference)
        return reference + math.copysign(change if self.op == "±" else max(change, self.floor), self.value)

    def range(self, reference: float | None = None) -> tuple[float, float]:
        """Return the lowest and the highest value that hold for a given reference (ends may be infinite)."""
        middle = self.allowed(reference)
        if self.op == "±":
            width = max(self.band * abs(reference or 0.0), self.floor) if self.relative else self.band
            return middle - width, middle + width
        return (-math.inf, middle) if self.at_most else (middle, math.inf)

    def holds(self, value: float, reference: float | None = None) -> bool:
        """Tell whether a known value keeps this limit (for `none`: whether the count is zero)."""
        if self.op == "none":
            return value == 0
        low, high = self.range(reference)
        if self.strict:
            return low < value < high
        return low <= value <= high

    @property
    def at_most(self) -> bool:
        """Whether the limit bounds from above only."""
        return self.op in ("<=", "<")

    @property
    def strict(self) -> bool:
        """Whether the bound itself is outside."""
        return self.op in ("<", ">")

    def __str__(self) -> str:
        if self.op in WORDS:
            return self.op
        parts: list[str] = [] if self.op == "±" else [self.op]
        parts.append(self._text(self.value, signed=self.basis is not None))
        if self.op == "±":
            parts += ["±", self._text(self.band)]
        if self.basis is not None:
            parts += ["of", self.basis]
        floored = self.relative and (self.op != "±" or self.floor > 0)
        return " ".join(parts) + (f", floor {_number_text(self.floor, self.unit)}" if floored else "")

    def _text(self, value: float, *, signed: bool = False) -> str:
        if self.relative:
            text = _number_text(value, "%", shift=2)
        elif self.pp:
            text = _number_text(value, "pp", shift=2 if self.unit == "1" else 0)
        else:
            text = _number_text(value, self.unit)
        return text if text.startswith("-") or not signed else f"+{text}"


def parse_limit(text: str, unit: str = "") -> Limit:
    """Read a limit on a metric that is reported in *unit* ("ms", "%", "1" for fractions, "" for counts).

    Raises
    ------
    ValueError
        When the text is not a limit, or its unit does not fit the metric's; says what would.
    """
    words = " ".join(text.replace("≤", "<=").replace("≥", ">=").replace("+/-", "±").split())
    if words in WORDS:
        return Limit(words, unit=unit)
    match = _LIMIT.match(words)
    if match is None:
        raise ValueError(
            f"{text!r} is not a limit; write e.g. '<= 5{_spaced(unit)}', '<= +5 % of reference, "
            f"floor 1{_spaced(unit)}', '-3 % ± 1 % of reference', 'none' or 'none new'"
        )
    part = {name: found or "" for name, found in match.groupdict().items()}
    complaint = _misfit(part, unit)
    if complaint:
        raise ValueError(f"{text!r} {complaint}")
    return _assemble(part, unit)


_NUMBER = r"[-+]?(?:\d+(?:[_ ]\d{3})*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?"
_UNIT = r"(?:(?!of\b)[^\s,±\d+-][^\s,±]*)?"
_LIMIT = re.compile(
    rf"^(?P<op><=|>=|<|>)? ?(?P<value>{_NUMBER}) ?(?P<unit>{_UNIT})"
    rf"(?: ?± ?(?P<band>{_NUMBER}) ?(?P<band_unit>{_UNIT}))?"
    rf"(?: ?of (?P<basis>\w+))?"
    rf"(?: ?, ?floor (?P<floor>{_NUMBER}) ?(?P<floor_unit>{_UNIT}))?$"
)

_FRACTIONS = ("1", "%")
# Units of metrics that no field of a fleet has.
_MORE_UNITS: tuple[dict[str, float], ...] = (
    {"Wh": 1.0, "kWh": 1e3, "MWh": 1e6, "GWh": 1e9},
    {"L": 1.0, "m3": 1e3},
)


def _misfit(part: dict[str, str], unit: str) -> str:
    """Return what is wrong with the pieces of a limit taken together, or the empty string."""
    op, change = part["op"], part["value"][0] in "+-"
    if bool(op) == bool(part["band"]):
        return "has an operator and a band; use one" if op else "needs an operator (<=, <, >=, >) or a band ±"
    basis = part["basis"]
    if basis and basis not in get_args(Basis):
        hint = did_you_mean(basis, get_args(Basis)) or "use reference, control or prediction"
        return f"compares with an unknown {basis!r}; {hint}"
    if basis and not change:
        return f"needs a sign: '+' for above the {basis}, '-' for below"
    if part["band"][:1] in ("+", "-") or part["floor"][:1] in ("+", "-"):
        return "has a sign on a width or floor, which have none"
    relative = _is_relative(part, unit)
    signed = part["value"][0] == "+" or (change and part["band"] and unit in _FRACTIONS)
    if not basis and not relative and (signed or part["unit"] == "pp"):
        return "reads as a change; say of what: 'of reference', 'of control' or 'of prediction'"
    if op and relative and not part["floor"]:
        return f"is relative and must carry a floor, the least change that counts: ', floor 1{_spaced(unit)}'"
    if part["floor"] and not relative:
        return "has a floor, but only a relative limit (+5 % of reference) has one"
    if part["band"] and (basis or relative) and part["band_unit"] != part["unit"]:
        return "must have the same unit on both sides of ±"
    if basis and unit in _FRACTIONS and part["unit"] not in ("%", "pp"):
        return "could be a share or percentage points; write '%' or 'pp'"
    return ""


def _is_relative(part: dict[str, str], unit: str) -> bool:
    return part["unit"] == "%" and bool(part["basis"] or (part["band"] and unit not in _FRACTIONS))


def _assemble(part: dict[str, str], unit: str) -> Limit:
    relative, pp = _is_relative(part, unit), part["unit"] == "pp"
    basis = part["basis"] or ("reference" if relative else None)

    def read(name: str) -> float:
        number = part[name]
        if not number:
            return 0.0
        if relative and name != "floor":
            return _convert(number, "%", "1")
        change = basis is not None or name != "value"
        return _convert(number, part["unit" if name == "value" else f"{name}_unit"], unit, change=change)

    return Limit(
        cast(Op, part["op"] or "±"),
        read("value"),
        relative,
        cast("Basis | None", basis),
        read("floor"),
        read("band"),
        unit,
        pp,
    )


def _convert(number: str, written: str, unit: str, *, change: bool = False) -> float:
    """Return *number*, written in one unit, in the metric's *unit*; exact in decimals."""
    factors = _accepted(unit, change=change)
    if written not in factors:
        known = ", ".join(f"'{name}'" for name in factors if name) or "a plain number"
        raise ValueError(f"'{written}' does not fit a metric in {_unit_name(unit)}; use {known}")
    ratio = Decimal(str(factors[written])) / Decimal(str(factors[unit]))
    value = float(Decimal(number.replace("_", "").replace(" ", "")) * ratio)
    if not math.isfinite(value):
        raise ValueError(f"{number!r} is not a finite number")
    return value


def _accepted(unit: str, *, change: bool) -> dict[str, float]:
    """Return the units that may be written for a metric in *unit*, with factors; "" is the metric's own."""
    if unit in _FRACTIONS:
        factors = {"%": 0.01, "pp": 0.01} if change else {"%": 0.01}
        own = 1.0 if unit == "1" else 0.01
        return factors | {unit: own, "": own} if unit == "%" else factors | {"": own, "1": own}
    families = [*(family for name, family in DIMENSIONS.items() if name != "ratio"), *_MORE_UNITS]
    family = dict(next((family for family in families if unit in family), {unit: 1.0}))
    if "°C" in family and change:
        # a difference may be written in kelvin, a temperature may not
        family["K"] = 1.0
    return family | {"": family[unit]}


def _number_text(value: float, unit: str, *, shift: int = 0) -> str:
    """Return *value* times 10^shift with its unit, such that reading it back gives the same float."""
    if unit == "1" and 0 < abs(value) < 1:
        unit, shift = "%", 2
    number = Decimal(repr(value)).scaleb(shift).normalize()
    text = f"{number:f}" if -7 < number.adjusted() < 16 else f"{number:e}"
    return f"{text}{_spaced(unit)}"


def _spaced(unit: str) -> str:
    return f" {unit}" if unit not in ("", "1") else ""


def _unit_name(unit: str) -> str:
    return {"": "plain counts", "1": "fractions", "%": "percent"}.get(unit, unit)
