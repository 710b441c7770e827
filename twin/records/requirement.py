"""What a solver must respect besides the fleet's own limits, because the twin has seen a plan fail without it."""

from __future__ import annotations

from typing import Literal

from twin.records.verdict import Frozen

RequirementKind = Literal["capacity", "power", "heat", "pace", "links"]


class Requirement(Frozen):
    """One demand on the next solve.

    `capacity`: a reservation needs `amount` (a share) more, replicas included. `power`, `heat`: a unit, or the cooling of a site,
    must stay that share below its limit. `pace`: only that share of the servers moves at once. `links`: a link is too full, which
    no allocation of servers mends. `because` is what was seen, by gate and scenario.
    """

    kind: RequirementKind
    who: str
    amount: float
    gate: str = ""
    scenario: str = ""
    because: str = ""

    @property
    def text(self) -> str:
        """Return the requirement in words."""
        words = {
            "capacity": f"{self.who} has {self.amount:.0%} more",
            "power": f"{self.who} stays {self.amount:.0%} below its limit",
            "heat": f"the cooling of {self.who} stays {self.amount:.0%} below its limit",
            "pace": f"{self.amount:.0%} of the servers move at once",
            "links": f"{self.who} carries less (no allocation of servers does that)",
        }
        return words[self.kind]
