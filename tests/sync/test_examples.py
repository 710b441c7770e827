"""The example plans of an import fit its fleet: they pass the static checks and promise what the arithmetic says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from scenarios.check import check_suite
from twin.gates.rules import make_rules
from twin.gates.static import static_checks
from twin.model.names import expand_all
from twin.sync.account import Imported
from twin.sync.openb import import_openb
from twin.sync.options import Options
from twin.sync.savings import it_power_w
from twin.sync.sndlib import import_sndlib
from twin.sync.spot2026 import import_spot2026
from twin.sync.topologyzoo import import_topologyzoo

DATA = Path(__file__).parent / "data"
IMPORTS = {
    "openb": lambda: import_openb(DATA / "openb", Options(servers_per_rack=1)),
    "spot2026": lambda: import_spot2026(DATA / "spot2026", Options(servers_per_rack=1, fill=0.3)),
    "sndlib": lambda: import_sndlib(DATA / "sndlib" / "tiny.json", Options()),
    "topologyzoo": lambda: import_topologyzoo(DATA / "topologyzoo" / "Tiny.graph", Options()),
}


def assert_documents_fit(imported: Imported) -> None:
    assert imported.plans
    assert len(imported.gates) == 1  # so that `fleetwin check` finds it by itself
    (suite,) = imported.suites
    assert imported.gates[0].suite == suite.name
    check_suite(suite, imported.fleet)
    for plan in imported.plans:
        assert static_checks(plan, imported.fleet) == []
        make_rules(imported.gates[0], plan, imported.fleet, chance=False)


@pytest.mark.parametrize("kind", IMPORTS)
def test_plans_gates_and_suites_fit_the_fleet(kind: str) -> None:
    assert_documents_fit(IMPORTS[kind]())


def test_the_two_consolidations_differ_by_what_one_loss_needs() -> None:
    imported = IMPORTS["spot2026"]()
    fleet = imported.fleet
    plans = {plan.name: plan for plan in imported.plans}
    groups = {group.rack: group for group in fleet.server_groups}
    rru = {kind.name: kind.rru for kind in fleet.server_types}

    def spare_after_a_loss(name: str) -> float:
        racks = expand_all(plans[name].steps[0].params["racks"])
        owner = groups[racks[0]].owner
        assert {groups[rack].owner for rack in racks} == {owner}
        left = [
            group.count * rru[group.type]
            for rack, group in groups.items()
            if group.owner == owner and rack not in racks
        ]
        needed = next(row.guaranteed_rru for row in fleet.reservations if row.name == owner)
        return sum(left) - max(left) - needed

    assert spare_after_a_loss("consolidate") >= 0 > spare_after_a_loss("consolidate-too-far")


def test_the_drained_row_leaves_room_for_its_work_where_there_is_any() -> None:
    imported = import_openb(DATA / "openb", Options(racks_per_row=1, servers_per_rack=1, fill=0.2))
    plan = next(plan for plan in imported.plans if plan.name == "drain-row")
    (rack,) = expand_all(plan.steps[0].params["racks"])
    group = next(group for group in imported.fleet.server_groups if group.rack == rack)
    assert group.owner in ("gpu-g2", "gpu-t4")  # three servers each; one may go, and one more may be lost
    assert [step.do for step in plan.steps] == [
        "rack.drain@1",
        "unit.maintain@1",
        "unit.maintain@1",
        "rack.undrain@1",
    ]


def test_the_power_of_the_servers_is_the_sum_by_hand() -> None:
    fleet = import_openb(DATA / "openb", Options(fill=0.0)).fleet
    kinds = {kind.name: kind for kind in fleet.server_types}
    services = {service.name: service for service in fleet.services}
    # ls-gpu-g2 and be-gpu-g2 run on 3 x 8 GPUs: half of what ls asks and 70 % of what be asks is busy.
    busy = {"gpu-t4": 0.5 * 0.5, "gpu-g2": 0.5 * 0.5 + 0.7 * 10, "cpu": 0.0}
    assert services["be-gpu-g2"].replica_rru == 5.0
    by_hand = 0.0
    for group in fleet.server_groups:
        kind = kinds[group.type]
        load = busy[group.owner] / {"gpu-t4": 12, "gpu-g2": 24, "cpu": 64}[group.owner]
        idle_w, max_w = kind.idle_w or 0.0, kind.max_w or 0.0
        by_hand += group.count * (idle_w + (max_w - idle_w) * (2 * load - load**1.4))
    assert it_power_w(fleet, Counter()) == pytest.approx(by_hand)
    assert it_power_w(fleet, {"cpu-32c-128g": 2}) == pytest.approx(
        by_hand - 2 * (kinds["cpu-32c-128g"].idle_w or 0.0)
    )


@pytest.mark.data
def test_plans_on_the_real_trace_fit_too(data_dir: Path) -> None:
    imported = import_openb(data_dir / "alibaba-gpu-v2023", Options())
    assert_documents_fit(imported)
    assert [plan.name for plan in imported.plans] == ["drain-row", "consolidate", "consolidate-too-far"]
