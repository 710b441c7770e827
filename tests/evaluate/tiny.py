"""Three racks, one service, one gate: the smallest evaluation there is.

The service wants 15 of 30 servers and gets 120 requests/s of the 150 it can serve: one rack may go, two may not
(10 servers serve 100 requests/s).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from twin.evaluate import check
from twin.model.fleet import Fleet
from twin.model.gateset import GateSet
from twin.model.plan import Plan
from twin.model.scenario import Suite
from twin.records.verdict import Verdict

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
WINDOW = {"not_before": "2026-11-21T01:00Z", "not_after": "2026-11-21T03:00Z"}
CALM: dict[str, Any] = {"scenario": "calm"}


def tiny_fleet(**more: Any) -> Fleet:
    """Return the fleet: one utility, panels A and B, three dual-corded racks with ten servers each."""
    panel = {"kind": "panel", "site": "ams1", "rated_va": 1e4, "fed_by": ["grid"]}
    rack = {"site": "ams1", "row": "a", "fed_by": ["panel-a", "panel-b"]}
    names = ("r1", "r2", "r3")
    service = {
        "name": "web",
        "tier": 0,
        "reservation": "web",
        "slots": 1,
        "service_time_s": 0.1,
        "max_wait_s": 2.0,
    }
    rows: dict[str, Any] = {
        "fleet": "tiny",
        "as_of": AS_OF,
        "regions": [{"name": "eu"}],
        "sites": [{"name": "ams1", "region": "eu"}],
        "power_units": [
            {"name": "grid", "kind": "utility", "site": "ams1", "rated_va": 1e5},
            {"name": "panel-a", **panel},
            {"name": "panel-b", **panel},
        ],
        "racks": [{"name": name, **rack} for name in names],
        "server_types": [{"name": "t", "cores": 32, "idle_w": 100.0, "max_w": 300.0}],
        "reservations": [{"name": "web"}],
        "server_groups": [
            {"name": f"{n}-g", "rack": n, "type": "t", "owner": "web", "count": 10} for n in names
        ],
        "services": [{**service, "slo": {"availability": 0.999, "p99_s": 10.0}}],
        "deployments": [{"service": "web", "site": "ams1", "replicas": 15}],
        "demand": [{"service": "web", "region": "eu", "rate_per_s": 120.0}],
        **more,
    }
    return Fleet.model_validate(rows)


def drain_plan(racks: str = "r1", *, back: bool = False, at: str = "0 min", **more: Any) -> Plan:
    """Return a plan that drains racks (at the start of its window) and, if wanted, gives them back."""
    steps = [
        {
            "id": "drain",
            "do": "rack.drain@1",
            "at": at,
            "takes": "10 min",
            "params": {"racks": racks, "batch": 3},
        }
    ]
    if back:
        undrain = {
            "after": ["drain"],
            "wait": "20 min",
            "takes": "5 min",
            "params": {"racks": racks, "batch": 3},
        }
        steps.append({"id": "back", "do": "rack.undrain@1", **undrain})
    rows = {
        "plan": "drain",
        "window": WINDOW,
        "scope": {"touch": ["r[1-3]", "r2", "r3"]},
        "steps": steps,
        **more,
    }
    return Plan.model_validate(rows)


def gate_set(*rules: dict[str, Any], **more: Any) -> GateSet:
    """Return a gate set; without rules its one gate is on the errors."""
    errors = {"id": "errors", "metric": "error_rate", "pass": "<= 0.1 %"}
    return GateSet.model_validate({"gates": "tiny", "suite": "calm", "rules": [*rules] or [errors], **more})


def suite_of(*scenarios: dict[str, Any]) -> Suite:
    """Return a suite of scenarios."""
    return Suite.model_validate({"suite": "tiny", "scenarios": list(scenarios)})


def verdict_of(
    plan: Plan,
    *rules: dict[str, Any],
    suite: Suite | None = None,
    fleet: Fleet | None = None,
    gates: dict[str, Any] | None = None,
    **more: Any,
) -> Verdict:
    """Check a plan on the tiny fleet."""
    options = {"as_of": AS_OF, **more}
    return check(
        plan,
        fleet or tiny_fleet(),
        gates=gate_set(*rules, **(gates or {})),
        suite=suite or suite_of(CALM),
        **options,
    )
