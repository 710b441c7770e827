"""Judge the samples of one rule in one scenario under one variant of the plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twin.gates.edges import Pair
from twin.gates.estimators import assess, estimator_named
from twin.gates.invariant import assess_invariant
from twin.gates.rules import Rule
from twin.gates.scale import scale_of
from twin.model.limits import Limit
from twin.records.verdict import Result, ScenarioResult

Value = float | frozenset[str]


@dataclass(frozen=True)
class Sample:
    """One world: its member label, its replication, and the measured value in both arms."""

    member: str
    replication: int
    plan: Value
    reference: Value
    transients: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Judged:
    """A result (None: not decided yet) and the sample that shows it best."""

    row: ScenarioResult | None
    undecided: ScenarioResult
    worst: Sample | None

    @property
    def decided(self) -> bool:
        """Whether more worlds would not change it."""
        return self.row is not None


def judge(  # noqa: PLR0913
    rule: Rule,
    samples: Sequence[Sample],
    *,
    scenario: str,
    variant: str,
    random: bool,
    looks: tuple[int, ...],
) -> Judged:
    """Judge what has been seen so far. A scenario that draws nothing is judged world by world, exactly."""
    if rule.estimator == "invariant":
        return _invariant(rule, samples, scenario, variant)
    if not random:
        return _exact(rule, samples, scenario, variant)
    plan, reference = (
        np.array([number_of(getattr(s, arm)) for s in samples]) for arm in ("plan", "reference")
    )
    if not (np.isfinite(plan).all() and np.isfinite(reference).all()):
        return _missing(scenario, variant, len(samples))
    found = assess(
        rule.estimator,
        plan,
        reference,
        pass_limit=rule.pass_limit,
        fail_limit=rule.fail_limit,
        confidence=rule.gate.confidence,
        looks=looks,
        quantile=rule.gate.quantile,
        bounds=rule.metric.bounds,
    )
    estimate = found.estimate
    row = ScenarioResult(
        scenario=scenario,
        variant=variant,
        result=found.result or "inconclusive",
        n=len(samples),
        plan=float(estimate.plan),
        reference=float(estimate.reference),
        estimate=_finite(estimate.value),
        low=_finite(estimate.low),
        high=_finite(estimate.high),
        method=estimate.method,
        transients=_transients(samples),
        more_runs=None if found.result else found.more_runs,
        smallest_effect=_finite(found.smallest_effect),
        judged=estimate.judged,
        judged_unit=estimate.unit,
        pass_bound=_finite(found.pass_bound),
        fail_bound=_finite(found.fail_bound),
    )
    sign = 1.0 if rule.pass_limit.at_most else -1.0
    worst = samples[int(np.argmax(sign * (plan - reference if rule.pass_limit.basis else plan)))]
    return Judged(row if found.result else None, row, worst)


def _invariant(rule: Rule, samples: Sequence[Sample], scenario: str, variant: str) -> Judged:
    """Any violation (or, for *none new*, any that the reference of the same world lacks) fails; a clean set passes."""

    plans, references = [_names(s.plan) for s in samples], [_names(s.reference) for s in samples]
    found = assess_invariant(plans, references, rule.pass_limit)
    per_world = Counter(world for world, _ in found.violations)
    row = ScenarioResult(
        scenario=scenario,
        variant=variant,
        result=found.result,
        n=found.n,
        method=found.method,
        plan=float(np.mean([len(names) for names in plans])),
        reference=float(np.mean([len(names) for names in references])),
        violations=tuple(sorted({name for _, name in found.violations})),
        transients=_transients(samples),
    )
    return Judged(row, row, samples[max(per_world, key=per_world.__getitem__)] if per_world else None)


def _exact(rule: Rule, samples: Sequence[Sample], scenario: str, variant: str) -> Judged:
    """Worlds without chance: each must hold the limit; a probability gate becomes *none new*."""
    results: list[Result] = [_exact_result(rule, number_of(s.plan), number_of(s.reference)) for s in samples]
    order = {"fail": 0, "error": 1, "warn": 2, "pass": 3}
    at = min(range(len(results)), key=lambda i: (order[results[i]], -_excess(rule, samples[i])))
    worst = samples[at]
    row = ScenarioResult(
        scenario=scenario,
        variant=variant,
        result=results[at],
        n=len(samples),
        plan=_finite(number_of(worst.plan)),
        reference=_finite(number_of(worst.reference)),
        method="every world",
        transients=_transients(samples),
        violations=tuple(sorted(_names(worst.plan))) if isinstance(worst.plan, frozenset) else (),
        **_change(rule, worst),
    )
    return Judged(row, row, worst)


def _change(rule: Rule, sample: Sample) -> dict[str, Any]:
    """Return the change in one world and its limit, for a rule that compares with the reference."""
    plan, reference = number_of(sample.plan), number_of(sample.reference)
    if (
        rule.pass_limit.basis is None
        or rule.estimator == "probability"
        or not np.isfinite([plan, reference]).all()
    ):
        return {}
    pair = Pair(np.array([plan]), np.array([reference]), 1)
    scale = scale_of(rule.pass_limit, pair, estimator_named(rule.estimator, rule.gate.quantile))
    bounds = {"pass_bound": rule.pass_limit, "fail_bound": rule.fail_limit}
    return {
        "estimate": scale.change(plan, reference),
        "judged": scale.judged,
        "judged_unit": scale.unit,
        **{name: scale.limit(limit, reference) for name, limit in bounds.items() if limit is not None},
    }


def _exact_result(rule: Rule, plan: float, reference: float) -> Result:
    if not (np.isfinite(plan) and np.isfinite(reference)):
        return "error"
    if rule.estimator == "probability":
        return "fail" if plan > reference else "pass"
    if rule.pass_limit.holds(plan, reference):
        return "pass"
    if rule.fail_limit is not None and not rule.fail_limit.holds(plan, reference):
        return "warn"
    return "fail"


def _excess(rule: Rule, sample: Sample) -> float:
    plan, reference = number_of(sample.plan), number_of(sample.reference)
    sign = 1.0 if _upper(rule.pass_limit) else -1.0
    return sign * (plan - reference if rule.pass_limit.basis or rule.estimator == "probability" else plan)


def _upper(limit: Limit) -> bool:
    return limit.op in ("none", "none new", "inside", "±") or limit.at_most


def _missing(scenario: str, variant: str, n: int) -> Judged:
    row = ScenarioResult(
        scenario=scenario,
        variant=variant,
        result="error",
        n=n,
        method="the metric is not defined in some worlds",
    )
    return Judged(row, row, None)


def _transients(samples: Sequence[Sample]) -> tuple[str, ...]:
    return tuple(sorted({name for sample in samples for name in sample.transients}))


def _names(value: Value) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset()


def number_of(value: Value) -> float:
    """Return a measured value as a number: of violations, how many."""
    return float(len(value)) if isinstance(value, frozenset) else float(value)


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None
