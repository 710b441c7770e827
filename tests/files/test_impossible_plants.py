"""Plants that cannot be: every problem at once, each with its row and how to mend it."""

from pathlib import Path

import pytest

from twin.files.fleet import read_fleet
from twin.model.errors import FleetwinError

IMPOSSIBLE = """\
fleet: impossible
regions: [{name: eu}]
sites: [{name: s, region: eu}]
trip_curves:
  - {name: rising, kind: points, points: [[1.2, 100, 120], [2.0, 110, 130]]}
power_units:
  - {name: grid, kind: utility, site: s, rated: 100 kVA}
  - {name: a, kind: panel, site: s, rated: 10 kVA, fed_by: [b], trip: rising}
  - {name: b, kind: panel, site: s, rated: 10 kVA, fed_by: [a], needs: 2}
  - {name: u, kind: ups, site: s, rated: 10 kVA, fed_by: [grid], battery: 50 MWh}
racks:
  - {name: r1, site: s, row: x, fed_by: [a], switches: [tor]}
  - {name: r2, site: s, row: x, fed_by: [a, b], shares: [70 %, 50 %]}
switches:
  - {name: tor, site: s, tier: tor, capacity: 1 Tbit/s}
  - {name: border, site: s, tier: border, capacity: 1 Tbit/s}
server_types: [{name: t, cores: 4, idle: 100 W, max: 200 W}]
reservations: [{name: web}, {name: other}]
server_groups: [{name: g, rack: r2, type: t, owner: web, count: 2}]
services:
  - {name: web, tier: 0, reservation: web, service_time: 10 ms}
  - {name: lost, tier: 0, reservation: other, service_time: 10 ms}
deployments: [{service: web, site: s, replicas: 1}, {service: lost, site: s, replicas: 1}]
demand: [{service: web, region: eu, rate: 10 req/s}]
"""


def problems(tmp_path: Path, text: str) -> str:
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FleetwinError) as caught:
        read_fleet(path)
    return str(caught.value)


def test_all_of_them_at_once(tmp_path: Path) -> None:
    told = problems(tmp_path, IMPOSSIBLE)
    for words in (
        ":5 trip_curves[0] 'rising' points: the fast edge does not fall from 100 s to 110 s",
        ":8 power_units[1] 'a' fed_by: a circle: a -> b -> a",
        ":9 power_units[2] 'b' needs: needs 2 of 1 feeders (at most 1)",
        ":10 power_units[3] 'u' battery: holds 50,000 kWh",
        ":12 racks[0] 'r1' switches: no path from tor to a border switch",
        ":13 racks[1] 'r2' shares: 2 shares that sum to 1.2 for 2 feeders",
        "deployments[1] 'lost' site: reservation 'other' owns no server at s",
    ):
        assert words in told


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("rated: 100 kVA", "rated: 0 kVA", "rated: '0 kVA' must be above 0 VA"),
        ("row: x, fed_by: [a],", "row: x, fed_by: [],", "racks[0] 'r1' fed_by: is empty"),
    ],
)
def test_a_rating_of_zero_and_a_rack_without_feed(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert words in problems(tmp_path, IMPOSSIBLE.replace(old, new))


def test_a_link_up_mends_the_rack_that_nobody_reaches(tmp_path: Path) -> None:
    link = "links: [{name: up, a: tor, b: border, capacity: 1 Tbit/s}]\n"
    assert "no path from tor" not in problems(tmp_path, IMPOSSIBLE + link)
