"""What a solver must respect besides the fleet's own limits, because the twin has seen a plan fail without it."""

from __future__ import annotations

from typing import Literal

from twin.records.verdict import Frozen

RequirementKind = Literal["capacity", "latency", "power", "heat", "pace", "links"]


class Requirement(Frozen):
    """One demand on the next solve, at the site `where` (everywhere if that is empty).

    `capacity`: a reservation needs `amount` (a share) more, replicas included. `latency`: a service runs that many more replicas,
    on servers of its own. `power`, `heat`: a unit, or the cooling of a site, leaves that share of what its limit has room for
    above idle. `pace`: only that share of the servers moves at once. `links`: a link is too full, which no allocation of servers
    mends. `because` is what was seen, by gate and scenario.
    """

    kind: RequirementKind
    who: str
    where: str = ""
    amount: float
    gate: str = ""
    scenario: str = ""
    because: str = ""

    @property
    def text(self) -> str:
        """Return the requirement in words."""
        at = f" at {self.where}" if self.where else ""
        much = f"{100 * self.amount:.3g} %"
        words = {
            "capacity": f"{self.who} has {much} more servers{at}",
            "latency": f"{self.who} has {much} more replicas{at}, and servers for them",
            "power": f"{self.who} leaves {much} of its room free",
            "heat": f"the cooling of {self.who} leaves {much} of its room free",
            "pace": f"{much} of the servers move at once",
            "links": f"{self.who} carries less, which no allocation of servers does",
        }
        return words[self.kind]
