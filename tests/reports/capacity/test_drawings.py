"""The drawings of the capacity report: to scale, with zero and unit, no two words on one place."""

import re

import pytest

from reports.capacity.axes import HEIGHT, WIDTH, compact, every
from reports.capacity.bars_svg import Bar, Part, draw_change, draw_parts, draw_shares
from reports.capacity.demand_svg import Supplied, draw_demand
from reports.capacity.heat_svg import draw_risk
from reports.capacity.month_svg import draw_limit, draw_piles
from tests.reports.capacity.samples import MONTHS

TEXT = re.compile(r'<text class="([^"]*)" x="([-\d.]+)" y="([-\d.]+)"[^>]*>([^<]*)</text>')
BOX = re.compile(r'<rect class="([^"]*)" x="([-\d.]+)" y="([-\d.]+)" width="([\d.]+)" height="([\d.]+)"')
PATH = re.compile(r'<path class="([^"]*)" d="([^"]*)"')


def boxes(drawing: str, style: str) -> list[tuple[float, ...]]:
    return [tuple(map(float, found[1:])) for found in BOX.findall(drawing) if found[0] == style]


def labels(drawing: str) -> list[tuple[float, float, str]]:
    return [(float(x), float(y), words) for _, x, y, words in TEXT.findall(drawing)]


def test_demand_and_supply_are_to_scale() -> None:
    rows = [Supplied("2026-12", 80, 100, 150, 120, 0), Supplied("2027-01", 90, 130, 180, 120, 10)]
    drawing = str(draw_demand("web", rows))
    lines = {
        style: [tuple(map(float, point.split())) for point in re.split("[ML]", d)[1:]]
        for style, d in PATH.findall(drawing)
    }
    zero = next(y for _, y, words in labels(drawing) if words == "0") - 4
    (_, first), (_, second) = lines["series-demand"]
    supply = lines["series-supply"][0][1]
    assert (zero - first) / (zero - supply) == pytest.approx(100 / 120, rel=0.01)
    assert (zero - second) / (zero - supply) == pytest.approx(130 / 120, rel=0.01)
    assert len(boxes(drawing, "gap")) == 2  # the gap, and the mark of its month on the axis
    assert {"RRU", "web", "supply", "demand"} <= {words for _, _, words in labels(drawing)}


@pytest.mark.parametrize("supply", [10.0, 95.0, 100.0, 104.0, 300.0])
def test_the_names_of_the_lines_do_not_meet(supply: float) -> None:
    rows = [Supplied(month, 90, 100, 110, supply, 0) for month in MONTHS]
    where = {words: y for _, y, words in labels(str(draw_demand("web", rows)))}
    assert abs(where["supply"] - where["demand"]) >= 13


@pytest.mark.parametrize("values", [(100.0, 100.0), (10.0, 100.0), (98.0, 100.0), (105.0, 100.0)])
def test_used_and_limit_do_not_meet(values: tuple[float, float]) -> None:
    drawing = str(draw_limit("ams1", "kW", MONTHS, [values[0]] * 24, [values[1]] * 24))
    ys = sorted(y for x, y, _ in labels(drawing) if x > WIDTH - 60 and 20 < y < HEIGHT - 20)
    assert all(b - a >= 11 for a, b in zip(ys, ys[1:], strict=False))


def test_piles_add_up() -> None:
    drawing = str(
        draw_piles(
            "Cost",
            "USD",
            ["2026-12", "2027-01"],
            [("a", "part-load", [3.0, 1.0]), ("b", "part-used", [1.0, 0.0])],
        )
    )
    heights = [height for *_, height in boxes(drawing, "part-load")]
    assert heights[0] / heights[1] == pytest.approx(3.0, rel=0.01)
    (top,) = (y + height for _, y, _, height in boxes(drawing, "part-used"))
    assert top == pytest.approx(boxes(drawing, "part-load")[0][1], abs=0.2)


def test_parts_fill_their_bar_and_say_their_values() -> None:
    bar = Bar(
        "msb",
        (
            Part("load", "part-load", 25.0),
            Part("usable", "part-used", 25.0),
            Part("stranded", "part-lost", 50.0),
        ),
    )
    drawing = str(draw_parts("Stranded", "kVA", [bar]))
    widths = [boxes(drawing, style)[0][2] for style in ("part-load", "part-used", "part-lost")]
    assert widths[0] == pytest.approx(widths[1]) == pytest.approx(widths[2] / 2, rel=0.01)
    assert {"25", "50"} <= {words for _, _, words in labels(drawing)}


def test_bars_of_one_scale_can_be_compared() -> None:
    bars = [Bar("a", (Part("", "part-used", 10.0),), mark=20.0), Bar("b", (Part("", "part-used", 40.0),))]
    one, other = boxes(str(draw_parts("", "", bars, shared=True)), "part-used")
    assert other[2] / one[2] == pytest.approx(4.0, rel=0.01)


def test_a_mark_stands_at_its_value() -> None:
    drawing = str(draw_parts("", "", [Bar("a", (Part("", "part-used", 40.0),), mark=20.0)], shared=True))
    x, _, width, _ = boxes(drawing, "part-used")[0]
    mark = float(re.findall(r'<line class="mark" x1="([\d.]+)"', drawing)[0])
    assert (mark - x) / width == pytest.approx(0.5, abs=0.01)


def test_a_load_above_the_limit_is_drawn_beyond_it() -> None:
    bar = Bar("u", (Part("now", "part-load", 0.5), Part("after", "part-lost", 1.5)))
    drawing = str(draw_shares("Tightest", [bar]))
    limit = float(re.findall(r'<line class="limit" x1="([\d.]+)"', drawing)[0])
    x, _, width, _ = boxes(drawing, "part-lost")[0]
    assert (x + width - 4) / (limit - 4) == pytest.approx(1.5, rel=0.01)
    assert x + width <= WIDTH


def test_more_goes_right_and_fewer_left() -> None:
    drawing = str(draw_change("Change", "servers", [("a", 10.0), ("b", -5.0)]))
    more, less = boxes(drawing, "part-more")[0], boxes(drawing, "part-less")[0]
    assert more[0] == pytest.approx(WIDTH / 2)
    assert less[0] + less[2] == pytest.approx(WIDTH / 2, abs=0.2)
    assert more[2] / less[2] == pytest.approx(2.0, rel=0.01)


def test_risks_are_darker_where_higher() -> None:
    chances = dict(zip(MONTHS, (0.0, 0.005, 0.03, 0.1, 0.9), strict=False))
    drawing = str(draw_risk(MONTHS, [("web", "worst", chances)]))
    assert [style for style, *_ in BOX.findall(drawing)] == [f"risk-{step}" for step in range(5)]


@pytest.mark.parametrize("count", [1, 2, 6, 12, 24, 36])
def test_months_on_the_axis_have_room(count: int) -> None:
    indices = every([str(n) for n in range(count)], 240.0)
    assert indices[0] == 0
    assert len(indices) * 46 <= 240 + 46


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (999, "999"), (1560, "1.56k"), (2_500_000, "2.5M"), (-1200, "-1.2k"), (0.25, "0.25")],
)
def test_numbers_on_an_axis_are_short(value: float, words: str) -> None:
    assert compact(value) == words


def test_one_month_of_nothing_is_drawn() -> None:
    assert "<svg" in str(draw_demand("web", [Supplied("2026-12", 0, 0, 0, 0, 0)]))
    assert "<svg" in str(draw_limit("a", "kW", ["2026-12"], [0.0], [0.0]))
