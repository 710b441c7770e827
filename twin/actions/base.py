"""What a verb of a plan is: its parameters, and what they mean for a fleet.

A verb lives in one file that ends in `ACTION = Action(...)`. Everything it says is a pure function of its
parameters and of the fleet *as the earlier steps leave it*; nothing is executed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema

from twin.model.base import Name, Record
from twin.model.change import Change
from twin.model.errors import did_you_mean
from twin.model.fleet import Fleet
from twin.model.names import expand_all
from twin.model.plan import Duration, Takes
from twin.model.servers import ServerGroup

P = TypeVar("P", bound=Record)


@dataclass(frozen=True, slots=True)
class Part:
    """One change of a step: when within it (0 = at its start, 1 = at its end), what, and the words for it."""

    fraction: float
    change: Change
    text: str = ""


@dataclass(frozen=True, slots=True)
class OpenFeed:
    """A feed of a rack that is laid but stands open, and the part of the rack's load that it would carry."""

    rack: str
    unit: str
    share: float


# What must be there from the start, so that the changes of a step have a target.
Entity = ServerGroup | OpenFeed


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a step cannot be taken: the rule it breaks, what is wrong, the mend, the parameter at fault."""

    rule: str
    what: str
    mend: str = ""
    param: str = ""


def no_entities(fleet: Fleet, params: Any) -> tuple[Entity, ...]:
    """Return no new rows: what most verbs need."""
    return ()


@dataclass(frozen=True)
class Action(Generic[P]):
    """A verb: `noun.verb@version`, its parameters, and the functions that give it its meaning.

    `check` yields what is wrong, `changes` what happens, `locks` what is touched ("rack:ams1-b01",
    "service:web"). `duration` is what a step without `takes` is assumed to take; `lasting` names the
    parameter that may say it instead. `entities` are server groups (with count 0) and
    open feeds that must exist for the changes to have a target. `example` returns the steps of a starter plan for a fleet.
    """

    name: str
    version: int
    text: str
    params: type[P]
    check: Callable[[Fleet, P], Iterable[Objection]]
    changes: Callable[[Fleet, P], list[Part]]
    locks: Callable[[Fleet, P], tuple[str, ...]]
    duration: Callable[[P], Duration]
    example: Callable[[Fleet], list[dict[str, Any]]]
    entities: Callable[[Fleet, P], tuple[Entity, ...]] = no_entities
    lasting: str = ""

    @property
    def reference(self) -> str:
        """Return how a step names the verb: "rack.drain@1"."""
        return f"{self.name}@{self.version}"

    def read(self, params: dict[str, Any]) -> tuple[P | None, list[Objection]]:
        """Return the parameters of a step, or None and every problem in them."""
        try:
            return self.params.model_validate(params, context={"document": True}), []
        except ValidationError as error:
            known = [info.alias or name for name, info in self.params.model_fields.items()]
            return None, [_objection(detail, known) for detail in error.errors(include_url=False)]


def in_batches(names: Sequence[str], size: int) -> list[tuple[float, tuple[str, ...]]]:
    """Return (fraction at which it starts, names) for batches of *size* that follow each other."""
    batches = [tuple(names[first : first + size]) for first in range(0, len(names), size)]
    return [(index / len(batches), batch) for index, batch in enumerate(batches)]


def out_of_service(target: str, noun: str) -> list[Part]:
    """Return the parts of a step that takes a thing out of service and gives it back at its end."""
    return [
        Part(0.0, Change("state", target, -1.0), f"take {noun} {target} out of service"),
        Part(1.0, Change("state", target, 1.0), f"give {noun} {target} back"),
    ]


def _expanded(value: Any) -> Any:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        return value
    names = expand_all(value)
    if len(set(names)) < len(names):
        twice = next(name for name, times in Counter(names).items() if times > 1)
        raise ValueError(f"names {twice!r} twice")
    return names


_NAMES_SCHEMA = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
    "examples": ["ams1-b[01-04]"],
}
# A list of names, or one string with brackets: "ams1-b[01-04]".
Names = Annotated[
    tuple[Name, ...], BeforeValidator(_expanded), Field(min_length=1), WithJsonSchema(_NAMES_SCHEMA)
]
Count = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
Lasts = Annotated[
    Takes | None, Field(description="how long it is out of service, instead of the step's 'takes'")
]


def _objection(detail: Any, known: list[str]) -> Objection:
    """Turn one validation error into words."""
    place = [str(part) for part in detail["loc"] if not str(part).startswith(("function-", "tuple["))]
    param, last = (place[0] if place else ""), (place[-1] if place else "")
    match detail["type"]:
        case "extra_forbidden":
            mend = did_you_mean(last, known) or f"known parameters: {', '.join(known)}"
            return Objection("params", f"unknown parameter '{last}'", mend, param)
        case "missing":
            return Objection("params", f"'{last}' is missing", f"add '{last}'", param)
        case "string_pattern_mismatch":
            what = f"'{param}': {detail['input']!r} is not a name"
            return Objection("params", what, "use letters, digits, dots, dashes and underscores", param)
        case "literal_error":
            words = detail["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
            return Objection(
                "params",
                f"'{param}': {detail['input']!r} is not one of {', '.join(words)}",
                did_you_mean(str(detail["input"]), words),
                param,
            )
    text = detail["msg"].removeprefix("Value error, ")
    text = text.replace("Input should", f"{_shown(detail['input'])} should")
    return Objection("params", f"'{param}': {text}" if param else text, "", param)


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, (str, int, float)) else "the value"
