"""Headroom keeps, for every unit and link, the highest load over all losses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from twin.records.headroom import headroom
from twin.records.snapshot import Snapshot

NONE = np.zeros(0)


def snapshot(*lost: str, peak_va: tuple[float, ...], load_bps: float) -> Snapshot:
    """Build a snapshot of two panels and a link."""
    return Snapshot(
        at=datetime(2026, 11, 21, tzinfo=UTC),
        lost=lost,
        units=("a", "b"),
        unit_kind=("panel", "ups"),
        unit_site=("s", "s"),
        unit_up=np.ones(2, dtype=bool),
        load_w=NONE,
        load_va=np.array(peak_va),
        peak_va=np.array(peak_va),
        limit_va=np.array([100.0, 200.0]),
        links=("ab",),
        link_up=np.ones(1, dtype=bool),
        link_load_bps=np.array([load_bps]),
        link_capacity_bps=np.array([1e9]),
        racks=(),
        rack_powered=np.zeros(0, dtype=bool),
        rack_reachable=np.zeros(0, dtype=bool),
        rack_w=NONE,
        services=(),
        sites=(),
        service_site_rate=NONE,
        service_site_utilisation=NONE,
        service_p99_s=NONE,
        service_error=NONE,
        site_facility_w=NONE,
        site_it_w=NONE,
        groups=(),
        server_w=NONE,
    )


def test_headroom_is_tightest_first_and_names_the_worst_loss() -> None:
    now = snapshot(peak_va=(50.0, 50.0), load_bps=1e8)
    after = [
        snapshot("a", peak_va=(0.0, 150.0), load_bps=1e8),
        snapshot("b", "c", peak_va=(110.0, 0.0), load_bps=9e7),
    ]
    rows = headroom(now, iter(after))
    assert [(row.name, row.kind, row.unit, row.load, row.worst, row.loss) for row in rows] == [
        ("a", "panel", "VA", 50.0, 110.0, "b + c"),
        ("b", "ups", "VA", 50.0, 150.0, "a"),
        ("ab", "link", "bit/s", 1e8, 1e8, ""),
    ]
    assert rows[0].share == pytest.approx(0.5) and rows[0].worst_share == pytest.approx(1.1)


def test_without_losses_the_worst_is_now() -> None:
    now = snapshot(peak_va=(50.0, 150.0), load_bps=1e8)
    assert [(row.name, row.worst, row.loss) for row in headroom(now)] == [
        ("b", 150.0, ""),
        ("a", 50.0, ""),
        ("ab", 1e8, ""),
    ]
    assert headroom(now) == headroom(now, [replace(now, lost=("x",))])
