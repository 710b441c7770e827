"""A fleet of two sites that is solved for real, and judges that say what they are told: no simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from twin.model.fleet import Fleet
from twin.model.plan import Plan
from twin.records.verdict import CounterExample, GateResult, Happening, ScenarioResult, StaticFinding, Verdict

AS_OF = datetime(2026, 11, 21, tzinfo=UTC)
SITES = ("a1", "b1")


def two_sites(**more: Any) -> Fleet:
    """Return the fleet: at each site three racks of ten servers, of which web has four, db two, and nobody four.

    web and api run at their target with 8 and 2 replicas a site of the 12 that fit, db with 5 of 6.
    """
    racks = [(f"{site}-r{i}", site) for site in SITES for i in range(1, 4)]
    owners = {"web": 4, "db": 2, "free": 4}
    replicas = {"web": 8, "api": 2, "db": 5}
    border = {"tier": "border", "capacity": "100 Gbit/s"}
    zone = {"fluid_j_per_k": 1e6, "mass_j_per_k": 1e7, "coupling_w_per_k": 1e4}
    service = {"tier": 0, "slots": 1, "service_time": "100 ms"}
    tables: dict[str, Any] = {
        "fleet": "two-sites",
        "as_of": AS_OF,
        "regions": [{"name": "eu"}],
        "sites": [{"name": site, "region": "eu"} for site in SITES],
        "power_units": [
            {"name": f"{site}-grid", "kind": "utility", "site": site, "rated": "1 MVA"} for site in SITES
        ],
        "cooling_zones": [{"name": f"{site}-hall", "site": site, **zone} for site in SITES],
        "switches": [{"name": f"{s}-border", "site": s, "fed_by": [f"{s}-grid"], **border} for s in SITES],
        "links": [{"name": "a1-b1", "a": "a1-border", "b": "b1-border", "capacity": "10 Gbit/s"}],
        "racks": [
            {"name": name, "site": site, "row": f"{site}-row", "fed_by": [f"{site}-grid"]}
            for name, site in racks
        ],
        "server_types": [{"name": "t", "cores": 32, "idle": "100 W", "max": "300 W"}],
        "reservations": [{"name": name} for name in owners],
        "server_groups": [
            {"name": f"{rack}-{owner}", "rack": rack, "type": "t", "owner": owner, "count": count}
            for rack, _ in racks
            for owner, count in owners.items()
        ],
        "services": [
            {"name": name, "reservation": "db" if name == "db" else "web", **service} for name in replicas
        ],
        "deployments": [
            {"service": name, "site": site, "replicas": count}
            for name, count in replicas.items()
            for site in SITES
        ],
        "demand": [
            {"service": name, "region": "eu", "rate": f"{14 * count} req/s"}
            for name, count in replicas.items()
        ],
        **more,
    }
    return Fleet.model_validate({"schema": 1, **tables}, context={"document": True})


def chain(*steps: tuple[str, str]) -> tuple[Happening, ...]:
    """Return a chain of causes from (kind, thing)."""
    return tuple(
        Happening(at_s=float(i), kind=kind, thing=thing, text=f"{thing}: {kind}", cause=i - 1)
        for i, (kind, thing) in enumerate(steps)
    )


def failed(
    *things: str,
    metric: str = "slo_violations",
    causes: Sequence[tuple[str, str]] = (),
    variant: str = "whole",
    **more: Any,
) -> GateResult:
    """Return a failed gate: these things broke, after these causes."""
    row = ScenarioResult(scenario="peak", variant=variant, result="fail", n=1, violations=things)
    told = chain(*causes, *([(metric, things[0])] if things else []))
    example = CounterExample(
        scenario="peak", variant=variant, replication=0, violation=f"{things} broke", at_s=9.0, chain=told
    )
    return GateResult(
        **{
            "id": metric.replace("_", "-"),
            "metric": metric,
            "unit": "",
            "estimator": "invariant",
            "pass_limit": "none",
            "level": "block",
            "result": "fail",
            "reason": f"{', '.join(things)} in peak",
            "worst": row,
            "rows": (row,),
            "counter_example": example,
            **more,
        }
    )


def verdict(result: str = "pass", *gates: GateResult, rejected: str = "") -> Verdict:
    """Return a verdict with these gates."""
    findings = (StaticFinding(rule="scope", where="steps", what=rejected),) if rejected else ()
    names = ("plan", "fleet", "gates", "suite")
    return Verdict(
        **{name: name for name in names},
        **{f"{name}_digest": "sha256:0" for name in names},
        result=result,
        as_of=AS_OF,
        window=(AS_OF, AS_OF),
        seed=1,
        gate_results=gates,
        findings=findings,
    )


@dataclass
class Scripted:
    """A judge that gives these verdicts one after the other, the last one for ever; it keeps the plans that it saw."""

    script: Sequence[Verdict]
    plans: list[Plan] = field(default_factory=list)

    def __call__(self, plan: Plan, fleet: Fleet) -> Verdict:
        """Return the next verdict."""
        self.plans.append(plan)
        return self.script[min(len(self.plans), len(self.script)) - 1]


def replicas(plan: Plan) -> list[tuple[str, str, str]]:
    """Return (service, site, replicas) of the steps that scale."""
    found = [step.params for step in plan.steps if step.do.startswith("service.scale")]
    return [(p["service"], p.get("site", ""), p["replicas"]) for p in found]
