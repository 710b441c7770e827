"""Ctrl-C: once asks for the best so far, twice ends the program, and afterwards all is as before."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from solvers.highs import Highs
from solvers.interrupt import stoppable
from tests.solvers.programs import market_split


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_once_asks_and_twice_ends() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), stoppable() as asked:
        assert not asked()
        press()
        assert asked()
        press()
    assert signal.getsignal(signal.SIGINT) is before


def test_nothing_is_asked_for_the_next_time() -> None:
    with stoppable() as asked:
        press()
        assert asked()
    with stoppable() as asked:
        assert not asked()


def test_ctrl_c_during_branch_and_cut_returns_the_incumbent() -> None:
    timer = threading.Timer(0.4, press)
    with stoppable() as asked:
        timer.start()
        answer = Highs(market_split()).solve(time_limit_s=20.0, should_stop=asked)
        timer.join()
    assert answer.status == "feasible" and answer.x is not None and answer.seconds < 10.0


def test_outside_of_the_main_thread_nobody_can_ask() -> None:
    told: list[bool] = []

    def run() -> None:
        with stoppable() as asked:
            told.append(asked())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert told == [False]
