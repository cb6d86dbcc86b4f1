"""X14: rows in another currency than the program's are refused, in both shapes of data."""

from __future__ import annotations

from pathlib import Path

import pytest

from loyalty_exp.errors import ContractBreach
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.outcomes import Outcomes

from .test_corpus import spec
from .test_windows import outcomes_of, spent

DOLLARS = {"program": "p", "currency": {"code": "USD"}}


def per_unit(folder: Path, *rows: str, **changes: object) -> Outcomes:
    (folder / "units.csv").write_text("".join(f"{row}\n" for row in ("id,arm,spend,visit,ccy", *rows)))
    changes = {"data": {"units": "units.csv", "currency": "ccy"}, "program": DOLLARS, **changes}
    return collect(spec(**changes), folder)  # type: ignore[arg-type]


def sold(folder: Path, *rows: str, **changes: object) -> Outcomes:
    header = "member_id,txn_id,ts,amount,margin,reward_cost,ccy"
    return outcomes_of(folder, list(rows), header=header, transactions={"currency": "ccy"}, **changes)  # type: ignore[arg-type]


def test_one_currency_is_accepted(tmp_path: Path) -> None:
    assert per_unit(tmp_path, "m1,a,1,1,USD", "m2,b,2,1,USD").units == {"a": 1, "b": 1}
    assert spent(sold(tmp_path, "A,T1,2026-04-05T12:00:00Z,5,0,0,EUR")) == 5


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("EUR", "EUR"),
        ("usd", "usd"),
        (" USD", "' USD'"),
        ("", "an empty cell"),
        ("jane@example.org", "text that is no currency code"),
    ],
)
def test_another_currency_is_refused_with_its_rows(tmp_path: Path, value: str, told: str) -> None:
    with pytest.raises(ContractBreach) as refusal:
        per_unit(tmp_path, "m1,a,1,1,USD", *(f"m{i},b,2,1,{value}" for i in range(2, 7)))
    (breach,) = refusal.value.breaches
    assert (breach.rule, breach.column, breach.count) == ("one_currency", "ccy", 5)
    assert breach.examples == ("2", "3", "4")
    assert f"must be USD in every row, as the program says, but there is {told};" in breach.message
    assert "jane" not in str(refusal.value)
    assert refusal.value.exit_code == 3


def test_transactions_in_two_currencies_are_refused(tmp_path: Path) -> None:
    rows = [f"A,T{i},2026-04-0{i}T12:00:00Z,5,0,0,{c}" for i, c in enumerate(("EUR", "USD", "EUR"), start=1)]
    with pytest.raises(
        ContractBreach, match=r"transactions.csv.ccy: must be one currency.*EUR, USD.*row 2\)"
    ):
        sold(tmp_path, *rows)


def test_a_program_without_a_currency_takes_any_one(tmp_path: Path) -> None:
    plain = {"program": "p"}
    assert per_unit(tmp_path, "m1,a,1,1,CNY", "m2,b,2,1,CNY", program=plain).units == {"a": 1, "b": 1}
    with pytest.raises(ContractBreach, match="the currency is missing"):
        per_unit(tmp_path, "m1,a,1,1,", "m2,b,2,1,", program=plain)
    with pytest.raises(ContractBreach, match="CNY, an empty cell"):
        per_unit(tmp_path, "m1,a,1,1,", "m2,b,2,1,CNY", program=plain)


def test_a_currency_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContractBreach, match=r"units.csv.cyy: there is no such column.*did you mean ccy"):
        per_unit(tmp_path, "m1,a,1,1,USD", data={"units": "units.csv", "currency": "cyy"})
