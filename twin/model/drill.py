"""Drills: real incidents as tests of the twin.

A drill has a tiny fleet of its own, the events that are *injected* (what the account gives as the beginning), those that
are *calibrated* (a parameter was set so that they come out: they prove nothing by themselves) and those that the twin
must *predict*, in order and in their windows. The same drill with one thing changed must not cascade.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from twin.model.base import Name, Record
from twin.model.change import ChangeKind
from twin.model.units import Quantity, Seconds

Instant = Annotated[float, Quantity("duration", ge=-1e9)]
EventKind = Literal["down", "up", "begins", "ends", "acts", "above", "below"]
ExtraKind = Literal["trip", "shutdown", "dark", "service"]


class Injected(Record):
    """What the drill does to the fleet: one change of each target, at a time from the first event on."""

    id: Name
    at_s: Annotated[Instant, Field(alias="at")]
    text: str
    kind: ChangeKind
    target: str | tuple[str, ...] = ""
    key: str = ""
    value: float


class Expectation(Record):
    """What must happen between `from` and `to`, not before `after` and at most `within` later than that.

    With `never` it must not happen, from `from` until just before `to`.

    `thing` is a name, a bracket name or a pattern with *; everything that it matches but `except` must show the event,
    or with `which: first` one of them.

    ============  =======================================================================================
    down, up      a unit, plant or rack loses or regains power; with `by` through an act of that law
    begins, ends  a violation (`of`: slo_violations, quorum_lost, overloads ...)
    acts          a law (`by`) does something to a thing, or says something of it (`text`)
    above, below  a `quantity` of a thing stays on that side of `value` all the time from `from` to `to`
    ============  =======================================================================================
    """

    id: Name
    says: str
    account: Annotated[str, Field(description="the time that the account gives, as it gives it")] = ""
    event: EventKind
    thing: str
    except_: Annotated[str, Field(alias="except")] = ""
    of: Name | None = None
    by: Name | None = None
    text: Annotated[str, Field(description="a pattern with *, of what the law says")] = ""
    quantity: Name | None = None
    value: float | None = None
    which: Literal["each", "first"] = "each"
    never: bool = False
    from_s: Annotated[Instant | None, Field(alias="from")] = None
    to_s: Annotated[Instant | None, Field(alias="to")] = None
    after: Name | None = None
    within_s: Annotated[Seconds | None, Field(alias="within")] = None

    @model_validator(mode="after")
    def _is_complete(self) -> Expectation:
        if (self.event in ("begins", "ends")) != (self.of is not None):
            raise ValueError("'begins' and 'ends' need 'of' (a kind of violation), and nothing else has it")
        if (self.event in ("above", "below")) != (self.quantity is not None and self.value is not None):
            raise ValueError("'above' and 'below' need 'quantity' and 'value', and nothing else has them")
        if self.event == "acts" and self.by is None:
            raise ValueError("'acts' needs 'by' (a law)")
        if self.text and self.event != "acts":
            raise ValueError("only 'acts' has 'text'")
        if self.within_s is not None and self.after is None:
            raise ValueError("'within' needs 'after'")
        if self.from_s is not None and self.to_s is not None and self.to_s < self.from_s:
            raise ValueError("'to' is before 'from'")
        return self


class Variant(Record):
    """The same drill with one change of its world, which must not cascade: the `absent` do not happen, the `expect` do.

    `set` gives values by path (fleet/power_units/ups-1/battery); null takes a row or a value away.
    """

    name: str
    set: Annotated[dict[str, Any], Field(min_length=1)]
    absent: tuple[Name, ...] = ()
    expect: tuple[Expectation, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Variant:
        if not self.absent and not self.expect:
            raise ValueError("give 'absent' or 'expect'")
        return self


class Axis(Record):
    """The values that one path takes in a sweep."""

    path: str
    values: Annotated[tuple[Any, ...], Field(min_length=1)]


class Sweep(Record):
    """A rule tried at many values: `x` in the table where the whole `cascade` must happen, `.` where none of it may."""

    says: str
    cascade: Annotated[tuple[Name, ...], Field(min_length=1)]
    down: Axis | None = None
    across: Axis
    table: Annotated[tuple[str, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _table_has_all_cells(self) -> Sweep:
        rows = len(self.down.values) if self.down else 1
        if len(self.table) != rows or any(len(row) != len(self.across.values) for row in self.table):
            raise ValueError(f"the table needs {rows} rows of {len(self.across.values)} cells")
        if any(cell not in "x." for row in self.table for cell in row):
            raise ValueError("cells of the table are x (it happens) or . (it does not)")
        return self


class Drill(Record):
    """One incident. Times count from its first event; `lead` is played before it, `window` from it on.

    `none_extra` are the classes of events that must not occur but where they are expected: a breaker's trip, a shutdown by
    heat or by an empty battery, a rack that goes dark, a service that is lost.
    """

    drill: Name
    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    case: Annotated[str, Field(description="number of the incident in the collection")] = ""
    title: str
    source: str
    confidence: Literal["full", "summary", "rule"]
    assumptions: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    lead_s: Annotated[Seconds, Field(alias="lead")] = 60.0
    window_s: Annotated[Seconds, Field(alias="window", gt=0)]
    fleet: dict[str, Any]
    injected: Annotated[tuple[Injected, ...], Field(min_length=1)]
    calibrated: tuple[Expectation, ...] = ()
    predicted: Annotated[tuple[Expectation, ...], Field(min_length=1)]
    none_extra: tuple[ExtraKind, ...] = ("trip", "shutdown", "dark", "service")
    not_: Annotated[tuple[Variant, ...], Field(alias="not", min_length=1)]
    sweep: Sweep | None = None

    @property
    def name(self) -> str:
        """The drill's name (its `drill:` key)."""
        return self.drill

    @property
    def expected(self) -> tuple[Expectation, ...]:
        """What must happen, calibrated or predicted."""
        return (*self.calibrated, *self.predicted)

    @model_validator(mode="after")
    def _references_are_known(self) -> Drill:
        known = [row.id for row in self.expected]
        twice = sorted({name for name in known if known.count(name) > 1})
        if twice:
            raise ValueError(f"expected twice: {', '.join(twice)}")
        unknown = sorted({name for name in self._named() if name not in known})
        if unknown:
            raise ValueError(f"nothing expected is called {', '.join(unknown)}")
        return self

    def _named(self) -> Iterator[str]:
        for row in self.expected:
            if row.after is not None:
                yield row.after
        for variant in self.not_:
            yield from variant.absent
        if self.sweep is not None:
            yield from self.sweep.cascade
