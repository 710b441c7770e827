"""Gate sets: the rules by which a plan is judged."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from twin.model.base import Name, Record
from twin.model.units import Seconds, Share

EstimatorName = Literal["invariant", "probability", "mean", "quantile"]


class Gate(Record):
    """One rule: a metric, how it is estimated, and its limits. Between `pass` and `fail` it warns."""

    id: Name
    metric: Name
    where: dict[str, Any] = {}
    estimator: EstimatorName = "mean"
    pass_: Annotated[str, Field(alias="pass")]
    fail: str | None = None
    level: Literal["block", "warn"] = "block"
    confidence: Annotated[Share, Field(gt=0.5, lt=1.0)] = 0.95
    quantile: Annotated[Share, Field(gt=0, lt=1)] = 0.99
    for_s: Annotated[
        Seconds, Field(alias="for", description="a violation shorter than this is a transient")
    ] = 0.0


class Replications(Record):
    """How many replications a random scenario gets: the first look, and the budget."""

    first: Annotated[int, Field(ge=2, le=10_000)] = 10
    max: Annotated[int, Field(ge=2, le=1_000_000)] = 640

    @model_validator(mode="after")
    def _first_fits(self) -> Replications:
        if self.first > self.max:
            raise ValueError("'first' is larger than 'max'")
        return self


class Waiver(Record):
    """A gate that may fail until a day, with a reason and a name. Invariants cannot be waived."""

    gate: Name
    until: date
    reason: Annotated[str, Field(min_length=1)]
    by: Annotated[str, Field(min_length=1)]


class GateSet(Record):
    """The gates, the suite they are tried in and the budget of replications."""

    gates_name: Annotated[Name, Field(alias="gates")]
    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    description: str = ""
    suite: str
    replications: Replications = Replications()
    rules: Annotated[tuple[Gate, ...], Field(min_length=1)]
    waivers: tuple[Waiver, ...] = ()
    partial_plans: bool = True
    assumed_inputs: Literal["list", "inconclusive"] = "list"
    max_snapshot_age_s: Annotated[Seconds | None, Field(alias="max_snapshot_age")] = None

    @model_validator(mode="after")
    def _gates_are_named_once_and_waivable(self) -> GateSet:
        ids = [gate.id for gate in self.rules]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"gate named twice: {', '.join(twice)}")
        invariants = {gate.id for gate in self.rules if gate.estimator == "invariant"}
        for waiver in self.waivers:
            if waiver.gate not in ids:
                raise ValueError(f"waiver for an unknown gate {waiver.gate!r}")
            if waiver.gate in invariants:
                raise ValueError(f"gate {waiver.gate!r} is an invariant and cannot be waived")
        return self

    @property
    def name(self) -> str:
        """The gate set's name."""
        return self.gates_name
