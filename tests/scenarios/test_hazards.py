"""Each hazard by itself: what it changes, when, and what it refuses."""

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from scenarios import hazards, suite, suite_names
from scenarios.check import check_suite, hazard, hazards_of, skipped
from scenarios.draw import draw
from scenarios.hazards import HAZARDS
from scenarios.hazards.base import Hazard, Setting
from scenarios.world import Spell, timeline
from twin.files.documents import read_suite, write_document
from twin.model.change import Change
from twin.model.errors import ScenarioError, UsageError
from twin.model.fleet import Fleet
from twin.model.scenario import HazardSpec, Scenario, Suite

START = datetime(2026, 11, 21, 0, tzinfo=UTC)
HOUR_S, DAY_S = 3600.0, 86400.0


def spells(fleet: Fleet, one: Hazard, seed: int = 1) -> list[Spell]:
    return one.spells(Setting(fleet, DAY_S, START, seed, one.kind))


def problems(fleet: Fleet, *specs: HazardSpec | Hazard) -> list[str]:
    parts = tuple(spec.spec() if isinstance(spec, Hazard) else spec for spec in specs)
    with pytest.raises(ScenarioError) as caught:
        check_suite(Suite(suite="s", scenarios=(Scenario(scenario="one", hazards=parts),)), fleet)
    return [str(problem) for problem in caught.value.problems]


def test_every_file_of_the_folder_is_registered_and_documented() -> None:
    folder = Path(hazards.__file__).parent
    homes = {one.__module__.rpartition(".")[2] for one in HAZARDS}
    assert {path.stem for path in folder.glob("*.py")} - homes == {"__init__", "base", "things"}
    for one in HAZARDS:
        assert one.__doc__ and getattr(hazards, one.__name__) is one


def test_loss_of_a_named_unit_comes_back(fleet: Fleet) -> None:
    (spell,) = spells(fleet, hazards.Loss(thing="ams1-panel-a", at="1 h", lasts="30 min"))
    assert (spell.at_s, spell.lasts_s) == (HOUR_S, 1800.0)
    down, up = timeline([spell], 0.0, DAY_S)
    assert (down.at_s, down.change) == (HOUR_S, Change("state", "ams1-panel-a", -1.0))
    assert (up.at_s, up.change) == (5400.0, Change("state", "ams1-panel-a", 1.0))
    assert down.text == "panel ams1-panel-a is lost"


@pytest.mark.parametrize(
    ("thing", "targets"),
    [
        ("ams1-r[01-02]", ["ams1-r01", "ams1-r02"]),
        ("row:iad1-row1", ["iad1-r01", "iad1-r02", "iad1-r03", "iad1-r04"]),
        ("srlg:cable", ["sea"]),
        ("site:ams1", ["ams1-grid", "ams1-tor", "ams1-border"]),
        ("us", ["iad1-grid", "iad1-tor", "iad1-border"]),
    ],
)
def test_references_stand_for_what_goes_down(fleet: Fleet, thing: str, targets: list[str]) -> None:
    (spell,) = spells(fleet, hazards.Loss(thing=thing))
    assert [change.target for change in spell.changes] == targets
    assert {(change.kind, change.value) for change in spell.changes} == {("state", -1.0)}


def test_loss_of_a_server_group_breaks_all_its_servers(fleet: Fleet) -> None:
    (spell,) = spells(fleet, hazards.Loss(thing="ams1-r01-g"))
    assert spell.changes == (Change("failed", "ams1-r01-g", 10.0),)


def test_loss_at_states_of_the_plan(fleet: Fleet) -> None:
    spec = hazards.Loss(thing="sea", state="after*", horizon="10 min").spec()
    one = Scenario(scenario="s", hazards=(spec,))
    states = (("before the plan", 0.0), ("after drain", 60.0), ("after back", 600.0))
    members = draw(one, fleet, window_s=DAY_S, start=START, seed=1, states=states)
    assert [(world.start_s, world.until_s) for world in members] == [(60.0, 660.0), (600.0, 1200.0)]
    with pytest.raises(ScenarioError, match="no state of the plan matches 'after\\*'"):
        draw(one, fleet, window_s=DAY_S, start=START, seed=1, states=states[:1])


def test_a_random_occasion_happens_with_its_probability_and_uniformly(fleet: Fleet) -> None:
    shock = hazards.CommonCause(things=("ams1-panel-a", "iad1-panel-a"), probability="20 %", lasts="1 h")
    drawn = [spell for seed in range(2000) for spell in spells(fleet, shock, seed)]
    assert abs(len(drawn) / 2000 - 0.2) < 4 * math.sqrt(0.16 / 2000)
    times = np.array([spell.at_s for spell in drawn]) / DAY_S
    assert abs(times.mean() - 0.5) < 4 * math.sqrt(1 / 12 / len(times))
    assert all(len(spell.changes) == 2 for spell in drawn)


def test_grid_outage_takes_the_utilities_of_the_region(fleet: Fleet) -> None:
    (spell,) = spells(fleet, hazards.GridOutage(region="eu", at="2026-11-21T02:00Z"))
    assert spell.at_s == 2 * HOUR_S
    assert spell.changes == (Change("state", "ams1-grid", -1.0),)


def test_demand_surge_adds_to_the_factor_of_the_whole_window(fleet: Fleet) -> None:
    (spell,) = spells(fleet, hazards.DemandSurge(factor="150 %", service="web"))
    assert spell.changes == (Change("demand", "web", 0.5, "*"),)
    assert [timed.at_s for timed in timeline([spell], 0.0, DAY_S)] == [0.0]


def test_growth_lasts(fleet: Fleet) -> None:
    (spell,) = spells(fleet, hazards.Growth(by="20 %", region="us"))
    (timed,) = timeline([spell], 0.0, DAY_S)
    assert timed.change == Change("demand", "*", 0.2, "us")


def test_calendar_takes_offsets_and_dates_and_clips_what_began_before(fleet: Fleet) -> None:
    calendar = hazards.MaintenanceCalendar(
        entries=[
            {"thing": "ams1-panel-a", "at": "2 h", "lasts": "1 h"},
            {"thing": "iad1-panel-b", "at": "2026-11-20T23:00Z", "lasts": "90 min"},
        ]
    )
    changes = timeline(spells(fleet, calendar), 0.0, DAY_S)
    assert [(t.at_s, t.change.target, t.change.value) for t in changes] == [
        (0.0, "iad1-panel-b", -1.0),
        (1800.0, "iad1-panel-b", 1.0),
        (2 * HOUR_S, "ams1-panel-a", -1.0),
        (3 * HOUR_S, "ams1-panel-a", 1.0),
    ]


def test_bad_config_makes_a_share_of_all_replicas_sick(fleet: Fleet) -> None:
    (spell,) = spells(fleet, hazards.BadConfig(share="20 %", at="0 min"))
    assert spell.changes == (Change("sick", "web", 0.2),)


def test_control_plane_is_lost_and_comes_back(fleet: Fleet) -> None:
    changes = timeline(spells(fleet, hazards.ControlPlaneLoss(at="1 h")), 0.0, DAY_S)
    assert [(t.at_s, t.change) for t in changes] == [
        (HOUR_S, Change("control", "", -1.0)),
        (2 * HOUR_S, Change("control", "", 1.0)),
    ]


def test_heat_wave_raises_the_hottest_instant_to_the_peak(fleet: Fleet) -> None:
    (spell,) = spells(fleet, hazards.HeatWave(site="ams1", peak="43 °C"))
    assert spell.changes == (Change("outdoor", "ams1", 23.0),)
    swinging = spells(fleet, hazards.HeatWave(site="ams1", peak="43 °C", swing="10 °C"))
    changes = timeline(swinging, 0.0, DAY_S)
    outdoor = 20.0 + np.cumsum([t.change.value for t in changes])
    by_hour = {t.at_s: temperature for t, temperature in zip(changes, outdoor, strict=True)}
    assert by_hour[15 * HOUR_S] == pytest.approx(43.0)
    assert by_hour[3 * HOUR_S] == pytest.approx(33.0)
    assert problems(fleet, hazards.HeatWave(site="ams1", peak="10 °C"))
    assert "did you mean 'ams1'?" in problems(fleet, hazards.HeatWave(site="ams2", peak="40 °C"))[0]


def test_crews_mend_one_thing_after_the_other(fleet: Fleet) -> None:
    def broken(at_s: float, lasts_s: float, target: str, site: str) -> Spell:
        return Spell(
            at_s, lasts_s, (Change("state", target, -1.0),), "", "", "world:test", site, needs_crew=True
        )

    before = [
        broken(0.0, 100.0, "a", "ams1"),
        broken(10.0, 100.0, "b", "ams1"),
        broken(20.0, 50.0, "c", "ams1"),
        broken(30.0, 100.0, "x", "iad1"),
        broken(120.0, 10.0, "b", "ams1"),
        broken(400.0, 5.0, "b", "ams1"),
    ]
    after = hazards.RepairCrews(crews=1).arrange(before)
    ends = [(s.changes[0].target, s.at_s + s.lasts_s) for s in after]
    # b waits for a, c for b; b fails again at 120 while it is still down (until 200): that is no second failure.
    assert ends == [("a", 100.0), ("b", 200.0), ("c", 250.0), ("x", 130.0), ("b", 405.0)]
    assert hazards.RepairCrews(crews=3).arrange(before) == [*before[:4], *before[4:]]


def test_crews_leave_planned_things_alone() -> None:
    planned = Spell(0.0, 5.0, (Change("demand", "*", 0.5, "*"),), "", "", "world:demand-surge")
    assert hazards.RepairCrews(crews=1).arrange([planned, planned]) == [planned, planned]


TRACE = """name,start,end
ams1-panel-a,2026-11-21T01:00Z,2026-11-21T02:00Z
srlg:cable,2026-11-21 03:00,2026-11-21 04:30
"""


def test_replayed_outages_travel_with_the_suite(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text(TRACE)
    one = Suite(
        suite="s",
        scenarios=(Scenario(scenario="trace", hazards=(hazards.ReplayOutages(file="trace.csv").spec(),)),),
    )
    checked = check_suite(one, fleet, folder=tmp_path)
    (world,) = draw(checked.scenarios[0], fleet, window_s=DAY_S, start=START, seed=1)
    assert [(t.at_s / HOUR_S, t.change.target, t.change.value) for t in world.changes] == [
        (1.0, "ams1-panel-a", -1.0),
        (2.0, "ams1-panel-a", 1.0),
        (3.0, "sea", -1.0),
        (4.5, "sea", 1.0),
    ]
    write_document(checked, tmp_path / "suite.yaml")
    again = read_suite(tmp_path / "suite.yaml")
    assert draw(again.scenarios[0], fleet, window_s=DAY_S, start=START, seed=1)[0].changes == world.changes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name,start_s,end_s\nams1-panel-a,NaN,20\nsea,1,x\n", ["trace.csv:2", "trace.csv:3"]),
        (
            "name,start_s,end_s\nams1-panl-a,0,20\nsea,9,3\n",
            ["did you mean 'ams1-panel-a'?", "ends before it starts"],
        ),
        ("name,start,end\nsea,yesterday,2026-11-21\n", ["'yesterday' is not a time"]),
        ("name,begin\nsea,1\n", ["has no column start, end"]),
        ("name,start_s,end_s\n", ["has no outages"]),
    ],
)
def test_bad_traces_name_the_row(fleet: Fleet, tmp_path: Path, text: str, expected: list[str]) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(text)
    found = "\n".join(problems(fleet, hazards.ReplayOutages(file=str(path))))
    for part in expected:
        assert part in found


def test_a_missing_trace_is_a_problem_of_the_suite(fleet: Fleet) -> None:
    assert "cannot be read" in problems(fleet, hazards.ReplayOutages(file="nowhere.csv"))[0]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (HazardSpec(kind="heatwave", params={}), "did you mean 'heat-wave'?"),
        (HazardSpec(kind="heat-wave", params={"site": "ams1", "peek": "43 °C"}), "did you mean 'peak'?"),
        (HazardSpec(kind="heat-wave", params={"site": "ams1", "peak": 43}), "has no unit"),
        (HazardSpec(kind="loss", params={"thing": "sea", "at": 5}), "is not a time"),
        (HazardSpec(kind="loss", params={"thing": "sea", "at": "soon"}), "or 'random', or a date"),
        (HazardSpec(kind="loss", params={"thing": "se"}), "did you mean 'sea'?"),
        (HazardSpec(kind="loss", params={"thing": "web"}), "cannot be lost"),
        (HazardSpec(kind="loss", params={"thing": "row:ams1-row9"}), "did you mean 'ams1-row1'?"),
        (HazardSpec(kind="loss", params={"thing": "ams1-r[04-01]"}), "runs backwards"),
        (HazardSpec(kind="single-losses", params={"kind": "pannel"}), "did you mean 'panel'?"),
        (
            HazardSpec(kind="single-losses", params={"kind": "panel", "sites": ["ams"]}),
            "did you mean 'ams1'?",
        ),
        (HazardSpec(kind="demand-surge", params={"factor": 1}), "changes nothing"),
        (HazardSpec(kind="demand-surge", params={"factor": 2, "service": "wob"}), "did you mean 'web'?"),
        (HazardSpec(kind="grid-outage", params={"region": "eu-1"}), "there is no region 'eu-1'"),
        (
            HazardSpec(kind="common-cause", params={"things": ["sea"], "probability": "0 %"}),
            "must be above 0",
        ),
        (
            HazardSpec(
                kind="maintenance-calendar",
                params={"entries": [{"thing": "sea", "at": "random", "lasts": "1 h"}]},
            ),
            "has no time",
        ),
    ],
)
def test_wrong_parameters_are_refused_with_a_hint(fleet: Fleet, spec: HazardSpec, expected: str) -> None:
    assert expected in "\n".join(problems(fleet, spec))


def test_all_problems_come_at_once(fleet: Fleet) -> None:
    found = problems(
        fleet, HazardSpec(kind="quake"), hazards.Loss(thing="nix"), hazards.GridOutage(region="asia")
    )
    assert len(found) == 3
    assert all(text.startswith("scenario one, hazard") for text in found)


def test_random_hazards_do_not_mix_with_an_enumeration(fleet: Fleet) -> None:
    found = problems(fleet, hazards.IndependentFailures(), hazards.SingleLosses(kind="panel"))
    assert found == ["scenario one: mixes random hazards with an enumeration (put them into two scenarios)"]


def test_what_a_fleet_does_not_have_is_left_out_with_a_note(fleet: Fleet) -> None:
    whole = suite("n-1-and-peak")
    names = [one.name for one in check_suite(whole, fleet).scenarios]
    assert names == ["calm", "lose-panel", "lose-switch", "lose-link", "random-failures", "surge"]
    assert skipped(whole, fleet)["lose-ups"] == "the fleet has no ups to lose"
    assert problems(fleet, hazards.SingleLosses(kind="ups")) == [
        "one: the fleet has no ups to lose (use a suite that fits this fleet)"
    ]


@pytest.mark.parametrize("name", suite_names())
def test_built_in_suites_are_sound(fleet: Fleet, name: str) -> None:
    assert suite(name).name == name
    assert suite(name).description
    check_suite(suite(name), fleet)


def test_an_unknown_suite_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="did you mean 'calm'"):
        suite("clam")


@pytest.mark.parametrize(
    "one",
    [
        hazards.HeatWave(site="ams1", peak="43 °C"),
        hazards.HeatWave(site="ams1", peak_c=43.0, swing_k=5.0),
        hazards.SingleLosses(kind=("panel", "ups"), horizon_s=60.0),
        hazards.Loss(thing="sea", at=90.0),
        hazards.Loss(thing="sea", at=datetime(2026, 11, 21, tzinfo=UTC), lasts_s=5.0),
        hazards.ReplayOutages(outages=[(0.0, 5.0, "sea")]),
        hazards.MaintenanceCalendar(entries=[{"thing": "sea", "at": 5.0, "lasts_s": 2.0}]),
    ],
)
def test_specs_read_back_as_the_same_hazard(one: Hazard, tmp_path: Path) -> None:
    assert hazard(one.spec()) == one
    write_document(
        Suite(suite="s", scenarios=(Scenario(scenario="x", hazards=(one.spec(),)),)), tmp_path / "s.yaml"
    )
    assert hazards_of(read_suite(tmp_path / "s.yaml").scenarios[0]) == (one,)


def test_a_suite_takes_hazards_as_they_are() -> None:
    more = suite("calm").plus(hazards.HeatWave(site="ams1", peak="43 °C"), hazards.Loss(thing="sea"))
    assert [one.name for one in more.scenarios] == ["calm", "heat-wave", "loss"]
