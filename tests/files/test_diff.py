"""Differences in words."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.files.samples import DOCUMENTS, FLEET
from tests.files.strategies import fleets
from twin.files.diff import diff_fleets, diff_records
from twin.files.documents import read_any
from twin.files.fleet import read_fleet


def differences(tmp_path, kind: str, *changes: tuple[str, str]) -> list[str]:
    text = DOCUMENTS[kind]
    (tmp_path / "a.yaml").write_text(text)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "b.yaml").write_text(text)
    return diff_records(read_any(tmp_path / "a.yaml"), read_any(tmp_path / "b.yaml"))


@pytest.mark.parametrize(
    ("kind", "changes", "sentences"),
    [
        ("fleet", [], []),
        ("fleet", [("rated: 2.5 MVA", "rated: 2 MVA")], ["power_units util: rated 2.5 MVA -> 2 MVA"]),
        ("fleet", [("12 kW", "10 kW")], ["racks r[01-03]: budget 12 kW -> 10 kW"]),
        (
            "fleet",
            [("p99: 300", "p99: 200"), ("db: 1.5", "db: 2")],
            ["services web: slo.p99 300 ms -> 200 ms, callees.db 1.5 -> 2"],
        ),
        (
            "fleet",
            [("0.9, 1.3", "0.8, 1.3")],
            ["series daily: values [0.4, 0.9, 1.3, 1] -> [0.4, 0.8, 1.3, 1]"],
        ),
        (
            "fleet",
            [("site: ams1, replicas: 20", "site: ams1, replicas: 30")],
            ["deployments web/ams1: replicas 20 -> 30"],
        ),
        ("fleet", [("[util, gen]", "[gen, util]")], ["power_units ats: fed_by [util, gen] -> [gen, util]"]),
        ("fleet", [("  budget: 12 kW\n", "")], ["racks r[01-03]: budget 12 kW -> nothing"]),
        (
            "fleet",
            [("as_of: 2026-11-20", "as_of: 2026-11-22")],
            ["as_of: 2026-11-20T00:00:00Z -> 2026-11-22T00:00:00Z"],
        ),
        (
            "fleet",
            [("name: web-type", "name: wt"), ("type: web-type", "type: wt")],
            [
                "server_types: 1 added (wt), 1 removed (web-type)",
                "server_groups web-[01-03]: type web-type -> wt",
            ],
        ),
        (
            "plan",
            [("batch: 2", "batch: 1"), ("id: back", "id: again")],
            ["steps: 1 added (again), 1 removed (back)", "steps drain: params.batch 2 -> 1"],
        ),
        (
            "gates",
            [("first: 10", "first: 20"), ('fail: "> 5 %"', 'fail: "> 6 %"')],
            ["replications.first: 10 -> 20", "rules slo: fail > 5 % -> > 6 %"],
        ),
        (
            "suite",
            [("peak: 43 °C", "peak: 45 °C")],
            ["scenarios heat: hazards[0].params.peak 43 °C -> 45 °C"],
        ),
    ],
)
def test_sentences(tmp_path, kind, changes, sentences):
    found = differences(tmp_path, kind, *changes)
    assert found == sentences


def test_racks_added(tmp_path):
    found = differences(
        tmp_path,
        "fleet",
        ("name: r[01-03]", "name: r[01-05]"),
        ("[01-03]a", "[01-05]a"),
        ("[01-03]b", "[01-05]b"),
    )
    assert found == ["power_units: 4 added (pdu-[04-05][a-b])", "racks: 2 added (r[04-05])"]


def test_another_order_is_a_difference(tmp_path):
    first, second = (line for line in FLEET.splitlines() if "rated: 2" in line and "ats" not in line)
    found = differences(tmp_path, "fleet", (f"{first}\n{second}", f"{second}\n{first}"))
    assert found == ["power_units: in another order"]


def test_long_series_are_not_spelled_out(tmp_path):
    values = ", ".join("1" for _ in range(20))
    (tmp_path / "a.yaml").write_text(FLEET.replace("0.4, 0.9, 1.3, 1.0", values))
    (tmp_path / "b.yaml").write_text(FLEET.replace("0.4, 0.9, 1.3, 1.0", values.replace("1, 1", "1, 2", 1)))
    found = diff_fleets(read_fleet(tmp_path / "a.yaml"), read_fleet(tmp_path / "b.yaml"))
    assert found == ["series daily: values[1] 1 -> 2 (1 of 20 differ)"]


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(fleets(), fleets())
def test_equal_means_no_sentence_and_different_means_some(one, other):
    assert diff_fleets(one, one) == []
    assert bool(diff_fleets(one, other)) == (one != other)
