"""One process or several, forked or spawned: the same verdict byte for byte, and no silence when one is lost."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from tests.evaluate.tiny import AS_OF, drain_plan, gate_set, suite_of, tiny_fleet
from twin.evaluate import check
from twin.model.errors import EvaluationError
from twin.records.verdict import Verdict

FAILURES = {"scenario": "failures", "hazards": [{"kind": "independent-failures", "params": {"scale": 100.0}}]}
N_1 = {"scenario": "n-1", "hazards": [{"kind": "single-losses", "params": {"kind": ["panel", "rack"]}}]}
MISSES = {"id": "slo", "metric": "slo_violation", "estimator": "probability", "pass": "<= 40 %"}
OVERLOADS = {"id": "overloads", "metric": "overloads", "estimator": "invariant", "pass": "none new"}


def breakable() -> dict[str, Any]:
    ends = {"mtbf_s": 1e6, "mttr_s": 1800.0}
    return {
        "racks": [
            {"name": f"r{i}", "site": "ams1", "row": "a", "fed_by": ["panel-a", "panel-b"], **ends}
            for i in (1, 2, 3)
        ]
    }


def evaluate(**more: Any) -> Verdict:
    gates = gate_set(MISSES, OVERLOADS, replications={"first": 10, "max": 20})
    return check(
        drain_plan("r1", back=True),
        tiny_fleet(**breakable()),
        gates=gates,
        suite=suite_of(FAILURES, N_1),
        as_of=AS_OF,
        **more,
    )


def test_serial_forked_and_spawned_give_the_same_bytes() -> None:
    serial = evaluate().model_dump_json()
    assert '"runs":0' not in serial
    assert evaluate(jobs=2, start_method="fork").model_dump_json() == serial
    assert evaluate(jobs=2, start_method="spawn").model_dump_json() == serial


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_killed_while_it_plays_is_an_evaluation_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.evaluate.play.play", die)
    with pytest.raises(EvaluationError, match="worker process was lost") as caught:
        evaluate(jobs=2, start_method="fork")
    assert caught.value.exit_code == 12


def test_a_worker_lost_before_it_got_work_is_one_too() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        lost = pool.submit(die)
        assert lost.exception() is not None
        with pytest.raises(EvaluationError, match="worker process was lost"):
            evaluate(jobs=2, executor=pool)
