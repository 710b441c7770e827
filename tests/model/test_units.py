"""Quantities: human strings in documents, SI numbers everywhere else."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from twin.model import units
from twin.model.units import DIMENSIONS, format_quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("2.5 MVA", "apparent power", 2.5e6),
        ("12kW", "power", 12e3),
        (" 1 000.5 W ", "power", 1000.5),
        ("7\u00a0kW", "power", 7000.0),
        ("1_000 W", "power", 1000.0),
        (".5 h", "duration", 1800.0),
        ("90 min", "duration", 5400.0),
        ("300 ms", "duration", 0.3),
        ("1 y", "duration", 365.25 * 86400),
        ("400 Gbit/s", "bandwidth", 4e11),
        ("256 GiB", "data", 256 * 2.0**30),
        ("99.95 %", "ratio", 0.9995),
        ("0.8", "ratio", 0.8),
        ("-5 °C", "temperature", -5.0),
        ("2 %/K", "temperature slope", 0.02),
        ("85 USD/MWh", "energy price", 85.0),
        ("0.085 USD/kWh", "energy price", 85.0),
        ("310 g/kWh", "carbon intensity", 310.0),
        ("1.5 k/s", "rate", 1500.0),
        ("1e3 kg", "mass", 1000.0),
    ],
)
def test_parse(text, dimension, value):
    assert parse_quantity(text, dimension) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "dimension", "word"),
    [
        ("12", "power", "no unit of power"),
        ("12 MVA", "power", "'kW'"),
        ("12 mw", "power", "'MW'"),
        ("kW", "power", "not a number with a unit"),
        ("", "power", "not a number"),
        ("12:30", "duration", "is a time of day or a ratio, not a duration"),
        ("1 2 W", "power", "not a unit"),
        ("1e999 W", "power", "not a finite number"),
        ("nan W", "power", "not a number"),
        ("20 K", "temperature", "'°C'"),
        ("5 %%", "ratio", "not a unit"),
        ("٣ W", "power", "not a number"),
    ],
)
def test_what_cannot_be_read_is_explained(text, dimension, word):
    with pytest.raises(ValueError, match=re.escape(word)):
        parse_quantity(text, dimension)


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (2.5e6, "apparent power", "2.5 MVA"),
        (0.0, "duration", "0 s"),
        (0.0, "ratio", "0 %"),
        (1.0, "ratio", "100 %"),
        (0.0005, "ratio", "0.05 %"),
        (11.5, "temperature", "11.5 °C"),
        (3600.0, "duration", "1 h"),
        (0.02, "duration", "20 ms"),
        (256 * 2.0**30, "data", "256 GiB"),
        (12000.0, "power", "12 kW"),
    ],
)
def test_format_is_what_a_person_would_write(value, dimension, text):
    assert format_quantity(value, dimension) == text


@given(st.sampled_from(sorted(DIMENSIONS)), st.floats(allow_nan=False, allow_infinity=False))
def test_format_and_parse_round_trip_exactly(dimension, value):
    assert parse_quantity(format_quantity(value, dimension), dimension) == value


@given(st.sampled_from(sorted(DIMENSIONS)), st.integers(-10_000, 10_000), st.sampled_from([1, 10, 1000]))
def test_short_decimals_stay_short(dimension, number, denominator):
    for unit in filter(None, DIMENSIONS[dimension]):
        text = f"{number / denominator:.15g} {unit}".rstrip()
        value = parse_quantity(text, dimension)
        assert len(format_quantity(value, dimension)) <= len(text) + 2
        assert math.isclose(parse_quantity(format_quantity(value, dimension), dimension), value, rel_tol=0)


NAMED = {name: value for name, value in vars(units).items() if getattr(value, "__metadata__", None)}


@pytest.mark.parametrize("name", sorted(NAMED))
def test_documents_want_units_and_tables_want_numbers(name):
    adapter = TypeAdapter(NAMED[name])
    quantity = NAMED[name].__metadata__[0]
    assert adapter.validate_python(0.5) == 0.5
    unit = next(iter(DIMENSIONS[quantity.dimension]))
    assert adapter.validate_python(f"0.5 {unit}", context={"document": True}) >= 0
    if quantity.dimension == "ratio":
        assert adapter.validate_python(0.5, context={"document": True}) == 0.5
    else:
        with pytest.raises(ValidationError, match="has no unit; write e.g. "):
            adapter.validate_python(0.5, context={"document": True})
    for wrong in (math.nan, math.inf, True, None, [1], -1e300):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)


def test_bounds_are_told_in_the_unit_of_the_quantity():
    with pytest.raises(ValidationError, match="must not be above 100 %"):
        TypeAdapter(units.Share).validate_python("120 %")
    with pytest.raises(ValidationError, match="must be above 0 s"):
        TypeAdapter(units.PositiveSeconds).validate_python("0 h")
    with pytest.raises(ValidationError, match="must not be below -90 °C"):
        TypeAdapter(units.Celsius).validate_python(-91)
