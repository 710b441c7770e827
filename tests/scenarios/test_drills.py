"""Public incidents: the twin does what their accounts say, and does not where one thing is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from reports.drill import drill_table
from scenarios.drills import drill_file, drill_names
from tests.conftest import Outcome
from tests.files.test_schema import faults
from twin.evaluate.drill import play_drill
from twin.evaluate.drill_match import Evidence, extras, judge
from twin.files.documents import write_document
from twin.files.drills import cases, read_drill
from twin.files.schema import json_schema
from twin.files.yaml import parse
from twin.model.drill import Drill, Expectation
from twin.model.errors import DrillError, UsageError
from twin.records.drill import Drilled, Event

FOLDER = Path(drill_file(drill_names()[0])).parent
# Without this law the drill must not come out: else it would not test it.
NEEDS = {
    "aws-ebs-2011": "rebuild",
    "aws-s3-2017": "quorum",
    "aws-sydney-2016": "batteries",
    "aws-tokyo-2019": "zones",
    "aws-us-east-2012-breaker": "breakers",
    "aws-us-east-2012-generators": "generators",
    "aws-us-east-2021-retries": "retries",
    "azure-australia-east-2023": "plants",
    "azure-gov-2019-sts": "transfers",
    "azure-south-central-2018": "zones",
    "cloudflare-pdx-2023": "batteries",
    "edpnet-2020": "congestion",
    "gap-and-battery": "batteries",
    "google-2019": "fail-static",
    "google-us-east5-2025": "batteries",
    "power-storm": "startup",
    "rackspace-dfw-2007": "plants",
    "scaleway-2019": "congestion",
    "two-cords": "breakers",
}
SMALL = """\
drill: small
title: A panel is lost
source: nobody
confidence: rule
window: 10 min
fleet:
  fleet: small
  regions: [{name: r}]
  sites: [{name: s, region: r}]
  power_units:
    - {name: grid, kind: utility, site: s, rated: 1 MVA}
    - {name: panel, kind: panel, site: s, rated: 1 MVA, fed_by: [grid]}
  racks: [{name: "k[1-3]", site: s, row: a, fed_by: [panel]}]
  server_types: [{name: t, cores: 1, idle: 1 kW, max: 1 kW}]
  reservations: [{name: o}]
  server_groups: [{name: "k[1-3]-g", rack: "k[1-3]", type: t, owner: o, count: 1}]
injected:
  - {id: lost, at: 1 min, text: the grid is lost, kind: state, target: grid, value: -1}
predicted:
  - {id: dark, says: the racks are dark, event: down, thing: "k*", from: 1 min, to: 2 min}
not:
  - {name: nothing happens, set: {injected/lost/at: 20 min}, absent: [dark]}
"""


@cache
def played(name: str) -> Drilled:
    """Return a built-in drill, played once."""
    return play_drill(read_drill(drill_file(name)))


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Path]:
    """Write the small drill with some text replaced."""

    def write(*changes: tuple[str, str]) -> Path:
        text = SMALL
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "small.yaml"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("name", drill_names())
def test_what_the_account_says_happens_and_nothing_else(name: str) -> None:
    drilled = played(name)
    assert [f"{row.says}: {row.wanted}, {row.happened}" for row in drilled.findings if not row.ok] == []
    assert drilled.of("predicted")


@pytest.mark.parametrize("name", drill_names())
def test_with_one_thing_changed_nothing_cascades(name: str) -> None:
    drilled = played(name)
    wrong = [
        f"{case}: {row.says}, {row.happened}" for case, rows in drilled.variants for row in rows if not row.ok
    ]
    assert wrong == []
    assert drilled.table == drilled.wanted_table
    assert drilled.passed


@pytest.mark.parametrize(("name", "law"), NEEDS.items())
def test_without_its_law_a_drill_does_not_come_out(name: str, law: str) -> None:
    drill = read_drill(drill_file(name)).model_copy(update={"sweep": None, "not_": ()})
    assert not play_drill(drill, without=(law,)).passed


@pytest.mark.parametrize("name", drill_names())
def test_nothing_comes_out_of_nothing(name: str) -> None:
    """What is predicted to happen does not when nothing is injected but what can do no harm."""
    drill = read_drill(drill_file(name))
    harmless = drill.injected[0].model_copy(
        update={"kind": "demand", "target": "*", "value": 0.0, "key": "*", "at_s": 0.0}
    )
    quiet = play_drill(drill.model_copy(update={"injected": (harmless,), "sweep": None, "not_": ()}))
    events = {"down", "begins", "acts", "up", "ends"}
    never = {row.id for row in drill.expected if row.never or row.event not in events}
    assert [row.id for row in quiet.findings if row.ok and row.id not in never] == []
    assert [row for row in quiet.findings if row.role == "extra"] == []


def test_every_file_of_the_folder_is_a_drill_of_that_name() -> None:
    assert len(drill_names()) >= 12
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(drill_names())
    assert [played(name).drill.name for name in drill_names()] == list(drill_names())


def test_the_cascade_is_told_back_to_what_was_injected() -> None:
    example = played("aws-us-east-2012-generators").example
    assert example.chain[0].text == "a voltage spike takes utility from both sites"
    assert "lose power" in example.chain[-1].text


def test_a_breaker_trips_because_of_the_load_that_came_over() -> None:
    chain = played("aws-us-east-2012-breaker").example.chain
    (trip,) = [step for step in chain if step.kind == "breaker_trips"]
    assert chain[trip.cause].text == "600 kW moves to ups-s from ups-p"


@pytest.mark.slow
def test_the_table_in_the_readme_is_what_the_drills_give() -> None:
    table = drill_table([played(name) for name in drill_names()])
    assert table in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_a_drill_stands_for_itself_its_variants_and_the_cells_of_its_sweep() -> None:
    drill = read_drill(drill_file("gap-and-battery"))
    found = list(cases(drill))
    assert [case.variant for case in found[:2]] == [None, 0]
    assert [case.cell for case in found[2:]] == [(row, column) for row in range(5) for column in range(6)]
    units = {unit.name: unit for unit in found[2 + 6 + 3].fleet.power_units}
    assert (units["ups"].battery_j, units["gen"].start_s) == (300e6, 900.0)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("target: grid", "target: gird"), "the fleet has no 'gird'"),
        (("injected/lost/at", "injected/last/at"), "there is no 'last' in path 'injected/last/at'"),
        (("absent: [dark]", "absent: [dork]"), "nothing expected is called dork"),
        (("event: down", "event: begins"), "'begins' and 'ends' need 'of'"),
        (("fed_by: [grid]", "fed_by: [gird]"), "gird"),
        (("from: 1 min, to: 2 min", "from: 3 min, to: 2 min"), "'to' is before 'from'"),
        (("at: 1 min", "at: 1"), "no unit"),
        (("injected/lost/at: 20 min", "fleet/power_units/panel/rated: 3 kW"), "not a unit of apparent power"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(
    small: Callable[..., Path], change: tuple[str, str], problem: str
) -> None:
    with pytest.raises(DrillError) as caught:
        read_drill(small(change))
    (found,) = caught.value.problems
    assert problem in str(found)
    assert "small.yaml:" in found.where


@pytest.mark.parametrize("name", drill_names())
def test_a_drill_written_and_read_again_is_the_same_and_fits_the_published_schema(
    name: str, tmp_path: Path
) -> None:
    drill = read_drill(drill_file(name))
    write_document(drill, tmp_path / "again.yaml")
    assert read_drill(tmp_path / "again.yaml") == drill
    schema = json_schema("drill")
    assert faults(parse(drill_file(name).read_bytes(), name).value, schema, schema) == []


def test_two_drills_are_compared_in_words(
    small: Callable[..., Path], cli: Callable[..., Outcome], tmp_path: Path
) -> None:
    other = small(("at: 1 min", "at: 2 min")).rename(tmp_path / "other.yaml")
    assert cli("diff", other, small()).out.splitlines() == ["injected lost: at 2 min -> 60 s"]


def test_a_small_drill_comes_out_and_a_bent_one_does_not(small: Callable[..., Path]) -> None:
    assert play_drill(read_drill(small())).passed
    late = play_drill(read_drill(small(("from: 1 min", "from: 90 s"))))
    assert [row.happened for row in late.findings if row.role == "predicted"] == ["not; k1 down at +0:01:00"]
    assert {row.says for row in late.findings if row.role == "extra"} == {"no other dark"}
    through = play_drill(read_drill(small(("injected/lost/at: 20 min", "injected/lost/at: 5 min"))))
    assert [row.ok for _, rows in through.variants for row in rows] == [False, False, False, False]


def test_a_sweep_that_differs_from_its_rule_does_not_pass(small: Callable[..., Path]) -> None:
    sweep = (
        "not:\n",
        "sweep: {says: rule, cascade: [dark], table: [TABLE],\n"
        "  across: {path: injected/lost/at, values: [1 min, 20 min]}}\nnot:\n",
    )
    right, wrong = (play_drill(read_drill(small(sweep, ("TABLE", table)))) for table in ("x.", "xx"))
    assert (right.table, right.passed) == (("x.",), True)
    assert (wrong.table, wrong.passed) == (("x.",), False)


def evidence(*events: Event) -> Evidence:
    """Return what a run of ten minutes with three racks and one service left."""
    names = {"power_units": ["u"], "cooling_plants": [], "racks": ["k1", "k2", "k3"], "services": ["web"]}
    traces = {("power_w", "u"): [(-60.0, 5.0), (120.0, 9.0), (300.0, 5.0)]}
    return Evidence(events, traces, names, 60.0, 600.0)


def expected(**values: object) -> Expectation:
    return Expectation.model_validate({"id": "a", "says": "it", "event": "down", "thing": "k*", **values})


def holds(row: Expectation, *events: Event) -> bool:
    return judge([row], evidence(*events), "predicted", {})[0].ok


def down(at_s: float, thing: str, by: str = "") -> Event:
    return Event(at_s, "down", thing, "racks", by=by)


ALL = tuple(down(100.0 + i, f"k{i + 1}") for i in range(3))


def test_everything_a_pattern_names_must_show_the_event_or_the_first_of_them() -> None:
    assert holds(expected(), *ALL)
    assert not holds(expected(), *ALL[:2])
    assert holds(expected(except_="k3"), *ALL[:2])
    assert holds(expected(thing="k[1-2]"), *ALL[:2])
    assert holds(expected(which="first"), ALL[1])
    assert not holds(expected(thing="nobody"), *ALL)
    assert not holds(expected(by="breakers"), *ALL)
    assert holds(expected(by="breakers", which="first"), down(1.0, "k1", "breakers"))


def test_windows_are_kept() -> None:
    assert holds(expected(from_s=100.0, to_s=102.0), *ALL)
    assert not holds(expected(from_s=101.0, to_s=102.0), *ALL)
    assert not holds(expected(from_s=100.0, to_s=101.0), *ALL)


def test_never_ends_just_before_its_end() -> None:
    never = expected(never=True, to_s=100.0)
    assert holds(never, *ALL)
    assert not holds(never, down(99.0, "k2"), *ALL)


def test_order_is_kept() -> None:
    first = expected(id="first", thing="k1")
    after = expected(id="then", thing="k2", after="first")

    def order(*events: Event) -> list[bool]:
        return [row.ok for row in judge([after, first], evidence(*events), "predicted", {})]

    assert order(down(10.0, "k1"), down(10.0, "k2")) == [True, True]
    assert order(down(10.0, "k2"), down(11.0, "k1")) == [False, True]
    assert order(down(10.0, "k2")) == [False, False]
    soon = expected(id="then", thing="k2", after="first", within_s=5.0)
    late = (down(10.0, "k1"), down(16.0, "k2"))
    assert [row.ok for row in judge([first, soon], evidence(*late), "predicted", {})] == [True, False]


def test_quantities_hold_their_value_between_settles() -> None:
    level = {"quantity": "power_w", "thing": "u", "value": 7.0}
    assert holds(expected(event="above", from_s=120.0, to_s=300.0, **level))
    assert not holds(expected(event="above", from_s=119.0, to_s=300.0, **level))
    assert not holds(expected(event="above", from_s=120.0, to_s=301.0, **level))
    assert holds(expected(event="below", from_s=0.0, to_s=120.0, **level))
    assert not holds(expected(event="below", from_s=0.0, to_s=121.0, **level))
    assert not holds(expected(event="below", quantity="inlet_c", thing="u", value=7.0))


def test_what_nothing_expected_accounts_for_is_too_much(small: Callable[..., Path]) -> None:
    drill = read_drill(small())

    def too_much(*events: Event) -> list[str]:
        return [row.id for row in extras(drill, drill.expected, evidence(*events), any_time=False)]

    lost = Event(90.0, "begins", "web", "violation", of="slo_violations")
    assert too_much(*(replace(event, at_s=90.0) for event in ALL)) == []
    assert too_much(down(300.0, "k1"), lost) == ["dark", "service"]
    assert too_much(Event(9.0, "down", "u", "power_units", by="breakers")) == ["trip"]
    assert too_much(down(9.0, "k1", "zones")) == ["shutdown"]
    assert too_much(Event(9.0, "down", "grid", "power_units"), Event(9.0, "up", "k1", "racks")) == []


def test_the_command_shows_writes_and_exits(
    cli: Callable[..., Outcome], tmp_path: Path, small: Callable[..., Path]
) -> None:
    good = cli("drill", small(), "-o", tmp_path / "out")
    assert (good.code, good.err) == (0, "")
    assert "the racks are dark" in good.out and "1 of 1 as the accounts say" in good.out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "small.html",
        "small.png",
        "small.svg",
    ]
    page = (tmp_path / "out" / "small.html").read_text(encoding="utf-8")
    assert "A panel is lost" in page and "<svg" in page and "k[1-3] lose power" in page
    bad = cli("drill", small(("from: 1 min", "from: 90 s")), "--json")
    assert bad.code == 10
    (found,) = json.loads(bad.out)
    assert (found["passed"], found["findings"][0]["ok"]) == (False, False)
    table = cli("drill", small(), "--markdown").out
    assert "| **small**<br>A panel is lost | predicted | the racks are dark |" in table


def test_the_command_refuses_what_it_does_not_know(
    cli: Callable[..., Outcome], small: Callable[..., Path]
) -> None:
    assert "did you mean 'edpnet-2020'" in cli("drill", "edpnet-2021").err
    assert cli("drill").code == 2
    refused = cli("drill", small(), "--without", "gravity")
    assert refused.code == 2 and "no law gravity" in refused.err


def test_a_built_in_drill_is_found_by_its_name() -> None:
    assert read_drill(drill_file("two-cords")).name == "two-cords"
    with pytest.raises(UsageError, match="two-cords"):
        drill_file("two-chords")
    assert isinstance(read_drill(drill_file("two-cords")), Drill)
