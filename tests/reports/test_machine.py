"""What machines read: JSON, JUnit, SARIF."""

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from reports.jsonout import parse_json, render_json
from reports.junit import render_junit
from reports.sarif import render_sarif
from twin.model.errors import UsageError
from twin.records.verdict import GateResult, Verdict


class TestJson:
    def test_it_is_read_back_as_it_was(self, failed: Verdict) -> None:
        assert parse_json(render_json(failed)) == failed

    def test_equal_verdicts_are_equal_bytes(self, failed: Verdict) -> None:
        shuffled = {"replications": dict(reversed(failed.replications.items()))}
        assert render_json(failed.model_copy(update=shuffled)) == render_json(failed)

    def test_keys_are_sorted_at_every_level(self, failed: Verdict) -> None:
        def check(node: Any) -> None:
            if isinstance(node, dict):
                assert list(node) == sorted(node)
            for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
                check(child)

        check(json.loads(render_json(failed)))

    def test_infinities_survive(self, passed: Verdict) -> None:
        gate = passed["latency"]
        assert gate.worst is not None
        endless = gate.model_copy(update={"worst": gate.worst.model_copy(update={"high": float("inf")})})
        verdict = passed.model_copy(update={"gate_results": (endless,)})
        again = parse_json(render_json(verdict))["latency"].worst
        assert again is not None and again.high == float("inf")

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"plan": 1}', "null"])
    def test_what_is_no_verdict_is_refused_with_its_name(self, content: str) -> None:
        with pytest.raises(UsageError, match=r"v\.json is not a verdict"):
            parse_json(content, "v.json")


class TestJunit:
    def test_one_case_per_gate_and_scenario(self, failed: Verdict) -> None:
        cases = [
            (case.get("classname"), case.get("name"))
            for case in ET.fromstring(render_junit(failed)).iter("testcase")
        ]
        assert len(cases) == len(set(cases)) == 3 + 3 + 3 + 1
        assert ("row-b-maintenance.breakers", "n-1-units") in cases

    def test_counts_and_failure(self, failed: Verdict) -> None:
        top = ET.fromstring(render_junit(failed))
        assert {key: top.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
            "tests": "10",
            "failures": "1",
            "errors": "0",
            "skipped": "0",
        }
        failure = top.find(".//failure")
        assert failure is not None and failure.get("type") == "fail"
        assert "ams1-ups-1 is lost" in (failure.text or "")
        suite = top.find("testsuite[@name='breakers']")
        assert suite is not None and suite.get("failures") == "1"
        assert suite.get("timestamp") == "2026-11-20T22:00:00+00:00"

    def test_inconclusive_is_an_error_not_a_pass(self, undecided: Verdict) -> None:
        top = ET.fromstring(render_junit(undecided))
        error = top.find(".//testcase[@name='random-faults']/error")
        assert top.get("errors") == "1" and error is not None and error.get("type") == "inconclusive"

    def test_advice_never_breaks_a_build(self, failed: Verdict) -> None:
        gate = failed["energy"]
        assert gate.worst is not None
        row = gate.worst.model_copy(update={"result": "fail"})
        advice = gate.model_copy(update={"result": "fail", "worst": row, "rows": (row,)})
        top = ET.fromstring(render_junit(failed.model_copy(update={"gate_results": (advice,)})))
        assert top.get("failures") == "0"
        assert (top.findtext(".//system-out") or "").startswith("fail: energy_kwh")

    def test_a_waived_gate_is_skipped_with_its_waiver(self, failed: Verdict) -> None:
        gate = failed["availability"]
        rows = tuple(row.model_copy(update={"result": "fail"}) for row in gate.rows)
        waived = gate.model_copy(
            update={"result": "waived", "rows": rows, "waiver": "CHG-1234 by capacity-lead"}
        )
        top = ET.fromstring(render_junit(failed.model_copy(update={"gate_results": (waived,)})))
        skipped = top.find(".//skipped")
        assert top.get("skipped") == "3" and skipped is not None
        assert skipped.get("message") == "CHG-1234 by capacity-lead"

    def test_findings_are_a_suite_of_their_own(self, rejected: Verdict) -> None:
        top = ET.fromstring(render_junit(rejected))
        cases = top.findall("testsuite[@name='static checks']/testcase")
        assert [(case.get("file"), case.get("line")) for case in cases] == [
            ("plans/row-b.yaml", "14"),
            ("plans/row-b.yaml", "21"),
        ]
        assert top.get("failures") == "2"

    def test_hostile_names_and_control_characters_are_text(self, hostile: Verdict) -> None:
        verdict = hostile.model_copy(update={"plan": "a\x00\x08\ud800b"})
        top = ET.fromstring(render_junit(verdict).encode())
        assert top.get("name") == "fleetwin a���b"
        assert not list(top.iter("script"))

    def test_a_gate_without_rows_was_not_judged(self, failed: Verdict) -> None:
        gate = GateResult(
            id="g",
            metric="pue",
            unit="1",
            estimator="mean",
            pass_limit="<= 1.4",
            level="block",
            result="error",
            reason="no run left a value",
        )
        top = ET.fromstring(render_junit(failed.model_copy(update={"gate_results": (gate,)})))
        error = top.find(".//testcase[@name='not judged']/error")
        assert error is not None and "no run left a value" in (error.get("message") or "")


class TestSarif:
    def test_findings_point_at_their_line(self, rejected: Verdict) -> None:
        results = _run(rejected)["results"]
        assert [row["ruleId"] for row in results] == ["scope", "unknown-action"]
        place = results[0]["locations"][0]["physicalLocation"]
        assert place == {"artifactLocation": {"uri": "plans/row-b.yaml"}, "region": {"startLine": 14}}
        assert (
            results[1]["message"]["text"] == "there is no action rack.drian@1 (did you mean 'rack.drain@1'?)"
        )

    def test_gates_that_did_not_pass_point_at_the_plan(self, failed: Verdict) -> None:
        results = {row["ruleId"]: row for row in _run(failed, plan_file="p/a plan.yaml")["results"]}
        assert set(results) == {"gate/breakers", "gate/energy"}
        assert results["gate/breakers"]["level"] == "error"
        assert results["gate/energy"]["level"] == "note"
        assert "ams1-ups-1 is lost" in results["gate/breakers"]["message"]["text"]
        place = results["gate/breakers"]["locations"][0]["physicalLocation"]
        assert place == {"artifactLocation": {"uri": "p/a%20plan.yaml"}, "region": {"startLine": 1}}

    def test_what_the_standard_requires_is_there(
        self, failed: Verdict, rejected: Verdict, hostile: Verdict
    ) -> None:
        for verdict in (failed, rejected, hostile):
            log = json.loads(render_sarif(verdict))
            assert (
                log["version"] == "2.1.0"
                and log["$schema"].endswith("sarif-2.1.0.json")
                and len(log["runs"]) == 1
            )
            driver = log["runs"][0]["tool"]["driver"]
            assert driver["name"] == "fleetwin" and re.fullmatch(
                r"\d+\.\d+\.\d+\S*", driver["semanticVersion"]
            )
            for rule in driver["rules"]:
                assert (
                    rule["id"] and rule["shortDescription"]["text"] and rule["defaultConfiguration"]["level"]
                )
            for row in log["runs"][0]["results"]:
                assert driver["rules"][row["ruleIndex"]]["id"] == row["ruleId"]
                assert row["level"] in ("error", "warning", "note") and row["message"]["text"]
                assert row["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1
                assert all(re.fullmatch("[0-9a-f]{64}", mark) for mark in row["partialFingerprints"].values())

    def test_fingerprints_survive_a_shifted_line(self, rejected: Verdict) -> None:
        lower = tuple(row.model_copy(update={"line": row.line + 7}) for row in rejected.findings)
        moved = rejected.model_copy(update={"findings": lower})
        marks = [
            [row["partialFingerprints"] for row in _run(verdict)["results"]] for verdict in (rejected, moved)
        ]
        assert marks[0] == marks[1] and marks[0][0] != marks[0][1]

    def test_a_finding_without_a_file_belongs_to_the_plan(self, rejected: Verdict) -> None:
        finding = rejected.findings[0].model_copy(update={"where": "step drain", "line": 0})
        place = _run(rejected.model_copy(update={"findings": (finding,)}))["results"][0]["locations"][0][
            "physicalLocation"
        ]
        assert place == {"artifactLocation": {"uri": "plans/row-b.yaml"}, "region": {"startLine": 1}}

    def test_a_passed_verdict_has_no_results(self, passed: Verdict) -> None:
        assert _run(passed)["results"] == []


def _run(verdict: Verdict, **options: str) -> Any:
    return json.loads(render_sarif(verdict, **options))["runs"][0]
