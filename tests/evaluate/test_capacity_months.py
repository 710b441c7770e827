"""What follows from the months of a solution: risks, order dates, lead times; and what cannot be reported."""

from datetime import date

import pytest

from tests.reports.capacity.samples import MONTHS, sample_capacity, sample_expansion
from twin.evaluate.capacity_months import check_tables, last_day, leads_of, orders_of, risks_of
from twin.model.errors import UsageError
from twin.records.solution import Solution, Table

TODAY = date(2026, 12, 3)


def with_table(table: Table) -> Solution:
    solution = sample_expansion()
    others = tuple(one for one in solution.tables if one.name != table.name)
    return solution.model_copy(update={"tables": (*others, table)})


def changed(name: str, row: int, **cells: str | float | None) -> Solution:
    table = sample_expansion().table(name)
    assert table is not None
    rows = [list(one) for one in table.rows]
    for column, value in cells.items():
        rows[row][table.columns.index(column)] = value
    return with_table(table.model_copy(update={"rows": tuple(map(tuple, rows))}))


def test_orders_are_sorted_by_the_last_day_and_know_what_is_late() -> None:
    orders = orders_of(sample_expansion(), TODAY)
    assert [order.order_by for order in orders] == sorted(order.order_by for order in orders)
    first = orders[0]
    assert (first.type, first.order_by, first.lead_months, first.late) == ("gpu", date(2026, 11, 30), 6, True)
    assert [order.late for order in orders[1:]] == [False] * 8
    module = next(order for order in orders if order.kind == "module")
    assert (module.order_by, module.lead_months) == (date(2026, 12, 31), 11)


@pytest.mark.parametrize(
    ("today", "late"), [(date(2026, 11, 30), 0), (date(2026, 12, 1), 1), (date(2027, 1, 1), 3)]
)
def test_the_last_day_itself_is_in_time(today: date, late: int) -> None:
    assert sum(order.late for order in orders_of(sample_expansion(), today)) == late


def test_the_last_day_of_february_knows_leap_years() -> None:
    assert (last_day("2027-02"), last_day("2028-02")) == (date(2027, 2, 28), date(2028, 2, 29))


def test_lead_times_bound_what_can_be_decided() -> None:
    leads = {lead.type: lead for lead in leads_of(orders_of(sample_expansion(), TODAY), MONTHS, TODAY)}
    # Ordered in 2026-12 the module of 11 months is there in 2027-11; the plan ends with 2028-11.
    assert (leads["power-1mw"].first_arrival, leads["power-1mw"].last_order) == ("2027-11", "2027-12")
    assert (leads["gpu"].first_arrival, leads["gpu"].last_order) == ("2027-06", "2028-05")
    assert "storage" not in leads  # retired, not bought


def test_risks_follow_the_range_of_demand() -> None:
    risks = {(risk.service, risk.month): risk for risk in risks_of(sample_expansion())}
    assert len(risks) == 5 * 24
    certain = risks["web", "2026-12"]  # low = likely = high = 820 < 1000
    assert (certain.chance, certain.short_rru) == (0.0, 0.0)
    # 2027-04: low 630, likely 668, high 720 of which 620 are supplied: certainly short, by the mean of the triangle.
    table = sample_expansion().table("demand_supply")
    assert table is not None
    low, likely, high = next(row[2:5] for row in table.rows if row[:2] == ("2027-04", "ranking"))
    assert risks["ranking", "2027-04"].chance == 1.0
    assert risks["ranking", "2027-04"].short_rru == pytest.approx((low + likely + high) / 3 - 620)


def test_both_kinds_of_solution_can_be_reported() -> None:
    check_tables(sample_expansion(), "it")
    check_tables(sample_capacity(), "it")
    assert risks_of(sample_capacity()) == ()
    assert orders_of(sample_capacity(), TODAY) == ()


def test_tables_of_other_formulations_are_their_own() -> None:
    shares = Table(name="changes", title="", columns=("service", "percent"), rows=(("web", "x"),))
    placement = sample_capacity().model_copy(update={"formulation": "placement", "tables": (shares,)})
    check_tables(placement, "it")
    with pytest.raises(UsageError, match="table changes: no column reservation"):
        check_tables(placement.model_copy(update={"formulation": "capacity"}), "it")


@pytest.mark.parametrize(
    ("solution", "message"),
    [
        (changed("demand_supply", 3, month="2027-13"), "table demand_supply, row 4: month '2027-13' is no month"),
        (changed("orders", 0, order_month="soon"), "table orders, row 1: order_month 'soon' is no month"),
        (changed("cost", 1, total_usd="much"), "table cost, row 2: total_usd 'much' is no number"),
        (changed("power", 1, used_kw=None), "table power, row 2: used_kw None is no number"),
        (changed("power", 1, used_kw=float("nan")), "used_kw nan is no number"),
        (changed("demand_supply", 0, demand_low_rru=9e9), "are not in this order"),
        (with_table(Table(name="space", title="", columns=("month", "site"), rows=())), "no column used_u, capacity_u"),
        (
            with_table(Table(name="carbon", title="", columns=("month", "embodied_t", "operational_t"), rows=(("2026-12", 1),))),
            "table carbon, row 1: not 3 cells",
        ),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_reported_is_refused(solution: Solution, message: str) -> None:
    with pytest.raises(UsageError, match="write it again") as refused:
        check_tables(solution, "exp.solution.json")
    assert message in str(refused.value)


def test_all_problems_are_told_at_once() -> None:
    wrong = changed("cost", 0, total_usd="a", energy_usd="b", month="c")
    with pytest.raises(UsageError) as refused:
        check_tables(wrong, "it")
    assert str(refused.value).count("\n  - ") == 3
