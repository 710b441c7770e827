"""What services need where: by hand, and as the twin routes requests with all things alive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.needs import callers_first, needs_of, rates_by_site
from solvers.requirements import with_more
from tests.sim.helpers import settled
from tests.solvers.toys import two_regions
from twin.model.fleet import Fleet
from twin.records.requirement import Requirement


def rated(rows: list[tuple[str, str, float]], **profile: str) -> dict[str, Any]:
    return {"demand": [{"service": s, "region": g, "rate": f"{rate} /s", **profile} for s, g, rate in rows]}


def fleet_with(base: Fleet | None = None, **tables: Any) -> Fleet:
    """Return the two regions with other tables, read as a document would be."""
    document = (base or two_regions()).model_dump(mode="json", by_alias=True, exclude_unset=False)
    parsed = Fleet.model_validate(document | {})
    fresh = Fleet.model_validate(
        {"fleet": "x", "schema": 1, "as_of": parsed.as_of, **tables}, context={"document": True}
    )
    return parsed.model_copy(update={name: getattr(fresh, name) for name in tables})


def test_traffic_by_weight_and_calls_where_the_caller_is() -> None:
    needs = needs_of(two_regions(rates=(400.0, 200.0)))
    # 600 /s over three sites; web x 10 ms / 10 slots / target x 2 RRU; db gets half of it where web is.
    target = two_regions().services[0].target_utilisation
    web, db = 200.0 * 0.01 / 10 / target * 2.0, 100.0 * 0.01 / 10 / target
    assert needs.of_service == pytest.approx(np.array([[web] * 3, [db] * 3]))
    assert needs.need == pytest.approx(np.array([[web + db] * 3]))
    assert needs.busy == pytest.approx(needs.need * target)
    assert needs.demand == pytest.approx([3 * (web + db)])


def test_local_users_stay_in_their_region() -> None:
    rates = rates_by_site(two_regions(rates=(400.0, 200.0), locality="region"))[:, :, 0]
    assert rates[0] == pytest.approx([200.0, 200.0, 200.0])
    rates = rates_by_site(two_regions(rates=(100.0, 500.0), locality="region"))[:, :, 0]
    assert rates[0] == pytest.approx([50.0, 50.0, 500.0])


weights = st.sampled_from([0.0, 1.0, 2.5])


@settings(max_examples=40)
@given(
    st.lists(st.tuples(weights, st.integers(0, 1)), min_size=6, max_size=6),
    st.sampled_from(["any", "region"]),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_requests_arrive_as_in_the_twin(
    deployed: list[tuple[float, int]], locality: str, rates: tuple[int, int]
) -> None:
    fleet = two_regions(rates=(float(rates[0]), float(rates[1])), locality=locality)
    rows = tuple(
        row.model_copy(update={"weight": weight, "replicas": 10 * some})
        for row, (weight, some) in zip(fleet.deployments, deployed, strict=True)
    )
    fleet = fleet.model_copy(update={"deployments": rows})
    engine = settled(fleet)
    assert rates_by_site(fleet)[:, :, 0] == pytest.approx(engine.flows.arrivals, abs=1e-6)


def profile(values: list[float], step: str, **more: Any) -> Fleet:
    return fleet_with(
        series=[{"name": "day", "values": values, "step": step, **more}],
        demand=[{"service": "web", "region": "A", "rate": "300 /s", "profile": "day"}],
    )


def test_the_peak_of_a_profile_counts_hour_by_hour() -> None:
    rate = rates_by_site(profile([0.5, 2.0, 1.0], "30 min", repeat=True))[0, 0]
    assert rate.shape == (168,)
    # Hours hold two steps each: (0.5, 2), (1, 0.5), (2, 1), then again.
    assert rate[:3] == pytest.approx([200.0, 100.0, 200.0])
    assert rate[3:6] == pytest.approx(rate[:3])


def test_a_profile_that_ends_keeps_its_last_value() -> None:
    rate = rates_by_site(profile([1.0, 3.0, 0.5], "1 h", repeat=False))[0, 0]
    assert rate[:3] == pytest.approx([100.0, 300.0, 50.0]) and (rate[3:] == pytest.approx(50.0))


def test_of_weeks_the_worst_counts_hour_by_hour() -> None:
    hours = np.ones(3 * 168)
    hours[5], hours[168 + 5], hours[2 * 168 + 7] = 2.0, 4.0, 3.0
    rate = rates_by_site(profile(hours.tolist(), "1 h"))[0, 0]
    assert rate[[4, 5, 7]] == pytest.approx([100.0, 400.0, 300.0])
    assert rate.max() == pytest.approx(400.0)


def test_a_step_over_an_hour_counts_in_every_hour_it_touches() -> None:
    rate = rates_by_site(profile([1.0, 5.0], "90 min", repeat=True))[0, 0]
    assert rate[:3] == pytest.approx([100.0, 500.0, 500.0])


def test_peaks_of_services_that_share_a_reservation_add_up_hour_by_hour() -> None:
    hours = [[1.0] + [0.0] * 167, [0.0, 1.0] + [0.0] * 166]
    fleet = fleet_with(
        series=[{"name": f"p{i}", "values": values, "step": "1 h"} for i, values in enumerate(hours)],
        demand=[
            {"service": "db", "region": "A", "rate": "300 /s", "profile": "p0"},
            {"service": "db", "region": "B", "rate": "300 /s", "profile": "p1"},
        ],
    )
    needs = needs_of(fleet)
    target = fleet.services[1].target_utilisation
    assert needs.need[0] == pytest.approx([100.0 * 0.01 / 10 / target] * 3)  # never both at once


def test_callers_come_before_whom_they_call() -> None:
    services = two_regions().services
    for given_order in (services, services[::-1]):
        assert [row.name for row in callers_first(given_order)] == ["web", "db"]


def test_a_guarantee_raises_what_traffic_needs_in_its_proportions() -> None:
    fleet = two_regions(rates=(400.0, 200.0), locality="region")
    plain = needs_of(fleet).need
    owner = fleet.reservations[0].model_copy(update={"guaranteed_rru": 2.0 * float(plain.sum())})
    raised = needs_of(fleet.model_copy(update={"reservations": (owner,)})).need
    assert raised == pytest.approx(2.0 * plain)
    low = owner.model_copy(update={"guaranteed_rru": 0.1})
    assert needs_of(fleet.model_copy(update={"reservations": (low,)})).need == pytest.approx(plain)


def test_a_guarantee_without_services_stands_where_its_servers_stand() -> None:
    fleet = two_regions()
    bare = fleet.model_copy(update={"services": (), "deployments": (), "demand": ()})
    owner = bare.reservations[0].model_copy(update={"guaranteed_rru": 60.0})
    needs = needs_of(bare.model_copy(update={"reservations": (owner,)}))
    assert needs.need == pytest.approx(np.array([[20.0, 20.0, 20.0]])) and needs.busy.sum() == 0.0
    empty = bare.model_copy(update={"reservations": (owner,), "server_groups": ()})
    assert needs_of(empty).need.sum() == pytest.approx(60.0)


def test_what_the_twin_asked_for_is_needed_more() -> None:
    fleet = two_regions()
    needs = needs_of(fleet)
    more = with_more(needs, fleet, [Requirement(kind="capacity", who="all", amount=0.25)])
    assert more.need == pytest.approx(1.25 * needs.need) and more.of_service == pytest.approx(
        1.25 * needs.of_service
    )
    assert with_more(needs, fleet, [Requirement(kind="power", who="a1-grid", amount=0.25)]) is needs
