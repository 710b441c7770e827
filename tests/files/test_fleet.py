"""Fleets go out and come back equal; what is wrong with one is told at once, with file and line."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.files.samples import FLEET
from tests.files.strategies import fleets
from twin.files.digest import digest
from twin.files.fleet import read_fleet, write_fleet
from twin.model.errors import FleetError
from twin.model.fleet import KINDS

TARGETS = {"f.yaml": {}, "f.json": {}, "csv": {"tables": "csv"}, "parquet": {"tables": "parquet"}}


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: None)


@pytest.fixture
def fleet(tmp_path):
    (tmp_path / "fleet.yaml").write_text(FLEET)
    return read_fleet(tmp_path / "fleet.yaml")


def problems(path) -> list[str]:
    """Return what is wrong with a fleet, without the folder it lies in."""
    with pytest.raises(FleetError) as caught:
        read_fleet(path)
    root = path if path.is_dir() else path.parent
    return [str(problem).replace(f"{root}/", "") for problem in caught.value.problems]


def broken(tmp_path, *changes: tuple[str, str]) -> list[str]:
    """Return what is wrong with the sample fleet after some replacements."""
    text = FLEET
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "fleet.yaml").write_text(text)
    return problems(tmp_path / "fleet.yaml")


def fields_set(fleet) -> list:
    return [row.model_fields_set for kind in KINDS for row in fleet.rows(kind)]


@pytest.mark.parametrize("target", TARGETS)
def test_round_trip_of_the_sample(fleet, tmp_path, target):
    write_fleet(fleet, tmp_path / target, **TARGETS[target])
    again = read_fleet(tmp_path / target)
    assert again == fleet
    assert fields_set(again) == fields_set(fleet)
    assert digest(again) == digest(fleet)


@pytest.mark.parametrize("examples", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_round_trip_of_any_fleet(tmp_path, examples):
    @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(fleets())
    def round_trip(fleet):
        for target, options in TARGETS.items():
            write_fleet(fleet, tmp_path / target, **options)
            again = read_fleet(tmp_path / target)
            assert again == fleet
            assert digest(again) == digest(fleet)

    round_trip()


def test_brackets_expand_in_step(fleet):
    assert [rack.name for rack in fleet.racks] == ["r01", "r02", "r03"]
    assert [rack.fed_by for rack in fleet.racks] == [(f"pdu-0{n}a", f"pdu-0{n}b") for n in (1, 2, 3)]
    assert [group.rack for group in fleet.server_groups] == ["r01", "r02", "r03", "r01"]
    assert fleet.storage[0].racks == ("r01", "r02", "r03")
    assert [unit.fed_by for unit in fleet.power_units[-3:]] == [("ups-b",)] * 3
    assert fleet.server_types[1].gpu_kind == 'H[100]; "x"'


def test_written_yaml_is_compact(fleet, tmp_path):
    write_fleet(fleet, tmp_path / "out.yaml")
    text = (tmp_path / "out.yaml").read_text()
    assert "- name: r[01-03]\n" in text
    assert "fed_by: ['pdu-[01-03]a', 'pdu-[01-03]b']" in text
    assert "rated: 2.5 MVA" in text


def test_rows_without_names_expand_by_their_first_bracket(tmp_path):
    (tmp_path / "fleet.yaml").write_text(
        FLEET.replace("- {service: db, site: ams1, replicas: 6, weight: 0.5}\n", "").replace(
            "{service: web, site: ams1, replicas: 20}", "{service: '[web,db]', site: ams1, replicas: 20}"
        )
    )
    fleet = read_fleet(tmp_path / "fleet.yaml")
    assert [(d.service, d.replicas) for d in fleet.deployments] == [("web", 20), ("db", 20)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "rack: 'r[01-03]'",
            "rack: 'r[01-04]'",
            "rack: 'r[01-04]' stands for 4 names, and name for 3 (use brackets of equal length)",
        ),
        (
            "name: 'web-[01-03]'",
            "name: web-x",
            "rack: 'r[01-03]' stands for 3 names where one is expected (bracket the name",
        ),
        (
            "name: 'web-[01-03]'",
            "name: 'web-[01-03'",
            "name: 'web-[01-03' opens a bracket and does not close it (add a ']')",
        ),
        (
            "racks: ['r[01-03]']",
            "racks: ['r[01-03]', 'r[3-1]']",
            "racks: 'r[3-1]': '3-1' runs backwards (write 1-3)",
        ),
        (
            "name: 'web-[01-03]'",
            "name: 'web-[000000-999999][0-9]'",
            "stands for more than 100,000 names (use a table",
        ),
        (
            "budget: 12 kW",
            "budgt: 12 kW",
            "racks[0] 'r[01-03]' budgt: unknown key 'budgt' (did you mean 'budget'?)",
        ),
        ("budget: 12 kW", "budget_w: 12 kW", "unknown key 'budget_w' (did you mean 'budget'?)"),
        ("budget: 12 kW", "budget: 12", "budget: 12 has no unit; write e.g. '12 kW'"),
        ("budget: 12 kW", "budget: 12 kVA", "'kVA' is not a unit of power; use one of 'W', 'kW', 'MW', 'GW'"),
        ("budget: 12 kW", "budget: -12 kW", "'-12 kW' must not be below 0 W"),
        ("budget: 12 kW", "budget: no", "'no' is not a number with a unit"),
        ("budget: 12 kW", "budget: 12:30", "'12:30' is a time of day or a ratio, not a power"),
        ("cores: 64", "cores: 017", "cores: '017' is not a whole number (write 17, without quotes)"),
        ("cores: 64", "cores: 6.5", "cores: 6.5 is not a whole number"),
        ("repeat: false", "repeat: no", "repeat: 'no' is not true or false (write false)"),
        ("name: ams1, region", "name: 12, region", 'name: 12 is not text (write it in quotes: "12")'),
        ("name: ams1, region", "name: a b, region", "name: 'a b' is not a name (use letters"),
        ("tier: tor,", "tier: tro,", "tier: 'tro' is not one of tor, fabric, border (did you mean 'tor'?)"),
        ("fed_by: [ats], rated_heat", "fed_by: ats, rated_heat", "fed_by: 'ats' is not a list (write [ats])"),
        ("fed_by: [ats], rated_heat", "fed_by: [], rated_heat", "fed_by: is empty (give at least 1)"),
        ("tier: 1,", "tier: 10,", "services[1] 'db' tier: 10 must not be above 9"),
        ("slo: {availability: 99.95 %, p99: 300 ms}", "slo: 3", "slo: 3 is not a group of keys"),
        ("p99: 300 ms", "p98: 300 ms", "services[0] 'web' slo.p98: unknown key 'p98' (did you mean 'p99'?)"),
        ("db: 1.5", "db: x", "services[0] 'web' callees.db: 'x' is not a number"),
        ("[50 %, 210 W]", "[50 %]", "curve[1]: value 2 is missing"),
        ("idle: 900 W,\n  ", "", "server_types[1] 'gpu-type': give the power either as 'curve' or as both"),
        ("schema: 1", "schema: 2", "schema: schema 2 is not supported (this fleetwin reads schema 1)"),
        (
            "2026-01-01T",
            "2026-13-01T",
            "start: '2026-13-01T00:00:00Z' is not a time (write e.g. 2026-11-21T01:00Z)",
        ),
        ("as_of: 2026-11-20T00:00:00Z", "as_of: 12", "as_of: 12 is not a time"),
        (
            "fed_by: [ups-a]",
            "fed_by: [ups-c]",
            "power_units[4] 'pdu-[01-03]a' fed_by: there is no unit 'ups-c'",
        ),
        ("fed_by: [util, gen]", "fed_by: [util, ups-a]", "fed_by: a circle: ats -> ups-a -> ats"),
        (
            "fleet: three-racks",
            "flet: three-racks",
            "this is not a fleet: it has no key 'fleet' (start with 'fleet: NAME')",
        ),
        ("fleet: three-racks", "fleet: [x]", "fleet: a list is not text"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, old, new, message):
    found = broken(tmp_path, (old, new))
    assert any(message in problem for problem in found), found
    assert len(found) == 1, found
    line = FLEET.count("\n", 0, FLEET.index(old)) + 1
    assert abs(int(found[0].split(":")[1].split()[0]) - line) <= 2  # a row is told by its first line


def test_all_problems_at_once(tmp_path):
    found = broken(
        tmp_path,
        ("budget: 12 kW", "budgt: 12 kW"),
        ("cores: 64", "cores: x"),
        ("rated: 2 MVA", "rated: 2 MW"),
        ("replicas: 6", "replicas: 6, replicas: 7"),
    )
    assert len(found) == 4
    assert [problem.split(" ")[0] for problem in found] == [
        "fleet.yaml:50:",
        "fleet.yaml:12",
        "fleet.yaml:26",
        "fleet.yaml:33",
    ]


def test_one_bad_row_of_many_names_is_told_once(tmp_path):
    found = broken(tmp_path, ("budget: 12 kW", "budget: 12 kVA"))
    assert len(found) == 1


# Folders of tables.


@pytest.fixture(params=["csv", "parquet"])
def folder(request, fleet, tmp_path):
    write_fleet(fleet, tmp_path / "f", tables=request.param)
    return tmp_path / "f"


@pytest.fixture
def csv_folder(fleet, tmp_path):
    write_fleet(fleet, tmp_path / "f")
    return tmp_path / "f"


def edit(folder, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new", "messages"),
    [
        (
            "racks.csv",
            "12000.0",
            "nan",
            ["racks.csv:2 budget_w: 'nan' is not a number (write the plain SI number)"] * 3,
        ),
        (
            "racks.csv",
            "r02,ams1,row-a",
            "r02,ams1",
            ["racks.csv:3: the row has 6 cells, the header 7 (one cell per column"],
        ),
        ("racks.csv", "budget_w", "budget", ["racks.csv:1: unknown column 'budget' (write 'budget_w')"]),
        (
            "racks.csv",
            "budget_w",
            "budgte_w",
            ["racks.csv:1: unknown column 'budgte_w' (did you mean 'budget_w'?)"],
        ),
        (
            "racks.csv",
            "name,site",
            "site,site",
            ["the column 'site' is given 2 times", "the column 'name' is missing"],
        ),
        ("racks.csv", "r02,", ",", ["racks.csv:3 name: 'name' is missing"]),
        ("racks.csv", "r02,", "r 2,", ["racks.csv:3 'r 2' name: 'r 2' is not a name"]),
        ("racks.csv", "0.6;0.4", "0.6;x", ["racks.csv:2 shares: 'x' is not a number"] * 3),
        (
            "racks.csv",
            "pdu-02a;",
            "pdu-09a;",
            ["racks.csv:3 'r02' fed_by: there is no unit 'pdu-09a' (did you mean"],
        ),
        (
            "server_groups.csv",
            ",16",
            ",16.5",
            ["server_groups.csv:2 count: '16.5' is not a whole number"] * 3,
        ),
        (
            "server_groups.csv",
            ",16",
            ",-16",
            ["server_groups.csv:2 'web-01' count: -16 must not be below 0"] * 3,
        ),
        ("series.csv", "false", "no", ["series.csv:3 repeat: 'no' is not true or false"]),
        ("series.csv", "0.4;", "inf;", ["series.csv:2 values: 'inf' is not a number"]),
        ("series.csv", "0.4;", "1e999;", ["series.csv:2 values: '1e999' is not a finite number"]),
        ("services.csv", "db=1.5", "db:1.5", ["services.csv:2 callees: has no '=' in 'db:1.5'"]),
        ("services.csv", "db=1.5", "db=1;db=2", ["services.csv:2 callees: names 'db' twice"]),
        (
            "services.csv",
            "availability=",
            "availabilty=",
            ["services.csv:2 'web' slo.availabilty: unknown key"],
        ),
        (
            "server_types.csv",
            "0.5=210.0",
            "0.5=210.0=3",
            ["server_types.csv:2 curve: '0.5=210.0=3' is not a pair a=b"],
        ),
        (
            "fleet.yaml",
            "schema: 1",
            "schema: 1\nsites: [{name: x, region: y}]",
            ["sites.csv: sites are also given in fleet.yaml:3 sites"],
        ),
        (
            "fleet.yaml",
            "schema: 1",
            "schema: 1\nschema: 1",
            ["fleet.yaml:3: the key 'schema' is given twice"],
        ),
        ("sites.csv", "ams1,eu-west,11.5", "", ["sites.csv: the table has no rows"]),
        ("sites.csv", "11.5", '"11.5', ["sites.csv:2: not readable as CSV"]),
    ],
)
def test_what_is_wrong_in_a_table_is_told(csv_folder, name, old, new, messages):
    edit(csv_folder, name, old, new)
    found = problems(csv_folder)
    assert len(found) == len(messages), found
    assert messages[0] in found[0]
    assert messages[-1].split(" ")[-1] in found[-1]


def test_problems_of_all_tables_come_together(csv_folder):
    edit(csv_folder, "racks.csv", "12000.0", "x")
    edit(csv_folder, "sites.csv", "11.5", "200")
    edit(csv_folder, "fleet.yaml", "is: measured", "is: mesured")
    assert [problem.split(":")[0] for problem in problems(csv_folder)] == ["racks.csv"] * 3 + [
        "sites.csv",
        "fleet.yaml",
    ]


def test_many_alike_problems_are_counted(csv_folder):
    rows = "".join(f"x{n},ams1,row,pdu-01a,,,no\n" for n in range(500))
    (csv_folder / "racks.csv").write_text((csv_folder / "racks.csv").read_text() + rows)
    found = problems(csv_folder)
    assert len(found) == 21
    assert found[-1] == "racks.csv: 480 more problems in the column 'budget_w'"


def test_tables_that_are_no_tables(csv_folder):
    (csv_folder / "rack.csv").write_text("name\n")
    (csv_folder / "racks.parquet").write_bytes(b"PAR1")
    (csv_folder / "links.csv").write_bytes(b"name\n\xff")
    (csv_folder / "storage.csv").write_bytes(b"name\n\0")
    (csv_folder / "demand.csv").write_bytes(b"")
    found = problems(csv_folder)
    assert [problem.split(" (")[0] for problem in found] == [
        "demand.csv:1: the table is empty",
        "links.csv:2: is not UTF-8 text",
        "rack.csv: there is no table 'rack' in a fleet",
        "racks.parquet: racks are also given in racks.csv",
        "storage.csv:2: holds a NUL byte; this is not a CSV file",
    ]


@pytest.mark.parametrize("keep", [0, 3, 4, 100, -8, -1])
def test_truncated_parquet_is_located(fleet, tmp_path, keep):
    write_fleet(fleet, tmp_path / "f", tables="parquet")
    file = tmp_path / "f" / "racks.parquet"
    file.write_bytes(file.read_bytes()[:keep])
    (found,) = problems(tmp_path / "f")
    assert found.startswith("racks.parquet: not readable as Parquet")


def test_parquet_of_others_is_read_by_type(fleet, tmp_path):
    import polars as pl

    write_fleet(fleet, tmp_path / "f", tables="parquet")
    file = tmp_path / "f" / "racks.parquet"
    frame = pl.read_parquet(file)
    frame.with_columns(pl.col("fed_by").str.split(";"), pl.lit(42.0).alias("space_u")).write_parquet(file)
    assert [rack.space_u for rack in read_fleet(tmp_path / "f").racks] == [42] * 3
    assert read_fleet(tmp_path / "f").racks[1].fed_by == ("pdu-02a", "pdu-02b")
    frame.with_columns(pl.lit(float("nan")).alias("budget_w"), pl.lit(b"x").alias("row")).write_parquet(file)
    found = problems(tmp_path / "f")
    assert "racks.parquet: the column 'row' has the type Binary (write text" in found[0]
    assert any(
        problem.startswith("racks.parquet:1 'r01' budget_w: nan is not a finite number") for problem in found
    )


def test_writing_a_folder_again_leaves_no_old_table(fleet, folder):
    smaller = fleet.model_copy(update={"storage": (), "services": (), "deployments": (), "demand": ()})
    write_fleet(smaller, folder, tables="csv")
    assert read_fleet(folder) == smaller
    assert not list(folder.glob("*.parquet"))
    assert not (folder / "storage.csv").exists()


def test_other_documents_are_not_a_fleet(tmp_path):
    (tmp_path / "p.yaml").write_text("plan: x\nfleet: sha256:00\n")
    assert problems(tmp_path / "p.yaml") == ["p.yaml:1: this is a plan, not a fleet (give a fleet here)"]
    (tmp_path / "l.yaml").write_text("- a\n")
    assert problems(tmp_path / "l.yaml") == [
        "l.yaml:1: the document is not a group of keys (start with 'fleet: NAME')"
    ]
    assert problems(tmp_path) == ["fleet.yaml: there is no such file"]


def test_a_fleet_without_racks(tmp_path):
    (tmp_path / "fleet.yaml").write_text("fleet: x\nracks: []\n")
    found = problems(tmp_path / "fleet.yaml")
    assert "fleet.yaml:2 racks: the fleet has no racks (add at least one rack)" in found
    assert "fleet.yaml:1: the fleet has no regions (add at least one region)" in found
