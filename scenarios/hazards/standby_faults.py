"""What stands by may fail when it is asked: generators, batteries and transfer switches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from scenarios.hazards.base import Hazard, Ill, Setting
from scenarios.world import Spell
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.model.power import PowerUnit
from twin.model.units import Share


class StandbyFaults(Hazard):
    """Nothing is seen of these faults until the device is asked, and a person mends it some time after.

    A generator does not start with probability 1 - `start_probability`, and fails after an exponential time of running
    with mean `run_mtbf` (both stand on the unit; NREL's REopt defaults: 0.9906 and 1100 h). A UPS battery and a transfer
    switch fail when asked with probabilities `battery` and `transfer`. All are drawn once per world and device.
    """

    kind: ClassVar[str] = "standby-faults"
    battery: Annotated[Share, Field(description="probability that a UPS battery fails when asked")] = 0.0
    transfer: Annotated[Share, Field(description="probability that a switch fails to transfer")] = 0.0

    @property
    def random(self) -> bool:
        """Return True."""
        return True

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """Something of the fleet can fail when asked."""
        if not any(self._risks(unit) or unit.run_mtbf_s for unit in fleet.power_units):
            mend = "give generators start_probability or run_mtbf, or battery or transfer here"
            yield Ill("battery", "nothing that stands by can fail", mend, absent=True)

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the faults of this world; they are there from the start of the window to its end."""
        return [
            Spell(0.0, 2.0 * setting.window_s, (change,), text, "", f"world:{self.kind}", unit.site)
            for unit in setting.fleet.power_units
            for change, text in self._faults(setting, unit)
        ]

    def _faults(self, setting: Setting, unit: PowerUnit) -> Iterator[tuple[Change, str]]:
        risks = self._risks(unit)
        if not risks and unit.run_mtbf_s is None:
            return
        asked, runs = setting.stream(unit.name).random(2)
        for what, probability in risks.items():
            if asked < probability:
                yield Change("fault", unit.name, 1.0, what), f"{unit.name} would not {_WORDS[what]}"
        if unit.run_mtbf_s is not None:
            life_s = -unit.run_mtbf_s * math.log1p(-float(runs))
            if life_s < setting.window_s:
                yield Change("fault", unit.name, life_s, "life"), f"{unit.name} would not run for long"

    def _risks(self, unit: PowerUnit) -> dict[str, float]:
        """What the unit may fail to do, and the probability; one thing per kind of unit."""
        if unit.kind == "generator":
            risks = {"start": 1.0 - unit.start_probability if unit.start_s is not None else 0.0}
        elif unit.kind == "ups":
            risks = {"battery": self.battery if unit.battery_j is not None else 0.0}
        else:
            risks = {"transfer": self.transfer if unit.transfer_s is not None else 0.0}
        return {what: probability for what, probability in risks.items() if probability > 0}


_WORDS = {"start": "start", "battery": "carry its load", "transfer": "transfer"}
