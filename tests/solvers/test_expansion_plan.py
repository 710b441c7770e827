"""Steps of an expansion do not run into each other: a rack is locked by one of them at a time."""

from __future__ import annotations

from typing import Any

from solvers.expansion_plan import one_at_a_time


def step(name: str, at: str, *racks: str) -> dict[str, Any]:
    return {"id": name, "do": "capacity.add@1", "params": {"racks": list(racks)}, "at": at}


def test_steps_of_one_hour_on_one_rack_follow_each_other() -> None:
    steps = [
        step("a", "0 h", "r1"),
        step("b", "0 h", "r2"),
        step("c", "0 h", "r1", "r2"),
        step("d", "0 h", "r2"),
    ]
    done = one_at_a_time(steps)
    assert [one.get("after") for one in done] == [None, None, ["a", "b"], ["c"]]
    assert ["at" in one for one in done] == [True, True, False, False]


def test_steps_of_other_hours_or_racks_stay_where_they_are() -> None:
    steps = [step("a", "0 h", "r1"), step("b", "24 h", "r1"), step("c", "0 h", "r2")]
    assert one_at_a_time(steps) == steps
