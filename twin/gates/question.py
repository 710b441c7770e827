"""The question of a gate: limits as edges, the error split, and what more runs would tell.

An estimator bounds one statistic of `plan - edge(reference)`; everything else is here, once, for all of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from twin.gates.edges import Edge, Pair, Side, sides
from twin.gates.looks import Decision, alpha_per_look, decide
from twin.gates.scale import scale_of
from twin.model.limits import Limit
from twin.records.estimate import Estimate

MOST_RUNS = 10_000_000


class Estimator(Protocol):
    """One statistic over the worlds, with one-sided bounds."""

    @property
    def name(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def assumptions(self) -> tuple[str, ...]: ...

    def least_runs(self, error: float) -> int:
        """Return the number of runs before which nothing is decided."""

    def cut(self, edge: Edge) -> tuple[Edge, ...]:
        """Return the edges that are questions of their own."""

    def value(self, pair: Pair, edge: Edge) -> float:
        """Return the estimate of the statistic of plan - edge(reference)."""

    def bound(self, pair: Pair, edge: Edge, alpha: float, *, upper: bool) -> float:
        """Return its upper or lower bound, which errs with at most alpha."""

    def clean(self, limit: Limit) -> Pair:
        """Return the best that could be seen under a limit."""


@dataclass(frozen=True)
class Question:
    """A gate without its data."""

    estimator: Estimator
    pass_limit: Limit
    fail_limit: Limit | None
    confidence: float

    def answer(self, pair: Pair, looks: tuple[int, ...]) -> Decision | None:
        """Return what is decided after these runs, or None."""
        if pair.n < self._least():
            return None
        alpha = self._alpha(looks)
        passes = self._truth(pair, self.pass_limit, alpha)
        if self.fail_limit is None:
            return decide(passes, None if passes is None else not passes)
        return decide(passes, self._truth(pair, self.fail_limit, alpha))

    def more_runs(self, pair: Pair, looks: tuple[int, ...]) -> int | None:
        """Return the runs up to the look, in the budget or beyond, at which runs like these are decided."""
        for look in looks:
            if look > pair.n and self.answer(Pair(pair.plan, pair.reference, look), looks):
                return look - pair.n
        while looks[-1] < MOST_RUNS:
            looks = (*looks, 2 * looks[-1])
            if self.answer(Pair(pair.plan, pair.reference, looks[-1]), looks):
                return looks[-1] - pair.n
        return None

    def estimate(self, pair: Pair, looks: tuple[int, ...], bounds: tuple[float, float] | None) -> Estimate:
        """Return the judged quantity with its interval, kept within the *bounds* of the metric."""
        scale = scale_of(self.pass_limit, pair, self.estimator)
        value, low, high = scale.read(self.estimator, pair, self._alpha(looks))
        if bounds is not None and scale.judged in ("plan", "plan - reference"):
            width = bounds[1] - bounds[0]
            floor, ceiling = bounds if scale.judged == "plan" else (-width, width)
            low, high = max(low, floor), min(high, ceiling)
        return Estimate(
            self.estimator.name,
            self.estimator.method,
            pair.n,
            value,
            low,
            high,
            self.confidence,
            self.estimator.assumptions,
            scale.judged,
            *self._arms(pair),
            scale.unit,
        )

    def smallest_effect(self, estimate: Estimate) -> float | None:
        """Return how much worse than estimated the truth could have been without being noticed."""
        upward, downward = estimate.high - estimate.value, estimate.value - estimate.low
        one_sided = upward if self.pass_limit.at_most else downward
        effect = max(upward, downward) if self.pass_limit.op == "±" else one_sided
        return effect if estimate.n >= self._least() and math.isfinite(effect) else None

    def shown_bound(self, limit: Limit | None, pair: Pair) -> float | None:
        """Return a limit on the scale of the estimate (of a band: half its width)."""
        if limit is None:
            return None
        return scale_of(self.pass_limit, pair, self.estimator).limit(limit, self._arms(pair)[1])

    def _least(self) -> int:
        return self.estimator.least_runs(1.0 - self.confidence)

    def _alpha(self, looks: tuple[int, ...]) -> float:
        """Return the error per look, split over the looks at which something can be decided."""
        return alpha_per_look(self.confidence, tuple(look for look in looks if look >= self._least()))

    def _truth(self, pair: Pair, limit: Limit, alpha: float) -> bool | None:
        """Tell whether the limit is kept (each answer is wrong with at most alpha), or None."""
        drawn = sides(limit, negative=_negative(pair))
        answers = [self._kept(pair, side, alpha, alpha / len(drawn)) for side in drawn]
        if all(answers):
            return True
        return False if False in answers else None

    def _kept(self, pair: Pair, side: Side, alpha_true: float, alpha_false: float) -> bool | None:
        """Combine the lines of one side; an answer that any one line can give shares its error among them."""
        edges = self.estimator.cut(side.edge)
        one_is_enough = side.either
        if one_is_enough:
            alpha_true /= len(edges)
        else:
            alpha_false /= len(edges)
        low_alpha, high_alpha = (alpha_false, alpha_true) if side.at_most else (alpha_true, alpha_false)
        answers = [
            side.keeps(
                self.estimator.bound(pair, edge, low_alpha, upper=False),
                self.estimator.bound(pair, edge, high_alpha, upper=True),
            )
            for edge in edges
        ]
        if one_is_enough in answers:
            return one_is_enough
        return None if None in answers else not one_is_enough

    def _arms(self, pair: Pair) -> tuple[float, float]:
        """Return the statistic of the plan and of the reference alone."""
        mirrored = Pair(pair.reference, pair.reference, pair.n)
        return self.estimator.value(pair, Edge()), self.estimator.value(mirrored, Edge())


def _negative(pair: Pair) -> bool:
    return bool(np.mean(pair.reference) < 0)
