"""A verdict as JUnit XML: one test case per gate and scenario, and one per static finding.

A blocking gate that fails is a *failure*. One that could not be judged is an *error*, whether inconclusive or
broken: the test ran and gave no answer, which must not look like a pass. A waived gate is *skipped*, with its
waiver. A gate that only advises never breaks a build: its message stands in `system-out`, like a warning's.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from twin.records import text
from twin.records.verdict import ORDER, GateResult, ScenarioResult, StaticFinding, Verdict

# XML 1.0 knows no other characters, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(verdict: Verdict) -> str:
    """Return the verdict as a JUnit document."""
    top = ET.Element("testsuites", name=_clean(f"fleetwin {verdict.plan}"))
    if verdict.findings:
        suite = ET.SubElement(top, "testsuite", name="static checks")
        for finding in verdict.findings:
            _finding(suite, verdict, finding)
    for gate in text.by_severity(verdict.gate_results):
        suite = ET.SubElement(top, "testsuite", name=_clean(gate.id))
        for scenario, rows in _by_scenario(gate).items():
            _case(suite, verdict, gate, (scenario, rows))
    for suite in top:
        suite.set("timestamp", verdict.as_of.isoformat())
        _count(suite, [suite])
    _count(top, list(top))
    ET.indent(top)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(top, encoding="unicode") + "\n"


def _finding(suite: ET.Element, verdict: Verdict, finding: StaticFinding) -> None:
    place = text.place(finding.where, finding.line)
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_clean(f"{verdict.plan}.static"),
        name=_clean(f"{finding.rule} {place}"),
        file=_clean(finding.where),
    )
    if finding.line:
        case.set("line", str(finding.line))
    failure = ET.SubElement(case, "failure", type=_clean(finding.rule), message=_clean(finding.what))
    failure.text = _clean(f"{place}: {finding.what}\n{finding.mend}".strip())


def _by_scenario(gate: GateResult) -> dict[str, list[ScenarioResult]]:
    """Return the rows of each scenario; a gate without rows was judged in none."""
    found: dict[str, list[ScenarioResult]] = {}
    for row in gate.rows:
        found.setdefault(row.scenario, []).append(row)
    return found or {"not judged": []}


def _case(
    suite: ET.Element, verdict: Verdict, gate: GateResult, group: tuple[str, list[ScenarioResult]]
) -> None:
    scenario, rows = group
    case = ET.SubElement(
        suite, "testcase", classname=_clean(f"{verdict.plan}.{gate.id}"), name=_clean(scenario)
    )
    result = min((row.result for row in rows), key=ORDER.index, default=gate.result)
    if gate.result == "waived" and result == "fail":
        result = "waived"
    message = f"{text.rule(gate)}: {_worst(gate, rows)}"
    tag = {"fail": "failure", "error": "error", "inconclusive": "error", "waived": "skipped"}.get(result)
    details = "\n".join([message, *_details(gate, scenario, rows)])
    if tag is None or (gate.level != "block" and tag != "skipped"):
        ET.SubElement(case, "system-out").text = _clean(f"{result}: {details}")
    else:
        told = gate.waiver or message if tag == "skipped" else message
        element = ET.SubElement(case, tag, message=_clean(told))
        if tag != "skipped":
            element.set("type", result)
        element.text = _clean(details)


def _worst(gate: GateResult, rows: list[ScenarioResult]) -> str:
    if not rows:
        return gate.reason or "not measured"
    worst = min(rows, key=lambda row: ORDER.index(row.result))
    return text.evidence(gate.model_copy(update={"worst": worst}))


def _details(gate: GateResult, scenario: str, rows: list[ScenarioResult]) -> list[str]:
    lines = [
        f"{row.result}: plan {text.variant(row.variant)}, n={row.n}, {text.against(gate, row)}"
        for row in rows
    ]
    lines += [
        f"violation: {name} (plan {text.variant(row.variant)})" for row in rows for name in row.violations
    ]
    example = gate.counter_example
    if example is not None and example.scenario == scenario:
        lines += ["because:", gate.because, f"again: {text.again(example)}"]
    return lines


def _count(element: ET.Element, suites: list[ET.Element]) -> None:
    for key, path in (
        ("tests", "testcase"),
        ("failures", "testcase/failure"),
        ("errors", "testcase/error"),
        ("skipped", "testcase/skipped"),
    ):
        element.set(key, str(sum(len(suite.findall(path)) for suite in suites)))


def _clean(words: str) -> str:
    return _NOT_XML.sub("\ufffd", words)
