"""How often gates err, measured: synthetic worlds with the truth exactly *at* the limit, judged look by look.

Run it to print the tables of twin/gates/README.md:

    python tests/gates/miss_rates.py 4000
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit
from scipy.stats import norm

from twin.gates.edges import Pair
from twin.gates.estimators import estimator_named
from twin.gates.looks import look_schedule
from twin.gates.question import Question
from twin.model.limits import parse_limit

Array = NDArray[np.float64]
Shape = Callable[[np.random.Generator, int], Array]
Draw = Callable[[np.random.Generator, int, float], Array]
LOOKS = look_schedule(10, 640)
NOMINAL = 0.05


@dataclass(frozen=True)
class Case:
    """Worlds for one gate; `draw(rng, n)` returns plan and reference [2, n], its truth scaled by `factor`."""

    name: str
    estimator: str
    limit: str
    draw: Draw
    quantile: float | None = None
    unit: str = "ms"


@dataclass(frozen=True)
class Rates:
    """Shares of evaluations that ended in a pass, in a fail, undecided, and the mean number of runs spent."""

    passed: float
    failed: float
    runs: float

    @property
    def decided(self) -> float:
        """The share of evaluations that ended with an answer."""
        return self.passed + self.failed


def rates(case: Case, evaluations: int, *, factor: float = 1.0, looks: tuple[int, ...] = LOOKS) -> Rates:
    """Judge a case many times, each until it is decided or its budget ends."""
    rng = np.random.default_rng([zlib.crc32(case.name.encode()), round(1000 * factor)])
    limit = parse_limit(case.limit, case.unit)
    question = Question(estimator_named(case.estimator, case.quantile), limit, None, 1.0 - NOMINAL)
    ends, spent = [], 0
    for _ in range(evaluations):
        end, runs = _evaluate(question, case.draw(rng, looks[-1], factor), looks)
        ends.append(end)
        spent += runs
    return Rates(ends.count("pass") / evaluations, ends.count("fail") / evaluations, spent / evaluations)


def _evaluate(question: Question, worlds: Array, looks: tuple[int, ...]) -> tuple[str, int]:
    for n in looks:
        answer = question.answer(Pair(worlds[0, :n], worlds[1, :n], n), looks)
        if answer:
            return answer, n
    return "inconclusive", looks[-1]


def naive_rate(evaluations: int, *, looks: tuple[int, ...] = LOOKS) -> float:
    """Return how often the ordinary 95 % t bound, looked at repeatedly, passes normal data wrongly."""
    rng = np.random.default_rng(7)
    wrong = 0
    for _ in range(evaluations):
        values = rng.standard_normal(looks[-1])
        wrong += any(
            np.mean(values[:n]) + stdtrit(n - 1, 1.0 - NOMINAL) * np.std(values[:n], ddof=1) / np.sqrt(n) <= 0
            for n in looks
        )
    return wrong / evaluations


def _event(probability: float) -> Draw:
    def draw(rng: np.random.Generator, n: int, factor: float) -> Array:
        return np.stack([rng.random(n) < factor * probability, np.zeros(n)]).astype(float)

    return draw


def _paired_event(extra: float, shared: float) -> Draw:
    """Events that hit both arms in the same worlds, and some that only the plan causes."""

    def draw(rng: np.random.Generator, n: int, factor: float) -> Array:
        u = rng.random(n)
        return np.stack([u < shared + factor * extra, u < shared]).astype(float)

    return draw


def _absolute(shape: Shape, truth: float) -> Draw:
    """Plan values of any shape, scaled so that the statistic whose truth is given stands at 1."""

    def draw(rng: np.random.Generator, n: int, factor: float) -> Array:
        return np.stack([factor * shape(rng, n) / truth, np.ones(n)])

    return draw


def _effect(shape: Shape, truth: float, allowed: float) -> Draw:
    """A reference that varies (mean 1), and a plan that adds something of any shape to it."""

    def draw(rng: np.random.Generator, n: int, factor: float) -> Array:
        reference = np.exp(0.5 * rng.standard_normal(n) - 0.125)
        return np.stack([reference + factor * allowed * shape(rng, n) / truth, reference])

    return draw


def lognormal(sigma: float) -> tuple[Shape, float]:
    """Return a lognormal and its mean."""
    return (lambda rng, n: np.exp(sigma * rng.standard_normal(n))), float(np.exp(sigma**2 / 2))


def spikes(share: float, size: float) -> tuple[Shape, float]:
    """Return worlds near 1 of which a share is larger by a factor, and their mean."""

    def draw(rng: np.random.Generator, n: int) -> Array:
        return (1 + 0.1 * rng.standard_normal(n)) * np.where(rng.random(n) < share, size, 1.0)

    return draw, 1 - share + share * size


def mostly_zero(share: float, inner: tuple[Shape, float]) -> tuple[Shape, float]:
    """Return worlds of which all but a share are exactly zero, and their mean."""
    return (lambda rng, n: (rng.random(n) < share) * inner[0](rng, n)), share * inner[1]


def _normal(rng: np.random.Generator, n: int) -> Array:
    return 1.0 + 0.5 * rng.standard_normal(n)


def _exponential(rng: np.random.Generator, n: int) -> Array:
    return rng.exponential(size=n)


def _constant(rng: np.random.Generator, n: int) -> Array:
    return np.ones(n)


def _heavy_both_sides(rng: np.random.Generator, n: int) -> Array:
    return 1.0 + np.exp(1.5 * rng.standard_normal(n)) - np.exp(1.5 * rng.standard_normal(n))


SHAPES: dict[str, tuple[Shape, float]] = {
    "normal": (_normal, 1.0),
    "exponential": (_exponential, 1.0),
    "lognormal, sigma 1": lognormal(1.0),
    "lognormal, sigma 1.5": lognormal(1.5),
    "difference of lognormals": (_heavy_both_sides, 1.0),
    "2 % of worlds 50 x": spikes(0.02, 50.0),
    "2 % of worlds 1000 x": spikes(0.02, 1000.0),
    "5 % of worlds 50 x": spikes(0.05, 50.0),
    "zero but in 2 %": mostly_zero(0.02, (_constant, 1.0)),
    "zero but in 5 %, lognormal": mostly_zero(0.05, lognormal(1.0)),
    "zero but in 10 %, exponential": mostly_zero(0.10, (_exponential, 1.0)),
}
Q90 = float(np.exp(1.5 * norm.ppf(0.9)))

CASES: tuple[Case, ...] = (
    Case("P = 2 %", "probability", "<= 2 %", _event(0.02), unit="1"),
    Case("P = 20 %", "probability", "<= 20 %", _event(0.2), unit="1"),
    Case("P, +5 pp, paired", "probability", "<= +5 pp of reference", _paired_event(0.05, 0.1), unit="1"),
    Case(
        "P, +50 %, paired",
        "probability",
        "<= +50 % of reference, floor 1 %",
        _paired_event(0.1, 0.2),
        unit="1",
    ),
    Case("q90, lognormal 1.5", "quantile", "<= 1", _absolute(lognormal(1.5)[0], Q90), quantile=0.9),
    Case(
        "q90, change, lognormal 1.5",
        "quantile",
        "<= +0.05 ms of reference",
        _effect(lognormal(1.5)[0], Q90, 0.05),
        quantile=0.9,
    ),
    *(Case(f"mean, {name}", "mean", "<= 1", _absolute(*shape)) for name, shape in SHAPES.items()),
    *(Case(f"mean at least, {name}", "mean", ">= 1", _absolute(*shape)) for name, shape in SHAPES.items()),
    *(
        Case(f"change, {name}", "mean", "<= +5 % of reference, floor 0.01 ms", _effect(*shape, 0.05))
        for name, shape in SHAPES.items()
    ),
)


def main(evaluations: int) -> None:
    """Print the table of all cases: misses at the limit, and what is decided at half and at twice of it."""
    print(f"{evaluations} evaluations each, looks {LOOKS}, 95 %; ordinary t: {naive_rate(20000):.1%}")
    print("| truth | wrong pass | wrong fail | decided at 0.5 x (runs) | decided at 2 x (runs) |")
    print("|---|---|---|---|---|")
    for case in CASES:
        at, half, twice = (
            rates(case, count, factor=factor)
            for count, factor in ((evaluations, 1.0), (evaluations // 10, 0.5), (evaluations // 10, 2.0))
        )
        below, above = (half.passed, twice.failed) if ">=" not in case.limit else (half.failed, twice.passed)
        print(
            f"| {case.name} | {at.passed:.2%} | {at.failed:.2%} "
            f"| {below:.0%} ({half.runs:.0f}) | {above:.0%} ({twice.runs:.0f}) |",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
