"""What a server is worth to a reservation."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.solvers.toys import fleet_of
from twin.model.checks import check_fleet
from twin.model.servers import Reservation, ServerType

BOX = ServerType(name="box", cores=8, idle_w=1.0, max_w=2.0, rru=2.0)


def test_a_server_is_worth_what_its_type_offers_unless_its_owner_says_otherwise() -> None:
    assert Reservation(name="plain").worth(BOX) == 2.0
    assert Reservation(name="own", values={"box": 3.5, "gpu": 9.0}).worth(BOX) == 3.5
    assert Reservation(name="no-use", values={"box": 0.0}).worth(BOX) == 0.0


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 1e7])
def test_a_worth_is_a_number_from_nothing_on(value: float) -> None:
    with pytest.raises(ValidationError):
        Reservation(name="wrong", values={"box": value})


def test_a_worth_of_a_type_that_is_not_there_is_found() -> None:
    fleet = fleet_of(
        server_types=[{"name": "box", "cores": 1, "idle": "1 W", "max": "2 W"}],
        reservations=[{"name": "own", "values": {"bax": 1.0, "box": 2.0}}],
    )
    [fault] = [fault for fault in check_fleet(fleet) if "bax" in str(fault)]
    assert (fault.kind, fault.row, fault.field) == ("reservations", 0, "values")
    assert fault.mend == "did you mean 'box'?"
