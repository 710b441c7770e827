"""The registry of estimators, and the functions that a judge calls: assess, required_runs, impossible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from twin.gates.edges import Pair
from twin.gates.looks import Decision
from twin.gates.mean import Mean
from twin.gates.probability import Probability
from twin.gates.quantile import Quantile
from twin.gates.question import MOST_RUNS, Estimator, Question
from twin.model.limits import Limit
from twin.records.estimate import Estimate

ESTIMATORS: tuple[str, ...] = ("probability", "mean", "quantile")


@dataclass(frozen=True)
class Assessment:
    """What one gate says at one look.

    `result` is None while undecided. `more_runs` are the further replications, up to a look, after which a
    gate that goes on like this is decided (None: it is, or would not be within ten million).
    `smallest_effect` is how far beyond the estimate a worse truth would have been noticed (None: any size may
    have gone unnoticed).
    `pass_bound` and `fail_bound` are the limits on the scale of the estimate; for a band the half width.
    """

    result: Decision | None
    estimate: Estimate
    more_runs: int | None = None
    smallest_effect: float | None = None
    pass_bound: float | None = None
    fail_bound: float | None = None


def assess(  # noqa: PLR0913 - the fields of a gate, by name
    estimator_name: str,
    plan: ArrayLike,
    reference: ArrayLike,
    *,
    pass_limit: Limit,
    fail_limit: Limit | None = None,
    confidence: float = 0.95,
    looks: tuple[int, ...],
    quantile: float | None = None,
    bounds: tuple[float, float] | None = None,
) -> Assessment:
    """Judge the metric of all replications so far, in replication order, at one of the *looks* of the budget.

    Parameters
    ----------
    plan, reference : array_like, (n,)
        The metric in the same n worlds under the plan and under the reference; n is one of the looks.
    looks : tuple of int
        All looks of the budget, not only those so far: the error is split over them.
    quantile : float, optional
        Which one, for the estimator "quantile" (0.99).
    bounds : (float, float), optional
        The values that the metric can take; the reported interval stays within them.

    Raises
    ------
    ValueError
        When a value is not finite, the arms differ in length, or n is not a look.
    """
    pair = _pair(plan, reference)
    if pair.n not in looks:
        raise ValueError(f"{pair.n} replications are not one of the looks {looks}")
    question = Question(estimator_named(estimator_name, quantile), pass_limit, fail_limit, confidence)
    result = question.answer(pair, looks)
    estimate = question.estimate(pair, looks, bounds)
    return Assessment(
        result,
        estimate,
        more_runs=None if result else question.more_runs(pair, looks),
        smallest_effect=question.smallest_effect(estimate),
        pass_bound=question.shown_bound(pass_limit, pair),
        fail_bound=question.shown_bound(fail_limit, pair),
    )


def required_runs(
    estimator_name: str,
    limit: Limit,
    confidence: float,
    looks: tuple[int, ...],
    quantile: float | None = None,
) -> int | None:
    """Return how many clean runs a pass takes when *looks* share the error (None: more than ten million)."""
    question = Question(estimator_named(estimator_name, quantile), limit, None, confidence)
    clean = question.estimator.clean(limit)

    def passes(n: int) -> bool:
        return question.answer(Pair(clean.plan, clean.reference, n), looks) == "pass"

    high = 1
    while not passes(high):
        high *= 2
        if high > MOST_RUNS:
            return None
    low = high // 2
    while high - low > 1:
        centre = (low + high) // 2
        low, high = (low, centre) if passes(centre) else (centre, high)
    return high


def can_ever_pass(
    estimator_name: str,
    limit: Limit,
    confidence: float,
    looks: tuple[int, ...],
    quantile: float | None = None,
) -> int | None:
    """Return None when a pass is within reach of the budget, else the least budget (a look) that has one.

    Ten million stands for "no budget at all".
    """
    longer = looks
    while longer[-1] < MOST_RUNS:
        runs = required_runs(estimator_name, limit, confidence, longer, quantile)
        if runs is None:
            return MOST_RUNS
        if runs <= longer[-1]:
            return None if longer == looks else longer[-1]
        longer = (*longer, 2 * longer[-1])
    return MOST_RUNS


def impossible(  # noqa: PLR0913 - the fields of a gate, by name
    estimator_name: str,
    *,
    pass_limit: Limit,
    fail_limit: Limit | None = None,
    confidence: float = 0.95,
    looks: tuple[int, ...],
    quantile: float | None = None,
) -> str:
    """Return why a gate makes no sense, or can never pass within its budget; else the empty string."""
    for limit in filter(None, (pass_limit, fail_limit)):
        if limit.op in ("none", "none new", "inside"):
            return f"the estimator '{estimator_name}' needs a limit with a number, not '{limit}'"
        if estimator_name == "probability" and _is_no_share(limit):
            return f"'{limit}' does not bound a probability; write e.g. '<= 2 %'"
    if fail_limit is not None and _contradict(pass_limit, fail_limit):
        return f"the fail limit '{fail_limit}' must lie beyond '{pass_limit}' and compare with the same"
    budget = can_ever_pass(estimator_name, pass_limit, confidence, looks, quantile)
    if budget == MOST_RUNS:
        return f"'{pass_limit}' cannot be shown by any number of runs"
    if budget is None:
        return ""
    return (
        f"'{pass_limit}' at {100 * confidence:g} % can never pass with looks up to {looks[-1]}, "
        f"however clean; it takes replications: {{max: {budget}}}"
    )


def estimator_named(name: str, quantile: float | None = None) -> Estimator:
    """Return the estimator of that name."""
    if name == "quantile":
        return Quantile() if quantile is None else Quantile(quantile)
    if name == "mean":
        return Mean()
    if name == "probability":
        return Probability()
    raise ValueError(f"no estimator {name!r}; use one of {', '.join(ESTIMATORS)}")


def _pair(plan: ArrayLike, reference: ArrayLike) -> Pair:
    first, second = np.asarray(plan, dtype=float), np.asarray(reference, dtype=float)
    if first.ndim != 1 or first.shape != second.shape or first.size == 0:
        raise ValueError(f"plan {first.shape} and reference {second.shape} are not rows of the same worlds")
    for arm, values in (("plan", first), ("reference", second)):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise ValueError(f"the {arm} has no finite value in world {bad[0]} ({values[bad[0]]})")
    return Pair(first, second, first.size)


def _is_no_share(limit: Limit) -> bool:
    """Tell whether a limit on a probability is kept always or never."""
    if limit.basis is not None:
        return False
    low, high = limit.range()
    low, high = max(low, 0.0), min(high, 1.0)
    return low > high or (low == 0.0 and high == 1.0)


def _contradict(pass_limit: Limit, fail_limit: Limit) -> bool:
    """Tell whether the two limits overlap, or cannot be compared."""
    alike = (pass_limit.relative, pass_limit.basis) == (fail_limit.relative, fail_limit.basis)
    if not alike or "±" in (pass_limit.op, fail_limit.op) or pass_limit.at_most == fail_limit.at_most:
        return True
    for end in (0.0, 1e12):
        # in order at no reference and at a very large one, the straight edges are in order everywhere
        gap = fail_limit.allowed(end) - pass_limit.allowed(end)
        if (gap if pass_limit.at_most else -gap) < 0:
            return True
    touching = (pass_limit.value, pass_limit.floor) == (fail_limit.value, fail_limit.floor)
    return touching and not (pass_limit.strict or fail_limit.strict)
