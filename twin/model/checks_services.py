"""Services and stateful sets that cannot be: refused with the row and the mend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from twin.model.fault import Fault
from twin.model.fleet import Fleet


def copies_lie_in_different_racks(fleet: Fleet) -> Iterator[Fault]:
    """A rack that is named twice would count as two copies and be lost as one."""
    for row, storage in enumerate(fleet.storage):
        for rack, count in Counter(storage.racks).items():
            if count > 1:
                yield Fault("storage", row, "racks", f"rack {rack!r} is named {count} times", "name it once")


def objects_can_be_stored_and_read(fleet: Fleet) -> Iterator[Fault]:
    """needed <= parts <= racks: each part lies in a rack of its own."""
    for row, storage in enumerate(fleet.storage):
        if storage.parts is None:
            continue
        racks = len(set(storage.racks))
        if storage.parts > racks:
            yield Fault(
                "storage", row, "parts", f"{storage.parts} parts in {racks} racks", f"at most {racks}"
            )
        if storage.needed > storage.parts:
            what = f"{storage.needed} parts are needed of {storage.parts}"
            yield Fault("storage", row, "needed", what, f"at most {storage.parts}")


def answers_can_come_in_time(fleet: Fleet) -> Iterator[Fault]:
    """A client that gives up before a request is served never gets an answer."""
    for row, service in enumerate(fleet.services):
        if service.timeout_s is not None and service.timeout_s <= service.service_time_s:
            what = (
                f"clients give up after {service.timeout_s:g} s, a request takes {service.service_time_s:g} s"
            )
            yield Fault("services", row, "timeout_s", what, "a timeout above the service time")


def autoscaling_has_room(fleet: Fleet) -> Iterator[Fault]:
    """least <= most."""
    for row, service in enumerate(fleet.services):
        rule = service.autoscale
        if rule is not None and rule.most is not None and rule.least > rule.most:
            what = f"autoscaling from {rule.least} to {rule.most} replicas"
            yield Fault("services", row, "autoscale", what, f"least at most {rule.most}")


CHECKS: tuple[Callable[[Fleet], Iterator[Fault]], ...] = (
    copies_lie_in_different_racks,
    objects_can_be_stored_and_read,
    answers_can_come_in_time,
    autoscaling_has_room,
)
