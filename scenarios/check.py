"""Does a suite make sense for a fleet? All problems at once."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from scenarios.hazards import BY_KIND, Hazard, ReplayOutages
from twin.model.errors import Problem, ScenarioError, did_you_mean
from twin.model.fleet import Fleet
from twin.model.scenario import HazardSpec, Scenario, Suite


def check_suite(suite: Suite, fleet: Fleet, *, folder: Path | None = None) -> Suite:
    """Return the suite as it will be played; raise ScenarioError with everything that is wrong in it.

    Traces are read in (relative to *folder*), scenarios that have nothing to strike in this fleet are left
    out (`skipped` says which); a suite of which nothing is left is refused.
    """
    problems = [
        problem for scenario in suite.scenarios for problem in _scenario_problems(scenario, fleet, folder)
    ]
    if problems:
        raise ScenarioError(problems)
    whole = suite.model_copy(
        update={"scenarios": tuple(_inlined(scenario, folder) for scenario in suite.scenarios)}
    )
    notes = skipped(whole, fleet)
    kept = tuple(scenario for scenario in whole.scenarios if scenario.name not in notes)
    if not kept:
        raise ScenarioError(
            Problem(name, what, "use a suite that fits this fleet") for name, what in notes.items()
        )
    return whole.model_copy(update={"scenarios": kept})


def skipped(suite: Suite, fleet: Fleet) -> dict[str, str]:
    """Return scenario -> why it has nothing to strike in this fleet, for those that do not apply."""
    notes = {}
    for scenario in suite.scenarios:
        absent = [ill for hazard in hazards_of(scenario) for ill in hazard.check(fleet) if ill.absent]
        if absent:
            notes[scenario.name] = "; ".join(ill.what for ill in absent)
    return notes


def hazards_of(scenario: Scenario) -> tuple[Hazard, ...]:
    """Return the hazards of a scenario as validated records (ScenarioError when one is malformed)."""
    return tuple(hazard(spec) for spec in scenario.hazards)


def hazard(spec: HazardSpec) -> Hazard:
    """Return the validated hazard of a specification."""
    return _hazard(spec.kind, json.dumps(spec.params, sort_keys=True, default=str))


@functools.lru_cache(maxsize=1024)
def _hazard(kind: str, params: str) -> Hazard:
    record = BY_KIND.get(kind)
    if record is None:
        mend = did_you_mean(kind, list(BY_KIND)) or f"one of {', '.join(BY_KIND)}"
        raise ScenarioError([Problem(f"hazard {kind}", f"there is no hazard {kind!r}", mend)])
    try:
        return record.model_validate_json(params, context={"document": True})
    except ValidationError as error:
        raise ScenarioError(_problems(record, error)) from None


def _problems(record: type[Hazard], error: ValidationError) -> Iterator[Problem]:
    known = [field.alias or name for name, field in record.model_fields.items()]
    for detail in error.errors(include_url=False):
        field = ".".join(str(part) for part in detail["loc"]) or "parameters"
        message, mend = detail["msg"].removeprefix("Value error, "), ""
        if detail["type"] == "extra_forbidden":
            message, mend = "is no parameter", did_you_mean(field, known) or f"one of {', '.join(known)}"
        yield Problem(f"hazard {record.kind}: {field}", message, mend)


def _scenario_problems(scenario: Scenario, fleet: Fleet, folder: Path | None) -> Iterator[Problem]:
    hazards = []
    for spec in scenario.hazards:
        try:
            hazards.append(_inline(hazard(spec), folder))
        except ScenarioError as error:
            yield from (
                Problem(f"scenario {scenario.name}, {p.where}", p.what, p.mend) for p in error.problems
            )
    for one in hazards:
        for ill in one.check(fleet):
            if not ill.absent:
                yield Problem(f"scenario {scenario.name}, hazard {one.kind}: {ill.field}", ill.what, ill.mend)
    if any(one.random for one in hazards) and any(one.enumerates for one in hazards):
        yield Problem(
            f"scenario {scenario.name}",
            "mixes random hazards with an enumeration",
            "put them into two scenarios",
        )


def _inlined(scenario: Scenario, folder: Path | None) -> Scenario:
    if not any(spec.kind == ReplayOutages.kind for spec in scenario.hazards):
        return scenario
    specs = tuple(_inline(hazard(spec), folder).spec() for spec in scenario.hazards)
    return scenario.model_copy(update={"hazards": specs})


def _inline(one: Hazard, folder: Path | None) -> Hazard:
    return one.read(folder) if isinstance(one, ReplayOutages) else one
