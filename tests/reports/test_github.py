"""GitHub Actions: annotations and the step summary, within GitHub's limits."""

from pathlib import Path

from reports.github import PER_STEP, SUMMARY_BYTES, annotate, command, report_to_github
from twin.records.verdict import StaticFinding, Verdict


def test_outside_of_actions_nothing_happens(failed: Verdict) -> None:
    shown: list[str] = []
    assert not report_to_github(failed, environ={}, show=shown.append)
    assert shown == []


def test_a_failed_gate_is_an_error_at_the_plan(failed: Verdict, tmp_path: Path) -> None:
    shown: list[str] = []
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    assert report_to_github(failed, environ=environ, show=shown.append, plan_file="plans/a,b.yaml")
    assert shown[0].startswith(
        "::error file=plans/a%2Cb.yaml,line=1,title=fleetwin%3A breakers failed::overloads none new"
    )
    assert "%0A+0:25:00  UPS ams1-ups-1 is lost" in shown[0]
    assert [line.count("\n") for line in shown] == [1] * len(shown)
    assert (tmp_path / "summary.md").read_text().startswith("## ❌ FAIL")


def test_findings_point_at_their_line(rejected: Verdict) -> None:
    assert command(annotate(rejected)[0]).startswith(
        "::error file=plans/row-b.yaml,line=14,title=fleetwin%3A scope::rack ams1-c01"
    )


def test_no_more_than_github_shows_and_the_rest_is_counted(rejected: Verdict) -> None:
    many = tuple(StaticFinding(rule="r", where="p.yaml", line=i, what=f"w{i}") for i in range(25))
    found = annotate(rejected.model_copy(update={"findings": many}))
    assert len(found) == PER_STEP
    assert found[-1].message == "w9\n… and 15 more, see the step summary"


def test_hostile_words_cannot_start_a_command(hostile: Verdict) -> None:
    for annotation in annotate(hostile):
        line = command(annotation)
        assert "\n" not in line and "\r" not in line
        assert "%250A" in line, "a literal %0A stays literal"


def test_levels(failed: Verdict, undecided: Verdict) -> None:
    assert [(row.level, row.title) for row in annotate(failed)] == [
        ("error", "fleetwin: breakers failed"), ("warning", "fleetwin: energy warns")]  # fmt: skip
    assert [(row.level, row.title) for row in annotate(undecided)] == [
        ("error", "fleetwin: availability did not decide")]  # fmt: skip


def test_a_full_summary_is_left_alone(failed: Verdict, tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_bytes(b"x" * (SUMMARY_BYTES - 100))
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(path)}
    report_to_github(failed, environ=environ, show=lambda line: None)
    assert path.stat().st_size == SUMMARY_BYTES - 100
