"""Pictures: what is alike shares a box, colours are those of the worst, equal fleets give equal bytes."""

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from reports.draw.causes import draw_causes
from reports.draw.grouping import Group, Item, collapse, levels
from reports.draw.labels import Placer
from reports.draw.layered import Box, Edge, arrange, ink_on
from reports.draw.network import draw_network
from reports.draw.paint import NEUTRAL, STATES, Paint, by_blast, by_load, plain
from reports.draw.picture import check_path, render
from reports.draw.power import draw_power
from reports.draw.service import draw_service
from scenarios.fleets.example import example_fleet
from twin.graph.analysis_blast import blast_radius
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.records.snapshot import Snapshot
from twin.records.verdict import Verdict
from twin.sim.snapshot import Snapshots


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return example_fleet()


@pytest.fixture(scope="module")
def snapshot(fleet: Fleet) -> Snapshot:
    return Snapshots(fleet).of()


def words_of(figure: object, path: Path = Path("x.svg")) -> str:
    root = ET.fromstring(render(figure, path))  # type: ignore[arg-type]
    return "\n".join("".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text"))


class TestGrouping:
    def items(self, rows: int) -> list[Item]:
        panels = [Item(f"p{row}{side}", 1, (side,), "panel") for row in range(rows) for side in "ab"]
        racks = [
            Item(f"r{row}-{n:02d}", 2, (f"p{row}a", f"p{row}b"), "rack", bundle=row)
            for row in range(rows)
            for n in range(4)
        ]
        return [Item("a", 0, ()), Item("b", 0, ()), *panels, *racks]

    def test_few_things_stand_alone_but_racks_of_a_row_together(self) -> None:
        groups = collapse(self.items(2), most=10)
        assert [group.title for group in groups] == [
            "a", "b", "p0a", "p0b", "p1a", "p1b", "r0-[00-03] ×4", "r1-[00-03] ×4"]  # fmt: skip
        assert groups[-1].feeds == ("p1a", "p1b")

    def test_many_siblings_share_a_box_and_their_children_follow(self) -> None:
        groups = {group.key: group for group in collapse(self.items(20), most=10)}
        assert len(groups) == 2 + 2 + 1
        assert groups["p0a"].names == tuple(f"p{row}a" for row in range(20))
        assert len(groups["r0-00"].names) == 80 and groups["r0-00"].feeds == ("p0a", "p0b")

    def test_nothing_is_lost_and_nothing_stands_twice(self) -> None:
        items = self.items(33)
        for most in (1, 5, 1000):
            names = [name for group in collapse(items, most=most) for name in group.names]
            assert sorted(names) == sorted(item.name for item in items)

    def test_a_long_title_keeps_its_number(self) -> None:
        group = Group("k", 0, tuple(f"a-{n}-x{n * n}" for n in range(50)), (), False)
        assert group.title == "a-0-x0 … a-49-x2401 ×50"

    def test_levels_are_the_longest_way_from_a_source(self) -> None:
        assert levels({"d": ("b", "c"), "b": ("a",), "c": ("b",), "a": (), "e": ("gone",)}) == {
            "a": 0, "b": 1, "c": 2, "d": 3, "e": 0}  # fmt: skip

    def test_a_circle_does_not_hang(self) -> None:
        assert set(levels({"a": ("b",), "b": ("c",), "c": ("a",)})) == {"a", "b", "c"}


class TestLayout:
    def test_boxes_never_overlap(self) -> None:
        boxes = [Box(f"{level}-{n}", level, "t") for level in range(3) for n in range(2 + 5 * level)]
        edges = [Edge(f"0-{n % 2}", f"1-{n}") for n in range(7)]
        layout = arrange(boxes, edges)
        for level in range(3):
            column = sorted(y for key, (_, y) in layout.places.items() if key.startswith(f"{level}-"))
            assert all(b - a >= 0.5 for a, b in zip(column, column[1:], strict=False))

    def test_lines_do_not_cross_where_they_need_not(self) -> None:
        boxes = [Box(key, int(key[1]), key) for key in ("a0", "b0", "c0", "y1", "z1", "x1")]
        places = arrange(boxes, [Edge("a0", "x1"), Edge("b0", "y1"), Edge("c0", "z1")]).places
        assert [key for key, _ in sorted(places.items(), key=lambda row: row[1][1]) if key.endswith("1")] == [
            "x1",
            "y1",
            "z1",
        ]

    def test_words_avoid_each_other(self) -> None:
        placer = Placer()
        first, second = (placer.place(lambda share: (10 * share, 0.0), (1.0, 0.2)) for _ in range(2))
        assert first == (5.0, 0.0) and abs(second[0] - first[0]) >= 0.79

    def test_ink_is_readable(self) -> None:
        assert ink_on(STATES[3][0]) == "white" and ink_on(STATES[1][0]) != "white"


class TestPaint:
    def test_a_group_has_the_colour_of_its_worst(self) -> None:
        paint = Paint("", "load", {"a": 0.2, "b": 0.95})
        assert paint.colour(["a", "b", "unknown"]) == paint.colour(["b"]) != paint.colour(["a"])
        assert paint.note(("a", "b")) == "mean 57 %, at most 95 %"
        assert paint.colour(["unknown"]) == NEUTRAL

    def test_more_than_the_limit_is_the_last_colour(self) -> None:
        paint = Paint("", "load", {"a": 1.1, "b": 17.0})
        assert paint.colour(["a"]) == paint.colour(["b"])

    def test_a_blast_marks_lost_down_and_weakened(self, fleet: Fleet) -> None:
        paint = by_blast(fleet, blast_radius(fleet, "ams1-msb-2"), of="ams1-msb-2")
        assert [paint.values[name] for name in ("ams1-msb-2", "ams1-out-2", "ams1-a01", "fra1-grid")] == [
            3,
            2,
            1,
            0,
        ]
        assert paint.words["ams1-out-2"] == "goes down"

    def test_loads_are_those_of_the_snapshot(self, fleet: Fleet, snapshot: Snapshot) -> None:
        paint = by_load(fleet, snapshot)
        unit = snapshot.units.index("ams1-msb-1")
        assert paint.values["ams1-msb-1"] == pytest.approx(snapshot.peak_va[unit] / snapshot.limit_va[unit])
        assert paint.values["ams1"] == max(
            paint.values[name]
            for name, site in zip(snapshot.units, snapshot.unit_site, strict=True)
            if site == "ams1"
        )


class TestPictures:
    def test_power_of_a_site_names_every_unit(self, fleet: Fleet, snapshot: Snapshot) -> None:
        words = words_of(draw_power(fleet, by_load(fleet, snapshot), name="ams1"))
        for unit in fleet.power_units:
            assert (unit.name in words) == (unit.site == "ams1"), unit.name
        assert "ams1-a[01-06] ×6" in words
        assert "100 % of its limit" in words

    def test_power_around_a_unit_is_what_feeds_it_and_what_it_feeds(self, fleet: Fleet) -> None:
        words = words_of(draw_power(fleet, plain(), name="ams1-out-1")).splitlines()
        assert {"ams1-grid", "ams1-msb-1", "ams1-out-1", "ams1-a-panel-a"} <= set(words)
        assert not {"ams1-out-2", "ams1-msb-2", "ams1-a-panel-b"} & set(words)

    def test_power_of_the_fleet_has_a_panel_per_site(self, fleet: Fleet) -> None:
        words = words_of(draw_power(fleet, plain())).splitlines()
        assert {site.name for site in fleet.sites} <= set(words)

    def test_the_backbone_has_every_site_and_what_joins_them(self, fleet: Fleet, snapshot: Snapshot) -> None:
        words = words_of(draw_network(fleet, by_load(fleet, snapshot)))
        for site in fleet.sites:
            assert site.name in words
        assert "Gbit/s" in words

    def test_the_fabric_of_a_site(self, fleet: Fleet) -> None:
        words = words_of(draw_network(fleet, plain(), name="ams1")).splitlines()
        assert {switch.name for switch in fleet.switches if switch.site == "ams1"} <= set(words)
        assert not any(line.startswith("fra1") for line in words)

    def test_a_service_with_callers_callees_and_sites(self, fleet: Fleet, snapshot: Snapshot) -> None:
        figure = draw_service(fleet, by_load(fleet, snapshot), name="catalog", snapshot=snapshot)
        words = words_of(figure)
        for said in ("web (tier 0)", "catalog (tier 1)", "db (tier 0)", "×1.2", "ams1", "requests/s"):
            assert said in words
        assert "payments" not in words

    def test_services_of_the_fleet(self, fleet: Fleet) -> None:
        words = words_of(draw_service(fleet, plain()))
        assert all(f"{service.name} (tier" in words for service in fleet.services)
        assert "on their own" in words, "transcode calls nobody"

    def test_causes_of_a_counter_example(self, failed: Verdict) -> None:
        gate = failed["breakers"]
        assert gate.counter_example is not None
        words = words_of(draw_causes(gate, gate.counter_example))
        assert (
            "Why breakers failed: n-1-units (UPS ams1-ups-1 lost between drain and service), plan stopped after drain"
            in words
        )
        assert "UPS ams1-ups-1 is lost" in words
        assert all(f"{number} · +0:" in words for number in range(1, 8))

    def test_equal_figures_are_equal_bytes(self, fleet: Fleet) -> None:
        for path in (Path("x.svg"), Path("x.png")):
            one, other = (render(draw_service(fleet, plain()), path) for _ in range(2))
            assert one == other

    @pytest.mark.parametrize("draw", [draw_power, draw_network, draw_service])
    def test_a_wrong_name_gets_help(self, fleet: Fleet, draw: object) -> None:
        with pytest.raises(UsageError, match="ams|web"):
            draw(fleet, plain(), name="ams11" if draw is not draw_service else "webb")  # type: ignore[operator]

    @pytest.mark.parametrize("path", ["x.pdf", "x", "nowhere/x.svg"])
    def test_a_path_that_cannot_be_is_refused(self, path: str) -> None:
        with pytest.raises(UsageError):
            check_path(Path(path))


def test_fifteen_hundred_racks_fit_on_a_page() -> None:
    from scenarios.fleets.site import Built, RowSpec, SiteSpec, build_site
    from twin.model.fleet import Region, Site

    built = Built()
    rows: Sequence[RowSpec] = [RowSpec(f"r{n:03d}", 12, "compute", 20, "front") for n in range(125)]
    build_site(SiteSpec("big", rows), built)
    fleet = Fleet(
        fleet="large", regions=(Region(name="r"),), sites=(Site(name="big", region="r"),),
        power_units=tuple(built.power_units), cooling_plants=tuple(built.cooling_plants), racks=tuple(built.racks),
        switches=tuple(built.switches), links=tuple(built.links))  # fmt: skip
    assert len(fleet.racks) == 1500
    for figure in (draw_power(fleet, plain(), name="big"), draw_network(fleet, plain(), name="big")):
        width, height = figure.get_size_inches()
        assert width < 30 and height < 25
        # Not one rack has gone missing: the numbers on the boxes of the last column add up.
        assert sum(_count(line) for line in words_of(figure).splitlines() if RACKS.match(line)) == 1500


RACKS = re.compile(r"r\d{3}(-\S+)?( … r\d{3}-\d\d)? ×[\d,]+$|r\[.*\]-\[.*\] ×[\d,]+$")


def _count(line: str) -> int:
    return int(line.rpartition("×")[2].replace(",", ""))
