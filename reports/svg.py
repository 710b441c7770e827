"""Small hand-made SVG drawings; their colours come from the style sheet and follow light, dark and paper."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator

from markupsafe import Markup

_TICKS_S = (
    1,
    5,
    10,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10800,
    21600,
    43200,
    86400,
    172800,
    604800,
)


class Drawing:
    """A list of shapes; every word is escaped."""

    def __init__(self, width: float, height: float, label: str) -> None:
        self._head = Markup(
            '<svg class="drawing" xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {0} {1}" '
            'width="{0}" height="{1}" aria-label="{2}">'
        ).format(_number(width), _number(height), label)
        self._shapes: list[Markup] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, *, style: str = "") -> None:
        """Draw a straight line."""
        self._add(
            '<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>', style, *map(_number, (x1, y1, x2, y2))
        )

    def box(  # noqa: PLR0913 - a shape is its place, its size and its looks
        self,
        x: float,
        y: float,
        size: tuple[float, float],
        *,
        style: str = "",
        title: str = "",
        round_: float = 3,
    ) -> None:
        """Draw a rectangle with a tool tip."""
        numbers = map(_number, (x, y, max(0.0, size[0]), size[1], round_))
        shape = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="{}">').format(
            style, *numbers
        )
        self._shapes.append(shape + _title(title) + Markup("</rect>"))

    def dot(self, x: float, y: float, *, radius: float = 4, style: str = "", title: str = "") -> None:
        """Draw a filled circle with a tool tip."""
        shape = Markup('<circle class="{}" cx="{}" cy="{}" r="{}">').format(
            style, *map(_number, (x, y, radius))
        )
        self._shapes.append(shape + _title(title) + Markup("</circle>"))

    def words(self, x: float, y: float, text: str, *, style: str = "", anchor: str = "start") -> None:
        """Write one line of text; *anchor* is start, middle or end."""
        self._add(
            '<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>',
            style,
            _number(x),
            _number(y),
            anchor,
            text,
        )

    def path(self, points: list[tuple[float, float]], *, style: str = "") -> None:
        """Draw a polyline."""
        drawn = " ".join(
            f"{'M' if index == 0 else 'L'}{_number(x)} {_number(y)}" for index, (x, y) in enumerate(points)
        )
        self._add('<path class="{}" d="{}"/>', style, drawn)

    def render(self) -> Markup:
        """Return the drawing as an SVG element."""
        return self._head + Markup("").join(self._shapes) + Markup("</svg>")

    def _add(self, shape: str, *parts: str) -> None:
        self._shapes.append(Markup(shape).format(*parts))


def time_ticks(first_s: float, last_s: float, *, most: int = 9) -> list[float]:
    """Return round instants between two times, at most about *most* of them."""
    step = next((tick for tick in _TICKS_S if (last_s - first_s) / tick <= most), (last_s - first_s) / most)
    start = math.ceil(first_s / step)
    return [index * step for index in range(start, math.floor(last_s / step) + 1)]


def ticks(low: float, high: float, *, most: int = 6) -> list[float]:
    """Return round numbers between two values, at most about *most* of them."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return []
    rough = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    return [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]


def short(words: str, most: int) -> str:
    """Return words cut to a length, with an ellipsis."""
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"


def wrap(words: str, width: int, lines: int) -> Iterator[str]:
    """Yield words in at most *lines* lines of *width* characters, the last one cut when it does not fit."""
    parts = textwrap.wrap(words, width, break_long_words=True) or [""]
    if len(parts) > lines:
        parts = [*parts[: lines - 1], short(" ".join(parts[lines - 1 :]), width)]
    yield from parts


def offset(seconds: float) -> str:
    """Return an offset into the window as +h:mm, with seconds where there are any."""
    sign, whole = ("-" if seconds < 0 else "+"), round(abs(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    return f"{sign}{hours}:{minutes:02d}" + (f":{second:02d}" if second else "")


def _title(words: str) -> Markup:
    return Markup("<title>{}</title>").format(words) if words else Markup("")


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".") if math.isfinite(value) else "0"
