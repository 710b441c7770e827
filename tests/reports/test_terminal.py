"""Transcripts: what a person reads in the terminal."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from reports.terminal import print_verdict
from twin.records.verdict import CounterExample, Happening, Verdict

GOLDEN = Path(__file__).parent / "golden"


def transcript(verdict: Verdict, width: int = 132) -> str:
    stream = io.StringIO()
    print_verdict(verdict, Console(file=stream, width=width, color_system=None))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()).strip()


def test_a_failed_verdict_shows_the_gates_the_chain_and_the_small_print(failed: Verdict) -> None:
    said = transcript(failed)
    assert said == (GOLDEN / "failed.txt").read_text(encoding="utf-8").strip()
    assert said.index("FAIL  ") < said.index("warn (advice)") < said.index("pass  "), "worst first"
    for words in (
        "37 faults hit what the plan touches",
        "no fault touched ams1-b02: that is not a sign of safety",
        "carbon_kg: no region names its grid intensity",
        "availability 0.83 %; latency +0.42 ms; energy +0.09 %",
        "server_types.peak_factor (2 values): matters to overloads, headroom_min_pct",
        "breaker and relay trip curves",
        "n-1-units 94, random-faults 640 (4,410 runs in all)",
        "1 d 2 h old",
    ):
        assert words in said
    assert said.endswith("FAIL: the plan breaks a blocking limit (exit code 10)")


def test_what_is_undecided_says_how_many_replications_would_decide(undecided: Verdict) -> None:
    said = transcript(undecided)
    assert "Why availability did not decide" in said
    assert "about 410 more replications of random-faults would decide" in said
    assert said.endswith("about 410 more replications would decide (exit code 11)")


def test_a_rejected_plan_shows_place_and_mend_of_each_finding(rejected: Verdict) -> None:
    said = transcript(rejected)
    assert "plans/row-b.yaml:14" in said
    assert "did you mean 'rack.drain@1'?" in said
    assert "Why" not in said
    assert said.endswith("nothing was simulated (exit code 14)")


def test_a_passed_verdict_ends_with_pass(passed: Verdict) -> None:
    assert transcript(passed).endswith("PASS: the plan stays within every limit (exit code 0)")


def test_an_untouched_footprint_is_called_untested(passed: Verdict) -> None:
    assert passed.footprint is not None
    nothing = passed.footprint.model_copy(update={"faults": 0})
    assert "UNTESTED: 0 faults hit" in transcript(passed.model_copy(update={"footprint": nothing}))


@pytest.mark.parametrize("width", [40, 80, 200])
def test_nothing_is_lost_at_any_width(failed: Verdict, width: int) -> None:
    said = "".join(transcript(failed, width).split())
    assert "panelams1-panel-b1isaboveitsratingforlongerthan5min" in said.replace("│", "")
    assert max(len(line) for line in transcript(failed, width).splitlines()) <= max(width, 60)


def test_markup_in_names_is_shown_as_it_is(hostile: Verdict) -> None:
    marked = hostile.model_copy(update={"plan": "[bold]x[/bold] [link=http://example.com]y[/link]"})
    assert "[bold]x[/bold] [link=http://example.com]y[/link]" in transcript(marked)


def test_a_fork_in_the_chain_is_shown_as_a_fork() -> None:
    from reports.terminal import tree

    def step(text: str, cause: int) -> Happening:
        return Happening(at_s=1.0, kind="loss", thing=text, text=text, cause=cause)

    chain = (
        step("root", -1),
        step("left", 0),
        step("right", 0),
        step("end", 2).model_copy(update={"also": (1,)}),
    )
    example = CounterExample(
        scenario="s", variant="", replication=0, violation="broken", at_s=1.0, chain=chain
    )
    stream = io.StringIO()
    Console(file=stream, width=80, color_system=None).print(tree(example))
    assert [line.rstrip() for line in stream.getvalue().splitlines()] == [
        "broken",
        "└──  1  +0:00:01  root",
        "    ├──  2  +0:00:01  left",
        "    └──  3  +0:00:01  right",
        "        └──  4  +0:00:01  end  (and because of 2)",
    ]


@pytest.mark.parametrize("width", [200, 80, 50])
def test_a_relative_gate_shows_the_change_and_its_limit_at_any_width(failed: Verdict, width: int) -> None:
    said = " ".join(transcript(failed, width=width).split())
    assert "+0.39 % (+0.31 % … +0.47 %), limit +0.5 %" in said
    assert "+0.77 ms (+0.46 ms … +1.07 ms), limit +1.5 ms" in said


def test_a_narrow_terminal_breaks_no_word(failed: Verdict) -> None:
    said = transcript(failed, width=60).splitlines()
    for metric in ("overloads", "energy_kwh", "slo_violation", "latency_p99_ms"):
        assert any(f" {metric} " in line for line in said)
