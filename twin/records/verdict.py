"""The verdict: may this plan go to the real fleet, and what was seen."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, PrivateAttr

from twin.model.errors import UsageError
from twin.records import text

Result = Literal["pass", "warn", "fail", "inconclusive", "error", "waived"]
ORDER: tuple[Result, ...] = ("fail", "error", "inconclusive", "waived", "warn", "pass")
EXIT_CODES: dict[Result, int] = {
    "pass": 0,
    "warn": 0,
    "waived": 0,
    "fail": 10,
    "inconclusive": 11,
    "error": 12,
}


class Frozen(BaseModel):
    """A record that is written and read as JSON and never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Happening(Frozen):
    """One thing that happened in a run.

    `cause` is the index of the happening that led to it (-1: none), `also` are others without which it would not have
    happened.
    """

    at_s: float
    kind: str
    thing: str
    text: str
    cause: int = -1
    also: tuple[int, ...] = ()


class CounterExample(Frozen):
    """The run that broke a gate: where to look, and the chain of causes from the first event to the violation."""

    scenario: str
    variant: str
    replication: int
    member: str = ""
    violation: str
    at_s: float
    chain: tuple[Happening, ...] = ()
    command: str = ""


class ScenarioResult(Frozen):
    """One gate in one scenario under one variant of the plan (whole, stopped after a step, rolled back from a step).

    `plan` and `reference` are the statistic of either arm over the n worlds (counts for violations, shares for events);
    `estimate` is that of the judged quantity, and `low`..`high` its interval, at the stated confidence over all looks. What
    is judged when it is not the plan's value itself is said in words by `judged` ("plan - reference"), its unit by
    `judged_unit` ("1": a share of the reference, "": the metric's); `pass_bound` and `fail_bound` are the limits on that
    same scale (of a band: half its width).
    """

    scenario: str
    variant: str
    result: Result
    n: int
    plan: float | None = None
    reference: float | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    method: str = ""
    violations: tuple[str, ...] = ()
    transients: tuple[str, ...] = ()
    more_runs: int | None = None
    smallest_effect: float | None = None
    judged: str = ""
    judged_unit: str = ""
    pass_bound: float | None = None
    fail_bound: float | None = None


class GateResult(Frozen):
    """One gate over all scenarios and variants: the worst counts and is named."""

    id: str
    metric: str
    unit: str
    where: dict[str, Any] = {}
    estimator: str
    pass_limit: str
    fail_limit: str = ""
    level: str
    result: Result
    reason: str = ""
    worst: ScenarioResult | None = None
    rows: tuple[ScenarioResult, ...] = ()
    counter_example: CounterExample | None = None
    waiver: str = ""
    _replayer: Callable[[], Any] | None = PrivateAttr(default=None)

    def replay(self) -> Any:
        """Play the counter-example again, narrated, and return both arms; raise UsageError where that cannot be.

        Only a gate that failed has a counter-example, and only a verdict fresh from `check` has the bench at hand;
        for a stored one there is `fleetwin replay VERDICT.json GATE`.
        """
        if self.counter_example is None:
            raise UsageError(f"gate {self.id!r} has no counter-example: it did not fail")
        if self._replayer is None:
            raise UsageError(f"this verdict was read from a file; use: fleetwin replay {text.FILE} {self.id}")
        return self._replayer()

    def stored_at(self, path: str) -> GateResult:
        """Return the same, whose command to play the counter-example again names the file that the verdict is stored in."""
        example = self.counter_example
        if example is None:
            return self
        command = example.command.replace(text.FILE, shlex.quote(path))
        return self.model_copy(update={"counter_example": example.model_copy(update={"command": command})})

    @property
    def because(self) -> str:
        """The chain of causes of the counter-example, one line per happening ('' when the gate did not fail)."""
        if self.counter_example is None:
            return ""
        return "\n".join(f"{clock(step.at_s)}  {step.text}" for step in self.counter_example.chain)


class Footprint(Frozen):
    """How often the worlds touched what the plan touches: zero is *untested*, not safe."""

    touched: tuple[str, ...]
    faults: int
    untested: tuple[str, ...] = ()


class Stretch(Frozen):
    """A part of a long plan's window that was played: its label in the names of scenarios, its ends, and the steps in it."""

    label: str
    first: datetime
    last: datetime
    steps: int


class StaticFinding(Frozen):
    """A finding of the static checks, with the place in the plan's file."""

    rule: str
    where: str
    line: int = 0
    what: str
    mend: str = ""


class AssumedInput(Frozen):
    """A value that nobody measured or declared and that a gated metric rests on."""

    what: str
    count: int
    metrics: tuple[str, ...]


class Verdict(Frozen):
    """The frozen outcome of one evaluation. Same inputs, same bytes.

    A long plan is played in `stretches` (none: its whole window was played). `demand_at_end` is what users ask for at the
    end of the window by the growth that was played, in units of what they ask at its start (None where nothing grows).
    """

    schema_version: Literal[1] = 1
    result: Result
    plan: str
    plan_digest: str
    fleet: str
    fleet_digest: str
    gates: str
    gates_digest: str
    suite: str
    suite_digest: str
    as_of: datetime
    window: tuple[datetime, datetime]
    purpose: str = "rehearsal"
    engine: str = ""
    seed: int
    replications: dict[str, int] = {}
    runs: int = 0
    settles: int = 0
    variants: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    stretches: tuple[Stretch, ...] = ()
    demand_at_end: float | None = None
    gate_results: tuple[GateResult, ...] = ()
    findings: tuple[StaticFinding, ...] = ()
    footprint: Footprint | None = None
    missing: tuple[str, ...] = ()
    not_modelled: tuple[str, ...] = ()
    assumed: tuple[AssumedInput, ...] = ()
    snapshot_age_s: float | None = None
    fidelity: str = "unmeasured"
    more_runs: int | None = None
    inputs: dict[str, str] = {}

    @property
    def exit_code(self) -> int:
        """0 pass or warn, 10 fail, 11 inconclusive, 12 error, 14 rejected statically."""
        if self.findings:
            return 14
        return EXIT_CODES[self.result]

    def stored_at(self, path: str) -> Verdict:
        """Return the same, whose commands name the file that it is stored in."""
        return self.model_copy(
            update={"gate_results": tuple(gate.stored_at(path) for gate in self.gate_results)}
        )

    def __getitem__(self, gate: str) -> GateResult:
        for result in self.gate_results:
            if result.id == gate:
                return result
        known = ", ".join(result.id for result in self.gate_results)
        raise KeyError(f"no gate {gate!r} in this verdict (it has: {known})")

    def __str__(self) -> str:
        """One line per gate, worst first, and the final line in words."""
        return text.summary(self)

    def _repr_html_(self) -> str:
        """The same as a table, for notebooks."""
        return text.html_summary(self)


def clock(seconds: float) -> str:
    """Return an offset into the window as +h:mm:ss."""
    sign, whole = ("-", -seconds) if seconds < 0 else ("+", seconds)
    minutes, second = divmod(round(whole), 60)
    hours, minute = divmod(minutes, 60)
    return f"{sign}{hours}:{minute:02d}:{second:02d}"
