"""The graph of causes and its timeline."""

import pytest

from reports.causes import also, children, parents, places, role, roots
from reports.causes_svg import draw_tree
from reports.explanation import _line
from reports.timeline_svg import draw_timeline
from twin.model.plan import Plan
from twin.records.verdict import CounterExample, Happening, Verdict


def happening(cause: int = -1, *others: int, kind: str = "loss", at_s: float = 0.0) -> Happening:
    return Happening(at_s=at_s, kind=kind, thing="x", text=f"{kind} after {cause}", cause=cause, also=others)


CHAIN = (
    happening(kind="plan"),
    happening(kind="world", at_s=10.0),
    happening(1, at_s=10.0),
    happening(2, 0, at_s=10.0),
    happening(3, at_s=20.0, kind="overloads"),
)


def test_the_graph_of_a_chain() -> None:
    assert parents(CHAIN) == [-1, -1, 1, 2, 3]
    assert roots(CHAIN) == [0, 1]
    assert children(CHAIN) == [[], [2], [3], [4], []]
    assert also(CHAIN, 3) == (0,)
    assert [role(CHAIN, index) for index in range(5)] == ["plan", "world", "effect", "effect", "violation"]


@pytest.mark.parametrize("cause", [5, 99, 4])
def test_a_cause_that_was_left_out_is_none(cause: int) -> None:
    chain = (*CHAIN[:4], happening(cause, 7, -3, 4))
    assert parents(chain)[4] == -1
    assert also(chain, 4) == ()


def test_every_happening_stands_below_its_causes_and_none_covers_another() -> None:
    chain = (*CHAIN, happening(1), happening(1, 4), happening(6))
    found = places(chain)
    assert len(set(found)) == len(chain)
    for index, parent in enumerate(parents(chain)):
        for cause in (parent, *also(chain, index)):
            if cause >= 0:
                assert found[cause][1] < found[index][1]


def test_a_plan_step_at_the_end_is_no_violation() -> None:
    assert role((happening(kind="plan"),), 0) == "plan"


def test_the_drawings_show_every_happening(failed: Verdict, plan: Plan) -> None:
    example = failed["breakers"].counter_example
    assert example is not None
    for drawing in (draw_timeline(example, plan), draw_timeline(example), draw_tree(example)):
        assert drawing.startswith("<svg") and drawing.endswith("</svg>")
        for step in example.chain:
            assert step.text.replace("'", "&#39;") in drawing
    assert "not run in this variant" in draw_timeline(example, plan)


@pytest.mark.parametrize("times", [(0.0,), (5.0, 5.0), (-60.0, 0.0, 1e9), (0.0, 0.0, 0.0, 0.0, 0.0)])
def test_odd_times_are_drawn(times: tuple[float, ...]) -> None:
    chain = tuple(happening(index - 1, at_s=at) for index, at in enumerate(times))
    example = CounterExample(
        scenario="s", variant="", replication=0, violation="v", at_s=times[-1], chain=chain
    )
    assert "nan" not in draw_timeline(example) + draw_tree(example)


def test_the_text_timeline_keeps_marks_apart_and_in_line() -> None:
    chain = tuple(happening(index - 1, at_s=float(at)) for index, at in enumerate([0, 0, 50, 100, 100, 100]))
    example = CounterExample(scenario="s", variant="", replication=0, violation="v", at_s=100.0, chain=chain)
    line = _line(example, list(range(6)), (0.0, 100.0))
    assert len(line) == 64
    assert line.startswith("1·2·") and line.endswith("4·5·6") and line[31:34].strip("·") == "3"
