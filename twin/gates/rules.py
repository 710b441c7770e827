"""Gate sets made ready: every gate checked against the registry of metrics, every limit read, claims spelled out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from twin.gates.estimators import impossible
from twin.gates.looks import look_schedule
from twin.model.errors import GateError, Problem, did_you_mean
from twin.model.fleet import Fleet
from twin.model.gateset import Gate, GateSet
from twin.model.limits import Limit, parse_limit
from twin.model.plan import Claim, Plan
from twin.records.metrics import BY_NAME, Metric

# Gates on these judge what the plan itself says.
PLAN_SAYS = ("claims", "success")


@dataclass(frozen=True)
class Rule:
    """One judged limit: a gate, or one claim of the plan that a gate on `claims` judges."""

    gate: Gate
    metric: Metric
    where: dict[str, Any]
    for_s: float
    estimator: str
    pass_limit: Limit
    fail_limit: Limit | None
    text: str

    @property
    def promised(self) -> bool:
        """Whether it is a number that the plan promises, which only the plan as a whole can keep."""
        return self.gate.metric in PLAN_SAYS and self.estimator != "invariant"

    @property
    def measured(self) -> tuple[str, tuple[tuple[str, str], ...], float]:
        """What must be measured, as a key: rules that measure the same share it."""
        return self.metric.name, tuple(sorted((k, str(v)) for k, v in self.where.items())), self.for_s


def make_rules(gates: GateSet, plan: Plan, fleet: Fleet, *, chance: bool) -> tuple[Rule, ...]:
    """Return the rules of a gate set for a plan; raise GateError with all problems of the set at once.

    With `chance` (some scenario draws at random) a gate that its budget of replications can never decide is refused.
    """
    problems = [problem for gate in gates.rules for problem in _problems(gates, gate, fleet, chance)]
    if problems:
        raise GateError(problems)
    return tuple(rule for gate in gates.rules for rule in _rules(gate, plan))


def _rules(gate: Gate, plan: Plan) -> Iterator[Rule]:
    if gate.metric in PLAN_SAYS:
        yield from (_claimed(gate, claim) for claim in getattr(plan, gate.metric))
        return
    metric = BY_NAME[gate.metric]
    fail = parse_limit(gate.fail, unit_of(gate)) if gate.fail else None
    yield Rule(
        gate,
        metric,
        gate.where,
        gate.for_s,
        gate.estimator,
        parse_limit(gate.pass_, unit_of(gate)),
        fail,
        gate.pass_,
    )


def unit_of(gate: Gate) -> str:
    """The unit of a gate's limits: that of its metric, or a fraction when the gate is on a probability."""
    return "1" if gate.estimator == "probability" else BY_NAME[gate.metric].unit


def _claimed(gate: Gate, claim: Claim) -> Rule:
    metric = BY_NAME[claim.metric]
    limit = parse_limit(claim.limit, metric.unit)
    estimator = (
        "invariant"
        if limit.op in ("none", "none new")
        else "probability"
        if metric.kind == "event"
        else "mean"
    )
    return Rule(
        gate, metric, claim.where, claim.for_s, estimator, limit, None, f"{claim.metric} {claim.limit}"
    )


def _problems(gates: GateSet, gate: Gate, fleet: Fleet, chance: bool) -> Iterator[Problem]:
    place = f"{gates.name}: gate {gate.id!r}"
    if gate.metric in PLAN_SAYS:
        if gate.pass_ != "inside":
            yield Problem(
                place, f"a gate on {gate.metric!r} passes when all of them hold", "write pass: inside"
            )
        return
    metric = BY_NAME.get(gate.metric)
    if metric is None:
        known = [*BY_NAME, *PLAN_SAYS]
        yield Problem(
            place,
            f"unknown metric {gate.metric!r}",
            did_you_mean(gate.metric, known) or f"one of {', '.join(known)}",
        )
        return
    yield from (Problem(place, what, mend) for what, mend in where_problems(metric, gate.where, fleet))
    yield from _estimator_problems(place, gate, metric)
    limits = []
    for text in filter(None, (gate.pass_, gate.fail)):
        try:
            limit = parse_limit(text, unit_of(gate))
        except ValueError as error:
            yield Problem(place, str(error))
            continue
        if (limit.op in ("none", "none new")) != (gate.estimator == "invariant"):
            yield Problem(
                place,
                f"the limit {text!r} does not fit the estimator {gate.estimator!r}",
                "'none' and 'none new' belong to invariants, numbers to the others",
            )
        else:
            limits.append(limit)
    if chance and gate.estimator != "invariant" and len(limits) == 1 + (gate.fail is not None):
        yield from _budget_problems(place, gates, gate, limits[0], limits[1] if gate.fail else None)


def _estimator_problems(place: str, gate: Gate, metric: Metric) -> Iterator[Problem]:
    fitting = {
        "invariant": ("violations",),
        "probability": ("event", "violations"),
        "mean": ("number", "violations"),
        "quantile": ("number", "violations"),
    }[gate.estimator]
    if metric.kind not in fitting:
        fit = {"number": "mean or quantile", "event": "probability", "violations": "invariant"}[metric.kind]
        yield Problem(place, f"{gate.estimator!r} cannot judge {metric.name!r}", f"use {fit}")


def _budget_problems(
    place: str, gates: GateSet, gate: Gate, pass_limit: Limit, fail_limit: Limit | None
) -> Iterator[Problem]:
    looks = look_schedule(gates.replications.first, gates.replications.max)
    reason = impossible(
        gate.estimator,
        pass_limit=pass_limit,
        fail_limit=fail_limit,
        confidence=gate.confidence,
        looks=looks,
        quantile=gate.quantile,
    )
    if reason:
        yield Problem(place, f"can never be decided: {reason}")


def where_problems(metric: Metric, where: dict[str, Any], fleet: Fleet) -> Iterator[tuple[str, str]]:
    """Yield (what, mend) for filters that the metric does not have or that match nothing in the fleet."""
    for key, value in where.items():
        if key not in metric.where:
            yield (
                f"{metric.name!r} has no filter {key!r}",
                did_you_mean(key, metric.where) or f"one of {', '.join(metric.where) or 'none'}",
            )
            continue
        known = _values(key, fleet)
        for one in value if isinstance(value, (list, tuple)) else (value,):
            if one not in known and not any(c in str(one) for c in "*?["):
                yield (
                    f"nothing in the fleet has {key} {one!r}",
                    did_you_mean(str(one), sorted(map(str, known))),
                )


def _values(key: str, fleet: Fleet) -> set[Any]:
    tables = {
        "service": "services",
        "site": "sites",
        "region": "regions",
        "unit": "power_units",
        "link": "links",
        "storage": "storage",
    }
    if key == "tier":
        return {service.tier for service in fleet.services}
    return (
        {unit.kind for unit in fleet.power_units}
        if key == "kind"
        else {row.name for row in fleet.rows(tables[key])}
    )
