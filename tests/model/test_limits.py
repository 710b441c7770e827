"""The grammar of limits: what it reads, what it refuses, and that it says back what it read."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.model.limits import Limit, parse_limit


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("<= 2 %", "1", Limit("<=", 0.02, unit="1")),
        ("> 5 %", "1", Limit(">", 0.05, unit="1")),
        (">= 10 %", "%", Limit(">=", 10.0, unit="%")),
        ("<= +5 % of reference, floor 0.01 %", "1", Limit("<=", 0.05, True, "reference", 0.0001, unit="1")),
        ("<= +10 % of reference, floor 1 ms", "ms", Limit("<=", 0.1, True, "reference", 1.0, unit="ms")),
        (
            "<= +0.5 % of reference, floor 1 kWh",
            "kWh",
            Limit("<=", 0.005, True, "reference", 1.0, unit="kWh"),
        ),
        ("> +5 % of control, floor 0.01 %", "1", Limit(">", 0.05, True, "control", 0.0001, unit="1")),
        ("-3 % ± 1 % of reference", "kWh", Limit("±", -0.03, True, "reference", band=0.01, unit="kWh")),
        ("-3% +/- 1%", "kWh", Limit("±", -0.03, True, "reference", band=0.01, unit="kWh")),
        ("100 kW ± 5 kW", "kW", Limit("±", 100.0, band=5.0, unit="kW")),
        ("<= +0.1 pp of reference", "1", Limit("<=", 0.001, False, "reference", unit="1", pp=True)),
        ("<= +0.1 pp of reference", "%", Limit("<=", 0.1, False, "reference", unit="%", pp=True)),
        ("<= +5 K of reference", "°C", Limit("<=", 5.0, False, "reference", unit="°C")),
        ("<= 9640", "kW", Limit("<=", 9640.0, unit="kW")),
        ("≤ 9.64 MW", "kW", Limit("<=", 9640.0, unit="kW")),
        ("< 9 640 000 W", "kW", Limit("<", 9640.0, unit="kW")),
        ("<= 0.3 s", "ms", Limit("<=", 300.0, unit="ms")),
        ("<= 1.5 MWh", "kWh", Limit("<=", 1500.0, unit="kWh")),
        ("<= 7 RRU", "RRU", Limit("<=", 7.0, unit="RRU")),
        ("<= 3", "", Limit("<=", 3.0)),
        ("none", "", Limit("none")),
        (" none  new ", "", Limit("none new")),
        ("inside", "1", Limit("inside", unit="1")),
    ],
)
def test_reads(text: str, unit: str, expected: Limit) -> None:
    limit = parse_limit(text, unit)
    assert limit == expected
    assert parse_limit(str(limit), unit) == limit


@pytest.mark.parametrize(
    ("text", "unit", "complaint"),
    [
        ("<= +5 % of reference", "ms", "must carry a floor"),
        ("<= 5 % of reference, floor 1 ms", "ms", "needs a sign"),
        ("<= +5 % of refrence, floor 1 ms", "ms", "did you mean 'reference'"),
        ("<= +5 %", "1", "say of what"),
        ("<= 2 pp", "1", "say of what"),
        ("-3 % ± 1 %", "1", "say of what"),
        ("<= 5 kW", "ms", "does not fit a metric in ms; use 'us', 'ms', 's'"),
        ("<= 5 %", "", "use a plain number"),
        ("<= 5 %", "kW", "use 'W', 'kW'"),
        ("<= +1 pp of reference", "ms", "does not fit"),
        ("<= 300 K", "°C", "use '°C', 'C'"),
        ("5 ms", "ms", "needs an operator"),
        ("<= 5 ms ± 1 ms", "ms", "use one"),
        ("-3 % ± 1 ms of reference", "ms", "same unit on both sides"),
        ("<= +0.5 of reference", "1", "write '%' or 'pp'"),
        ("-3 % ± -1 % of reference", "ms", "sign on a width"),
        ("<= +5 % of reference, floor -1 ms", "ms", "sign on a width or floor"),
        ("<= 5 ms, floor 1 ms", "ms", "only a relative limit"),
        ("<= nan", "ms", "is not a limit"),
        ("<= 1e999", "ms", "not a finite number"),
        ("none old", "", "is not a limit"),
        ("", "", "is not a limit"),
    ],
)
def test_refuses_and_says_what_would_do(text: str, unit: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_limit(text, unit)


def test_allowed_takes_the_larger_of_share_and_floor() -> None:
    limit = parse_limit("<= +10 % of reference, floor 1 ms", "ms")
    assert limit.allowed(100.0) == pytest.approx(110.0)
    assert limit.allowed(2.0) == pytest.approx(3.0)
    assert limit.holds(3.0, 2.0) and not limit.holds(3.1, 2.0)
    improvement = parse_limit("<= -10 % of reference, floor 1 ms", "ms")
    assert improvement.allowed(100.0) == pytest.approx(90.0)
    assert improvement.allowed(2.0) == pytest.approx(1.0)
    assert parse_limit(">= -0 % of reference, floor 1 ms", "ms").allowed(5.0) == pytest.approx(4.0)


def test_a_share_of_a_negative_reference_is_a_share_of_its_size() -> None:
    assert parse_limit("<= +10 % of reference, floor 1 USD", "USD").allowed(-100.0) == pytest.approx(-90.0)
    assert parse_limit("-10 % ± 2 % of reference", "USD").range(-100.0) == pytest.approx((-112.0, -108.0))


def test_bands_and_words() -> None:
    band = parse_limit("-3 % ± 1 % of reference", "kWh")
    assert band.range(1000.0) == pytest.approx((960.0, 980.0))
    assert band.holds(970.0, 1000.0) and not band.holds(985.0, 1000.0)
    assert parse_limit("none").holds(0) and not parse_limit("none").holds(1)
    with pytest.raises(ValueError, match="sets no number"):
        parse_limit("none new").holds(0)
    with pytest.raises(ValueError, match="needs the reference"):
        band.range()


def test_strict_bounds_are_outside() -> None:
    assert not parse_limit("> 5 %", "1").holds(0.05)
    assert parse_limit(">= 5 %", "1").holds(0.05)


_UNITS = ("ms", "kWh", "%", "1", "", "kW", "°C", "RRU", "USD")
_SIZES = st.floats(0.0, 1e15) | st.floats(0.0, 1.0)
_SIGNED = st.builds(math.copysign, _SIZES, st.sampled_from([-1.0, 1.0]))


@st.composite
def _limits(draw: st.DrawFn) -> Limit:
    unit, op = draw(st.sampled_from(_UNITS)), draw(st.sampled_from(["<=", "<", ">=", ">", "±"]))
    basis = draw(st.sampled_from([None, "reference", "control", "prediction"]))
    relative = basis is not None and draw(st.booleans())
    pp = basis is not None and not relative and unit in ("1", "%")
    plain_band = op == "±" and basis is None
    return Limit(
        op,
        draw(_SIZES if plain_band else _SIGNED),
        relative,
        basis,
        draw(_SIZES) if relative else 0.0,
        draw(_SIZES) if op == "±" else 0.0,
        unit,
        pp,
    )


@given(_limits())
def test_every_limit_is_read_back_exactly(limit: Limit) -> None:
    again = parse_limit(str(limit), limit.unit)
    assert again == limit
    assert math.copysign(1.0, again.value) == math.copysign(1.0, limit.value)


@given(st.text(alphabet="<>=+-±%. 0123456789eofrncmskWp,l_", max_size=40), st.sampled_from(_UNITS))
def test_any_text_is_read_or_refused_with_words(text: str, unit: str) -> None:
    try:
        limit = parse_limit(text, unit)
    except ValueError as error:
        assert len(str(error)) > 10
    else:
        assert parse_limit(str(limit), unit) == limit
