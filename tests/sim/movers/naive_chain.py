"""The chain utility -> transfer switch (<- generator) -> UPS -> rack as plain SimPy, a process per device.

It follows the documented rules and shares no code with the simulator. Whoever changes something pokes all the others.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import simpy

Waits = Generator[simpy.Event, Any, None]
COOL_DOWN_S = 300.0
MEND_S = 4 * 3600.0
STEPS = 4


@dataclass(frozen=True)
class Times:
    """Every time of the chain [s]."""

    battery_s: float
    start_s: float
    transfer_s: float
    retransfer_s: float
    walk_in_s: float
    recharge_s: float
    lockout_s: float = 0.0


@dataclass
class NaiveChain:
    """Plays spells without utility, and spells in which the generator would not start."""

    times: Times
    outages: list[tuple[float, float]]
    no_start: list[tuple[float, float]]
    until_s: float
    util: bool = True
    gen: bool = False
    start_fails: bool = False
    on: str = "util"
    rack: bool = True
    charge: float = 1.0
    share: float = 1.0
    charging: bool = False
    empty: bool = False
    locked: bool = False
    step_at: float = float("inf")
    log: dict[str, list[tuple[float, Any]]] = field(default_factory=dict)

    def play(self) -> dict[str, list[tuple[float, Any]]]:
        """Return when each thing changed, and to what."""
        self.env = simpy.Environment()
        self.poked = self.env.event()
        for process in (self.world("util", self.outages), self.world("start_fails", self.no_start)):
            self.env.process(process)
        for process in (self.generator(), self.switch(), self.ups()):
            self.env.process(process)
        self.env.run(until=self.until_s)
        return self.log

    def set(self, name: str, value: Any) -> None:
        if getattr(self, name) != value:
            setattr(self, name, value)
            self.log.setdefault(name, []).append((self.env.now, value))
            old, self.poked = self.poked, self.env.event()
            old.succeed()

    def world(self, name: str, spells: list[tuple[float, float]]) -> Waits:
        for at_s, lasts_s in spells:
            yield self.env.timeout(at_s - self.env.now)
            self.set(name, name != "util")
            yield self.env.timeout(lasts_s)
            self.set(name, name == "util")

    def until(
        self, met: Callable[[], bool], most_s: float = float("inf")
    ) -> Generator[simpy.Event, Any, bool]:
        """Wait until something holds, and return True; or False when that took `most_s`."""
        end = self.env.now + most_s
        late = self.env.event() if most_s == float("inf") else self.env.timeout(most_s)
        while not met():
            yield self.poked | late
            if self.env.now >= end and not met():
                return False
        return True

    def wanted(self) -> bool:
        return not self.util or (self.on == "gen" and self.gen)

    def generator(self) -> Waits:
        while True:
            yield from self.until(self.wanted)
            if self.start_fails:
                yield from self.until(lambda: not self.start_fails, MEND_S)
                continue
            yield self.env.timeout(self.times.start_s)
            self.set("gen", True)
            while True:
                yield from self.until(lambda: not self.wanted())
                if not (yield from self.until(self.wanted, COOL_DOWN_S)):
                    break
            self.set("gen", False)

    def best(self) -> str:
        return "util" if self.util else "gen" if self.gen else ""

    def lives(self, source: str) -> bool:
        return bool(source) and source != "open" and bool(getattr(self, source))

    def finds(self, here: str) -> bool:
        return self.lives(here) or bool(self.best())

    def switch(self) -> Waits:
        while True:
            here = self.on
            if not self.lives(here):
                yield from self.until(partial(self.finds, here))
                if not self.lives(here):
                    yield from self.move()
            elif here == "gen" and self.util:
                left = yield from self.until(lambda: not self.util or not self.gen, self.times.retransfer_s)
                if not left:
                    yield from self.move()
            else:
                yield self.poked

    def move(self) -> Waits:
        to = self.best()
        self.set("on", "open")
        yield self.env.timeout(self.times.transfer_s)
        self.set("on", self.best() or to)

    def ups(self) -> Waits:
        """Whenever something was poked or an end is reached: bring the charge up to date, then look what to do now."""
        while True:
            self.look(fed=self.lives(self.on) and not self.locked)
            rate = self.rate()
            left = (1.0 - self.charge if rate > 0 else self.charge) / abs(rate) if rate else float("inf")
            wait = min(left, self.step_at - self.env.now)
            since, poked = self.env.now, self.poked
            timer = self.env.event() if wait == float("inf") else self.env.timeout(wait)
            yield poked | timer
            self.charge = min(max(self.charge + rate * (self.env.now - since), 0.0), 1.0)
            if timer.processed and left <= wait:
                self.at_end()
            elif timer.processed:
                self.step()

    def look(self, *, fed: bool) -> None:
        if not fed:
            self.step_at = float("inf")
            if not self.empty:
                self.share, self.charging = 0.0, False
        elif self.empty:
            self.empty, self.charging = False, True
        elif self.share == 0.0:
            self.step()
        self.set("rack", fed or not self.empty)

    def rate(self) -> float:
        if self.charging:
            return 1.0 / self.times.recharge_s if self.lives(self.on) else 0.0
        return -(1.0 - self.share) / self.times.battery_s

    def at_end(self) -> None:
        self.charge = 1.0 if self.charging else 0.0
        if self.charging:
            self.charging = False
        elif self.lives(self.on):
            self.share, self.charging, self.step_at = 1.0, True, float("inf")
        else:
            self.empty, self.share = True, 1.0
            if self.times.lockout_s:
                self.env.process(self.lock_out())

    def lock_out(self) -> Waits:
        self.set("locked", True)
        yield self.env.timeout(self.times.lockout_s)
        self.set("locked", False)

    def step(self) -> None:
        self.share += 1.0 / STEPS
        self.step_at = self.env.now + self.times.walk_in_s / (STEPS - 1)
        if self.share == 1.0:
            self.charging, self.step_at = True, float("inf")
