"""The closed vocabulary of what can be done to a running fleet, by plans and by the world alike.

A plan step, a fault, a repair, a demand surge, a heat wave and a breaker that trips are all lists of changes. Every
change but `cap` *adds* to one cell of state, so changes of different origin combine and the inverse is the negative.

============  ============  ==============  ====================================================================
kind          target        key             value
============  ============  ==============  ====================================================================
count         group                         servers added (negative: removed)
failed        group                         servers that break (negative: are repaired)
state         unit, plant,                  -1 takes it out of service, +1 gives it back (holds are counted)
              rack, switch,
              link
drain         rack                          -1 drains: powered but without work; +1 undrains
replicas      service       site            replicas added
boot          service       site            -1: its replicas there stand still until they are started; +1: they are
weight        service       site            traffic weight added
sick          service                       share of its replicas, everywhere, that stop working
demand        service or *  region or *     added to the demand factor (0.3 = 30 % more)
outdoor       site                          kelvin added to the outdoor temperature
control                                     -1: the control plane is lost (no plan step, no failover); +1: back
control       border switch                 -1: one instance of the control plane of its routes is lost; +1: back
              or site                       (of a site: of all its border switches)
cap           rack          who (plan: "")  most watts its servers may draw; infinity removes this cap; the least counts
ride          unit                          +1: it lives without live feeders (a UPS with charge); -1: no longer
feed          unit, plant,  feeder          -1 opens this feed, +1 closes it (holds are counted)
              rack
inject        unit                          watts added to what flows through it (recharging; negative: solar, battery)
draw          unit                          added to the share of its load (1) that its feeders carry: walk-in
slow          rack                          share of their top speed that its servers lose (throttling)
setpoint      zone                          kelvin added to its supply temperature
fault         any           what            +1: it will fail when asked to (start, run, transfer, battery, ...); -1: mended
bandwidth     link                          share of its capacity lost (negative) or given back
shed          service       site or *       share of its requests that is refused at once
retries       service                       added to the times that a failed request is tried again
budget        service                       added to its retry budget (retries / first tries)
route         link, border                  -1: routers learn that it is down, +1: that it is up; of *, +1: from now on
              switch or *                   routers know only what they are told (else they know at once)
metric        link                          seconds added to the latency by which routers choose (it takes no longer)
============  ============  ==============  ====================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ChangeKind = Literal[
    "count",
    "failed",
    "state",
    "drain",
    "replicas",
    "boot",
    "weight",
    "sick",
    "demand",
    "outdoor",
    "control",
    "cap",
    "ride",
    "feed",
    "inject",
    "draw",
    "slow",
    "setpoint",
    "fault",
    "bandwidth",
    "shed",
    "retries",
    "budget",
    "route",
    "metric",
]


@dataclass(frozen=True, slots=True)
class Change:
    """One cell of state that changes."""

    kind: ChangeKind
    target: str = ""
    value: float = 0.0
    key: str = ""


@dataclass(frozen=True, slots=True)
class TimedChange:
    """A change at a time (seconds from the start of the plan's window), with the words for its cause.

    `origin` names who did it: "plan:drain", "world:panel-loss", "physics:breakers"; `text` says it to a person; `because`
    names things whose latest happenings led to it and `event` the metric that counts it ("breaker_trips"): of what
    physics does.
    """

    at_s: float
    change: Change
    origin: str
    text: str = ""
    because: tuple[str, ...] = ()
    event: str = ""
