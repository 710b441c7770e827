"""A capacity report in which every free text is hostile."""

from datetime import date

from tests.reports.capacity.samples import sample_capacity, sample_report
from twin.evaluate.capacity_months import orders_of, risks_of
from twin.records.capacity_report import CapacityReport, Judgement, State
from twin.records.solution import Alternative, Conflict, Shortfall

HOSTILE = '"><script>alert(1)</script>|`</pre>\n=cmd()&amp;'


def hostile_report(word: str = HOSTILE) -> CapacityReport:
    """Return a report in which every free text is hostile."""
    report = sample_report()
    tables = tuple(
        table.model_copy(
            update={
                "rows": tuple(
                    tuple(
                        _hostile_cell(column, cell, word)
                        for column, cell in zip(table.columns, row, strict=True)
                    )
                    for row in table.rows
                )
            }
        )
        for table in (*report.solution.tables, *sample_capacity().tables)
    )
    solution = report.solution.model_copy(
        update={
            "tables": tables,
            "binding": (
                report.solution.binding[0].model_copy(
                    update={"thing": word, "text": word, "kind": word, "unit": word}
                ),
            ),
            "shortfalls": (
                Shortfall(who=word, amount=1.0, unit="RRU", cost=1.0, because=(word,), text=word, where=word),
            ),
            "conflicts": (Conflict(wishes=(word, word)),),
            "alternatives": (Alternative(name=f"nothing {word}", text=word),),
            "risks": (word,),
            "notes": (word,),
            "command": word,
            "route": word,
            "why": word,
            "bound_by": word,
            "inputs": {word: word},
            "currency": word,
        }
    )
    state = report.states[0]
    loss = state.losses[0].model_copy(
        update={"name": word, "kind": word, "short": (word,), "unit": word, "link": word, "result": "short"}
    )
    hostile = state.model_copy(
        update={
            "name": word,
            "plan": word,
            "tight": (
                state.tight[0].model_copy(update={"name": word, "loss": word, "kind": word, "site": word}),
            ),
            "domains": (state.domains[0].model_copy(update={"name": word, "reasons": ((word, 1.0),)}),),
            "losses": (loss,),
            "bills": (state.bills[0].model_copy(update={"site": word}),),
            "short_now": (word,),
        }
    )
    changed = {
        "plan": word, "fleet": word, "engine": word, "solution": solution, "assumed": (word,), "warnings": (f"w{word}",),
        "states": (hostile, hostile, State(name=word, problem=word)), "commands": {"report": word}, "inputs": {word: word},
        "verdict": Judgement(file=word, result="fail", headline=word, about_this_plan=True, gates=((word, word, word, word),)),
    }  # fmt: skip
    orders = orders_of(solution, date(2026, 12, 3))
    return report.model_copy(update={**changed, "orders": orders, "risks": risks_of(solution)})


def _hostile_cell(column: str, cell: str | float | int | None, word: str) -> str | float | int | None:
    return word if isinstance(cell, str) and "month" not in column else cell
