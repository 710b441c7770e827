"""The same fleet with its users asking for more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.fleets.example import example_fleet
from tests.evaluate.tiny import tiny_fleet
from twin.files.digest import digest
from twin.model.demand import read_demand, with_demand
from twin.model.errors import UsageError

FLEET = example_fleet()


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("+20%", 1.2),
        ("-5 %", 0.95),
        (" +7.5 % ", 1.075),
        ("+0%", 1.0),
        ("+1 000 %", 11.0),
        ("1.2x", 1.2),
        ("3 x", 3.0),
        ("0.5×", 0.5),
    ],
)
def test_a_change_is_a_factor(text: str, factor: float) -> None:
    assert read_demand(text) == factor


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("20", "'20' does not say by how much"),
        ("20%", "'20%' does not say by how much"),
        ("", "'' does not say by how much"),
        ("%", "'%' does not say by how much"),
        ("+abc", "'+abc' does not say by how much"),
        ("+abc%", "'+abc%' is not a number"),
        ("+%", "'+%' is not a number"),
        ("+20 kW%", "is not a unit of ratio"),
        ("50% x", "'50% x' does not say by how much"),
        ("-100%", "leaves no demand"),
        ("0x", "leaves no demand"),
        ("-2x", "leaves no demand"),
        ("nanx", "does not say by how much"),
        ("1e999x", "is not a finite number"),
        ("5000x", "is more than 1000 times the demand"),
    ],
)
def test_what_is_not_a_change_is_refused_with_the_mend(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_demand(text)
    assert words in str(caught.value)
    assert "write e.g. '+20%', '-5 %' or '1.2x'" in str(caught.value)


def test_no_change_is_the_same_fleet() -> None:
    assert with_demand(FLEET, 1.0) is FLEET
    assert digest(with_demand(FLEET, read_demand("+0%"))) == digest(FLEET)


@given(factor=st.floats(1e-3, 1e3))
def test_demand_and_guarantees_scale_and_nothing_else(factor: float) -> None:
    more = with_demand(FLEET, factor)
    for kind, rows in FLEET.tables():
        if kind not in ("demand", "reservations"):
            assert more.rows(kind) is rows
    for before, after in zip(FLEET.demand, more.demand, strict=True):
        assert after == before.model_copy(update={"rate_per_s": before.rate_per_s * factor})
    for before, after in zip(FLEET.reservations, more.reservations, strict=True):
        assert after == before.model_copy(update={"guaranteed_rru": before.guaranteed_rru * factor})


def test_a_guarantee_that_nobody_gave_stays_assumed() -> None:
    fleet = with_demand(tiny_fleet(), 1.2)
    assert fleet.provenance_of("reservations", fleet.reservations[0], "guaranteed_rru") == "assumed"
