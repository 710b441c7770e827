"""Looks and the three answers."""

import pytest

from twin.gates.looks import alpha_per_look, decide, look_schedule


def test_looks_double_up_to_the_budget() -> None:
    assert look_schedule(10, 640) == (10, 20, 40, 80, 160, 320, 640)
    assert look_schedule(10, 639) == (10, 20, 40, 80, 160, 320)
    assert look_schedule(7, 7) == (7,)
    with pytest.raises(ValueError, match="first look"):
        look_schedule(10, 9)


def test_the_error_is_split_evenly() -> None:
    assert alpha_per_look(0.95, look_schedule(10, 320)) == pytest.approx(0.05 / 6)


@pytest.mark.parametrize(
    ("passes", "fails", "answer"),
    [
        (True, False, "pass"),
        (True, None, "pass"),
        (False, True, "fail"),
        (None, True, "fail"),
        (False, False, "warn"),
        (None, False, None),
        (False, None, None),
        (None, None, None),
    ],
)
def test_three_answers_and_not_yet(passes: bool | None, fails: bool | None, answer: str | None) -> None:
    assert decide(passes, fails) == answer
