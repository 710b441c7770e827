"""A verdict as SARIF 2.1.0: static findings at their line, and gates that did not pass at the plan's file.

A *rule* is a kind of static check or a gate ("gate/latency"). Code scanning keeps results apart by
`partialFingerprints`, which depend on what was found and not on the line: a finding survives edits above it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from twin.records import text
from twin.records.verdict import GateResult, StaticFinding, Verdict

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_DOCUMENTS = (".yaml", ".yml", ".json", ".csv", ".parquet")
# level of a gate that blocks, and of one that advises
_LEVELS = {
    "fail": ("error", "warning"),
    "error": ("error", "warning"),
    "inconclusive": ("warning", "note"),
    "waived": ("note", "note"),
    "warn": ("warning", "note"),
}


def render_sarif(verdict: Verdict, *, plan_file: str = "") -> str:
    """Return the verdict as a SARIF log with one run."""
    plan_file = plan_file or verdict.inputs.get("plan", "") or f"{verdict.plan}.yaml"
    results = [_finding(finding, plan_file) for finding in verdict.findings]
    results += [
        _gate(verdict, gate, plan_file)
        for gate in text.by_severity(verdict.gate_results)
        if gate.result != "pass"
    ]
    rules = list({result["ruleId"]: None for result in results})
    for result in results:
        result["ruleIndex"] = rules.index(result["ruleId"])
    run = {
        "tool": {
            "driver": {
                "name": "fleetwin",
                "semanticVersion": _version(verdict.engine),
                "rules": [_rule(name, verdict) for name in rules],
            }
        },
        "automationDetails": {"id": f"fleetwin/{verdict.gates}/{verdict.plan}"},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {
            "verdict": text.outcome(verdict),
            "planDigest": verdict.plan_digest,
            "fleetDigest": verdict.fleet_digest,
            "exitCode": verdict.exit_code,
        },
    }
    return (
        json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False)
        + "\n"
    )


def locate(finding: StaticFinding, plan_file: str) -> tuple[str, int]:
    """Return the file and the line of a finding; one that names no file belongs to the plan's."""
    file = finding.where if finding.where.lower().endswith(_DOCUMENTS) else plan_file
    return file, max(1, finding.line)


def _finding(finding: StaticFinding, plan_file: str) -> dict[str, Any]:
    file, line = locate(finding, plan_file)
    return {
        "ruleId": finding.rule,
        "level": "error",
        "message": {"text": f"{finding.what}{f' ({finding.mend})' if finding.mend else ''}"},
        "locations": [_location(file, line)],
        "partialFingerprints": {"finding/v1": _fingerprint(finding.rule, file, finding.what)},
    }


def _gate(verdict: Verdict, gate: GateResult, plan_file: str) -> dict[str, Any]:
    lines = [
        f"{text.rule(gate)}: {text.evidence(gate)}",
        gate.reason,
        gate.waiver,
        gate.because,
    ]
    if gate.counter_example is not None:
        lines.append(f"again: {text.again(gate.counter_example)}")
    return {
        "ruleId": f"gate/{gate.id}",
        "level": _LEVELS[gate.result][gate.level != "block"],
        "message": {"text": "\n".join(line for line in lines if line)},
        "locations": [_location(plan_file, 1)],
        "partialFingerprints": {"gate/v1": _fingerprint(gate.id, verdict.gates, verdict.plan)},
    }


def _rule(name: str, verdict: Verdict) -> dict[str, Any]:
    gate = next((gate for gate in verdict.gate_results if f"gate/{gate.id}" == name), None)
    words = f"{gate.metric} must stay {text.limits(gate)}" if gate else f"static check '{name}'"
    return {
        "id": name,
        "shortDescription": {"text": words},
        "fullDescription": {"text": words},
        "help": {"text": "fleetwin explain FILE shows why, of a verdict stored with --out json=FILE."},
        "defaultConfiguration": {"level": "error" if gate is None or gate.level == "block" else "warning"},
    }


def _location(file: str, line: int) -> dict[str, Any]:
    path = PurePath(file)
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _version(engine: str) -> str:
    last = engine.rpartition(" ")[2]
    return last if last[:1].isdigit() else "0.0.0"
