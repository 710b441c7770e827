"""Scenarios and suites: the worlds in which a plan is tried."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Protocol

from pydantic import Field, model_validator

from twin.model.base import Name, Record


class HazardSpec(Record):
    """One hazard of a scenario: its kind and its parameters (checked by the hazard itself)."""

    kind: Name
    params: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _flat_form(cls, value: Any) -> Any:
        """Accept `{heat-wave: {site: ams1, peak: 43 °C}}` as well as `{kind: …, params: …}`."""
        if isinstance(value, str):
            return {"kind": value}
        if isinstance(value, dict) and len(value) == 1 and "kind" not in value:
            kind, params = next(iter(value.items()))
            return {"kind": kind, "params": params or {}}
        return value


class Specified(Protocol):
    """A hazard that can say itself as a document (`scenarios.hazards`)."""

    def spec(self) -> HazardSpec:
        """Return the hazard as it stands in a file."""


class Scenario(Record):
    """A world: hazards that happen together, over today's demand."""

    scenario: Name
    description: str = ""
    hazards: tuple[HazardSpec, ...] = ()

    @property
    def name(self) -> str:
        """The scenario's name (its `scenario:` key)."""
        return self.scenario


class Suite(Record):
    """A set of scenarios; each is judged separately and the worst counts."""

    suite: Name
    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    description: str = ""
    scenarios: Annotated[tuple[Scenario, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Suite:
        names = [scenario.name for scenario in self.scenarios]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"scenario named twice: {', '.join(twice)}")
        return self

    @property
    def name(self) -> str:
        """The suite's name (its `suite:` key)."""
        return self.suite

    def plus(self, *hazards: HazardSpec | Specified) -> Suite:
        """Return this suite with one more scenario per hazard, in which it happens alone."""
        taken = {scenario.name for scenario in self.scenarios}
        added = []
        for hazard in hazards:
            spec = hazard if isinstance(hazard, HazardSpec) else hazard.spec()
            name, number = spec.kind, 2
            while name in taken:
                name, number = f"{spec.kind}-{number}", number + 1
            taken.add(name)
            added.append(Scenario(scenario=name, hazards=(spec,)))
        return Suite(suite=self.suite, description=self.description, scenarios=(*self.scenarios, *added))


__all__ = ["HazardSpec", "Scenario", "Specified", "Suite"]
