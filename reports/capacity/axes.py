"""The frame of the small charts by month: axes with zero and unit, months below, the scale from values to places.

All drawings of the report are as wide as a phone; a wide screen shows several side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.svg import Drawing, short, ticks
from twin.records import text

WIDTH, HEIGHT = 340.0, 190.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 10.0, 34.0, 24.0


@dataclass(frozen=True)
class Frame:
    """A chart with months from left to right and values from zero up (down to `low` where there are negative ones)."""

    drawing: Drawing
    months: Sequence[str]
    low: float
    high: float
    right: float

    def x(self, index: float) -> float:
        """Return the place of a month by its index; its middle is at + 0.5."""
        return LEFT + index / len(self.months) * (WIDTH - LEFT - self.right)

    def y(self, value: float) -> float:
        """Return the height of a value."""
        return TOP + (self.high - value) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)


def frame(
    title: str, unit: str, months: Sequence[str], values: Sequence[float], *, right: float = RIGHT
) -> Frame:
    """Return an empty chart that has room for the values."""
    low, high = min(0.0, *values), max(0.0, *values)
    high = high + 0.06 * (high - low) or 1.0
    drawing = Drawing(WIDTH, HEIGHT, f"{title}, {unit} by month")
    made = Frame(drawing, months, low, high, right)
    drawing.words(2, 13, fitted(title, WIDTH - 6, 14.0), style="label-bold")
    drawing.words(2, 27, unit, style="label-soft")
    for value in ticks(low, high, most=4):
        drawing.line(LEFT, made.y(value), WIDTH - right, made.y(value), style="grid")
        drawing.words(LEFT - 6, made.y(value) + 4, compact(value), style="label-soft", anchor="end")
    drawing.line(LEFT, made.y(0.0), WIDTH - right, made.y(0.0), style="axis")
    _draw_months(made)
    return made


def compact(value: float) -> str:
    """Return a number short enough for an axis: 1200 is 1.2k, 3 000 000 is 3M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{text.figure(float(f'{value / size:.3g}'))}{letter}"
    return text.figure(float(f"{value:.3g}"))


def wide(words: str, size: float = 11.5) -> float:
    """Return about how wide words are in a sans serif of that size (px), on the side of too wide."""
    narrow, broad = "ijltfr.,:;'|!()[] -", "WMmw@%"
    return size * sum(1.0 if c in broad or ord(c) > 0x2E80 else 0.42 if c in narrow else 0.68 for c in words)


def fitted(words: str, room: float, size: float = 11.5) -> str:
    """Return words cut so that they fit into a width (px), with an ellipsis."""
    most = len(words)
    while most > 1 and wide(short(words, most), size) > room:
        most -= 1
    return short(words, most)


def every(months: Sequence[str], room: float, *, label: float = 50.0) -> list[int]:
    """Return the indices of the months that are named: evenly spread, as many as have room."""
    step = next(
        (step for step in (1, 2, 3, 6, 12, 24, 36) if len(months) / step * label <= room), max(1, len(months))
    )
    return list(range(0, len(months), step))


def _draw_months(made: Frame) -> None:
    room = WIDTH - LEFT - made.right
    for index in every(made.months, room):
        middle = made.x(index + 0.5)
        made.drawing.line(middle, HEIGHT - BOTTOM, middle, HEIGHT - BOTTOM + 4, style="axis")
        # The first and the last name stay within the picture.
        middle = min(max(middle, LEFT + 6), WIDTH - 24)
        made.drawing.words(middle, HEIGHT - 7, made.months[index], style="label-soft", anchor="middle")
