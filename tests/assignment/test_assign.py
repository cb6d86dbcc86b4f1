"""The door: drawn once, never again; layers, holdout, consent, ramp, trigger; a process killed in between."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pytest

from assignment.made_members import arms, members, spec, write, written
from loyalty_exp.assignment import ledger
from loyalty_exp.assignment.assign import assign
from loyalty_exp.assignment.balance import differences, mahalanobis, omnibus
from loyalty_exp.assignment.draw import digest, point, threshold
from loyalty_exp.assignment.layers import holdout_salt
from loyalty_exp.errors import ContractBreach, Refused, UsageError
from loyalty_exp.spec.calendar import Holdout
from loyalty_exp.stats.moments import from_rows

DAY = dt.date(2026, 4, 20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, members(2000))


def rows_of(folder: Path, experiment: str = "draw") -> bytes:
    return (folder / "results" / experiment / ledger.ROWS).read_bytes()


def record_of(folder: Path, experiment: str = "draw") -> dict[str, object]:
    return json.loads((folder / "results" / experiment / ledger.RECORD).read_text("utf-8"))


class TestOnce:
    def test_a_second_run_changes_no_byte(self, folder: Path) -> None:
        first = assign(spec(), folder)
        before = {p.name: p.read_bytes() for p in (folder / "results" / "draw").iterdir()}
        second = assign(spec(), folder)
        assert (first.status, second.status) == ("drawn", "unchanged")
        assert {p.name: p.read_bytes() for p in (folder / "results" / "draw").iterdir()} == before
        assert second.units == first.units and second.left_out == first.left_out

    def test_two_folders_get_the_same_bytes(self, folder: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        other.mkdir()
        write(other, members(2000))
        for place in (folder, other):
            assign(spec(assignment__strata=["tier"]), place)
        assert rows_of(folder) == rows_of(other)
        assert record_of(folder) == record_of(other)

    def test_new_members_are_not_drawn_into_a_fixed_enrolment(self, folder: Path) -> None:
        assign(spec(), folder)
        before = rows_of(folder)
        write(folder, members(2500))
        assert assign(spec(), folder).status == "unchanged"
        assert rows_of(folder) == before

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"assignment__salt": "other"}, "the salt"),
            (
                {"arms": [{"id": "control", "share": 0.6, "control": True}, {"id": "a", "share": 0.4}]},
                "arms or shares",
            ),
            ({"schedule__start": "2026-04-02"}, "schedule.start"),
            ({"cluster": "household"}, "the cluster"),
            ({"assignment__strata": ["tier"]}, "the strata"),
            ({"population__consent": "consent"}, "the population"),
        ],
    )
    def test_a_changed_spec_is_refused_and_nothing_moves(
        self, folder: Path, changes: dict[str, object], words: str
    ) -> None:
        assign(spec(), folder)
        before = rows_of(folder)
        with pytest.raises(Refused, match=f"has changed since: {words}") as caught:
            assign(spec(**changes), folder)
        assert caught.value.exit_code == 4
        assert rows_of(folder) == before

    def test_words_and_metrics_may_change(self, folder: Path) -> None:
        assign(spec(), folder)
        assert assign(spec(question="Another?", schedule__end="2026-05-05"), folder).status == "unchanged"

    def test_rows_that_are_gone_or_edited_are_never_drawn_again(self, folder: Path) -> None:
        assign(spec(), folder)
        path = folder / "results" / "draw" / ledger.ROWS
        kept = path.read_bytes()
        path.unlink()
        with pytest.raises(Refused, match="is gone"):
            assign(spec(), folder)
        path.write_bytes(kept + b"x")
        with pytest.raises(Refused, match="not the file that was drawn"):
            assign(spec(), folder)
        path.write_bytes(kept)
        assert assign(spec(), folder).status == "unchanged"

    def test_a_dry_run_writes_nothing(self, folder: Path) -> None:
        done = assign(spec(), folder, dry_run=True)
        assert done.status == "dry_run" and done.path is None
        assert not (folder / "results").exists()
        assert done.units == assign(spec(), folder).units

    def test_files_with_ids_are_for_their_owner(self, folder: Path) -> None:
        assign(spec(), folder)
        for name in (ledger.ROWS, ledger.RECORD):
            assert (folder / "results" / "draw" / name).stat().st_mode & 0o077 == 0


class TestPopulation:
    def test_who_is_left_out_and_why(self, folder: Path) -> None:
        changes = {
            "population__consent": "consent",
            "population__opt_out": "opted_out",
            "population__include": [{"field": "tier", "op": "in", "value": ["silver", "gold"]}],
        }
        done = assign(spec(**changes), folder)
        frame = members(2000).set_index("member_id")
        mine = frame.loc[list(arms(folder))]
        assert mine["consent"].all() and not mine["opted_out"].any() and not mine["is_employee"].any()
        assert set(mine["tier"]) == {"silver", "gold"}
        assert sum(done.left_out.values()) + sum(done.units.values()) == 2000
        assert done.left_out["no_consent"] == int((~frame["consent"]).sum())
        assert list(done.left_out) == ["no_consent", "opted_out", "employee", "outside_population"]

    def test_default_exclusions_can_be_switched_off(self, folder: Path) -> None:
        done = assign(spec(population__default_exclusions=False), folder)
        assert sum(done.units.values()) == 2000

    def test_nobody_eligible_is_refused_with_the_reasons(self, folder: Path) -> None:
        never = [{"field": "tier", "op": "==", "value": "platinum"}]
        with pytest.raises(Refused, match="outside population"):
            assign(spec(population__include=never), folder)
        assert not list((folder / "results" / "draw").glob("*.parquet*"))

    def test_bad_ids_are_told_by_row_and_never_by_name(self, tmp_path: Path) -> None:
        write(tmp_path, members(ids=["secret-1", "", "secret-2", "secret-1"]))
        with pytest.raises(ContractBreach) as caught:
            assign(spec(), tmp_path)
        words = str(caught.value)
        assert "row 2" in words and "1, 4" in words and "secret" not in words

    def test_a_missing_column_is_told_before_anything_is_drawn(self, folder: Path) -> None:
        with pytest.raises(ContractBreach, match=r"members\.parquet\.teir: there is no such column"):
            assign(spec(assignment__strata=["teir"]), folder)

    def test_what_the_spec_must_say(self, folder: Path) -> None:
        with pytest.raises(UsageError, match="add assignment"):
            assign(spec(assignment=None), folder)
        with pytest.raises(UsageError, match=r"schedule\.start"):
            assign(spec(schedule={"outcome_days": 28}), folder)
        with pytest.raises(UsageError, match="drawn at once"):
            ramp = [{"from": "2026-04-01", "share": 0.5}]
            assign(
                spec(cluster="household", assignment={"salt": "s", "strata": ["tier"], "ramp": ramp}), folder
            )


class TestGrowth:
    RAMP = (
        {"from": "2026-04-01", "share": 0.1},
        {"from": "2026-04-08", "share": 0.3},
        {"from": "2026-04-15", "share": 1},
    )

    @pytest.mark.parametrize("strata", [[], ["tier"]])
    def test_a_ramp_adds_units_and_moves_none(self, folder: Path, strata: list[str]) -> None:
        plan = spec(
            assignment={"salt": "draw-2026", "strata": strata, "ramp": self.RAMP},
            population__default_exclusions=False,
        )
        seen: dict[str, str] = {}
        sizes = []
        for day in (1, 5, 9, 16):
            done = assign(plan, folder, as_of=dt.date(2026, 4, day))
            now = arms(folder)
            assert seen.items() <= now.items()
            seen = now
            sizes.append(len(now))
            assert done.status == {1: "drawn", 5: "unchanged"}.get(day, "grown")
        assert sizes[0] == sizes[1] < sizes[2] < sizes[3] == 2000
        assert abs(sizes[0] - 200) < 60 and abs(sizes[2] - 600) < 90
        frame = written(folder)
        days = frame["assigned_at"].dt.strftime("%Y-%m-%d").value_counts()
        assert days.to_dict() == {
            "2026-04-01": sizes[0],
            "2026-04-08": sizes[2] - sizes[0],
            "2026-04-15": 2000 - sizes[2],
        }
        assert [e["units"] for e in record_of(folder)["entries"]] == [
            sizes[0],
            sizes[2] - sizes[0],
            2000 - sizes[2],
        ]  # type: ignore[index]

    def test_inclusion_and_arm_are_independent(self, folder: Path) -> None:
        plan = spec(assignment={"salt": "draw-2026", "ramp": self.RAMP})
        assign(plan, folder, as_of=dt.date(2026, 4, 1))
        for unit in arms(folder):
            assert digest("draw-2026#ramp", unit) < threshold(Fraction("0.1"))
        shares = np.mean([a == "control" for a in arms(folder).values()])
        assert abs(shares - 0.5) < 0.15

    def test_a_begun_step_cannot_change_but_a_later_one_can(self, folder: Path) -> None:
        assign(spec(assignment={"salt": "s", "ramp": self.RAMP}), folder, as_of=dt.date(2026, 4, 9))
        later = [*self.RAMP[:2], {"from": "2026-04-20", "share": 0.5}]
        assert (
            assign(spec(assignment={"salt": "s", "ramp": later}), folder, as_of=dt.date(2026, 4, 21)).status
            == "grown"
        )
        begun = [{"from": "2026-04-01", "share": 0.2}, *self.RAMP[1:]]
        with pytest.raises(Refused, match="steps of the ramp"):
            assign(spec(assignment={"salt": "s", "ramp": begun}), folder, as_of=DAY)

    def test_members_enter_on_their_day_and_stay(self, folder: Path) -> None:
        plan = spec(assignment__trigger={"column": "joined"})
        assign(plan, folder, as_of=dt.date(2026, 4, 5))
        early = arms(folder)
        changed = members(2000)
        changed.loc[changed["member_id"] == next(iter(early)), "joined"] = "2027-01-01"
        write(folder, changed)
        done = assign(plan, folder, as_of=dt.date(2026, 6, 30))
        assert done.status == "grown" and early.items() <= arms(folder).items()
        frame = written(folder).merge(members(2000)[["member_id", "joined"]], on="member_id")
        assert (frame["assigned_at"].dt.strftime("%Y-%m-%d") == frame["joined"]).all()
        assert frame["joined"].max() == "2026-04-28"
        assert done.left_out["no_trigger"] > 0

    def test_an_earlier_day_takes_nobody_out(self, folder: Path) -> None:
        plan = spec(assignment__trigger={"column": "joined"})
        assign(plan, folder, as_of=DAY)
        before = rows_of(folder)
        assert assign(plan, folder, as_of=dt.date(2026, 4, 2)).status == "unchanged"
        assert rows_of(folder) == before


class TestTraffic:
    PROGRAM = {  # noqa: RUF012
        "program": "p",
        "households": {"column": "household"},
        "layers": [{"id": "earn", "salt": "layer-earn"}, {"id": "perks", "salt": "layer-perks"}],
    }

    def plan(self, name: str, salt: str, layer: str, first: int, last: int, **more: object):
        return spec(
            experiment=name,
            program=self.PROGRAM,
            assignment={"salt": salt, "layer": {"id": layer, "from": first, "to": last}},
            population__default_exclusions=False,
            **more,
        )

    def test_experiments_of_a_layer_share_nobody_and_together_have_everybody(self, folder: Path) -> None:
        assign(self.plan("one", "s1", "earn", 0, 599), folder)
        assign(self.plan("two", "s2", "earn", 600, 999, cluster="household"), folder)
        one, two = set(arms(folder, "one")), set(arms(folder, "two"))
        assert not one & two and len(one | two) == 2000
        homes = members(2000).set_index("member_id")["household"]
        assert not set(homes[list(one)]) & set(homes[list(two)])
        assert all((point(digest("layer-earn", homes[u])) < 0.6) == (u in one) for u in homes.index)

    def test_layers_are_independent(self, folder: Path) -> None:
        assign(self.plan("one", "s1", "earn", 0, 499), folder)
        assign(self.plan("two", "s2", "perks", 0, 499), folder)
        one, two = set(arms(folder, "one")), set(arms(folder, "two"))
        assert abs(len(one & two) - len(one) * len(two) / 2000) < 120

    def test_taken_slots_are_refused_while_both_run(self, folder: Path) -> None:
        assign(self.plan("one", "s1", "earn", 0, 599), folder)
        with pytest.raises(
            Refused, match="slots 500 to 599 of layer 'earn' are reserved by experiment 'one'"
        ):
            assign(self.plan("two", "s2", "earn", 500, 999), folder)
        later = {"start": "2026-09-01", "end": "2026-09-28", "outcome_days": 28}
        assert assign(self.plan("two", "s2", "earn", 500, 999, schedule=later), folder).status == "drawn"

    def test_a_salt_is_used_once(self, folder: Path) -> None:
        assign(spec(), folder)
        with pytest.raises(Refused, match="the salt is that of experiment 'draw'"):
            assign(spec(experiment="again"), folder)
        with pytest.raises(Refused, match="the salt is that of layer 'earn'"):
            assign(self.plan("third", "layer-earn", "earn", 0, 9), folder)

    def test_slots_and_layers_that_are_not_there(self, folder: Path) -> None:
        with pytest.raises(UsageError, match="slots 0 to 999"):
            assign(self.plan("one", "s1", "earn", 0, 1000), folder)
        with pytest.raises(UsageError, match="no layer 'x'"):
            assign(self.plan("one", "s1", "x", 0, 1), folder)

    def test_the_holdout_is_left_out_by_household(self, folder: Path) -> None:
        holdout = {
            "id": "h",
            "share": 0.2,
            "by": "household",
            "salt": "ho",
            "from": "2026-01-01",
            "to": "2026-12-31",
        }
        done = assign(spec(program=self.PROGRAM | {"holdout": holdout}), folder)
        homes = members(2000).set_index("member_id")["household"]
        assert all(point(digest("ho", homes[u])) >= 0.2 for u in arms(folder))
        assert abs(done.left_out["held_out"] - 400) < 120

    def test_who_bears_the_name_of_the_holdout_measures_it(self, folder: Path) -> None:
        """Those whom the others leave out are its control, to the member."""
        days = {"from": "2026-01-01", "to": "2026-12-31"}
        holdout = {"id": "HO", "share": 0.2, "by": "household", "salt": "ho", **days}
        program = self.PROGRAM | {"holdout": holdout}
        two = [{"id": "held", "share": 0.2, "control": True}, {"id": "reached", "share": 0.8}]
        whole = {
            "program": program,
            "arms": two,
            "cluster": "household",
            "population__default_exclusions": False,
        }
        done = assign(spec(experiment="ho", assignment={"salt": "ho"}, **whole), folder)
        other = assign(spec(program=program, population__default_exclusions=False), folder)
        held = {u for u, arm in arms(folder, "ho").items() if arm == "held"}
        assert sum(done.units.values()) == 2000
        assert held == set(members(2000)["member_id"]) - set(arms(folder))
        assert other.left_out["held_out"] == len(held) > 300
        for wrong, words in (
            ({"assignment": {"salt": "x"}}, "salt is that of the holdout;|salt is that of the holdout\\."),
            ({"arms": [two[1] | {"share": 0.2, "control": True}, two[0] | {"share": 0.8, "control": False}],
              "assignment": {"salt": "ho", "strata": ["tier"]}}, "a salt and nothing else"),
            ({"cluster": None}, "cluster is 'household'"),
            ({"arms": [two[0] | {"share": 0.1}, two[1] | {"share": 0.9}]}, "with the share 0.2"),
        ):  # fmt: skip
            with pytest.raises(UsageError, match=words):
                assign(spec(**({"experiment": "HO", "assignment": {"salt": "ho"}} | whole | wrong)), folder)
        next_year = {"start": "2027-02-01", "end": "2027-02-28", "outcome_days": 28}
        program = program | {"holdout": holdout | {"reshuffle": "yearly", "to": "2027-12-31"}}
        with pytest.raises(UsageError, match="with #1 after it"):
            assign(spec(**whole | {"experiment": "HO", "program": program, "assignment": {"salt": "ho"},
                                   "schedule": next_year}), folder)  # fmt: skip

    def test_a_holdout_that_is_over_holds_nobody(self, folder: Path) -> None:
        holdout = {"id": "h", "share": 0.2, "salt": "ho", "from": "2025-01-01", "to": "2025-12-31"}
        assert "held_out" not in assign(spec(program={"program": "p", "holdout": holdout}), folder).left_out

    def test_a_reshuffled_holdout_has_a_salt_for_each_period(self) -> None:
        base = {
            "id": "h",
            "share": 0.1,
            "salt": "ho",
            "from": dt.date(2026, 1, 15),
            "to": dt.date(2028, 1, 1),
        }
        yearly = Holdout.model_validate(base | {"reshuffle": "yearly"})
        quarterly = Holdout.model_validate(base | {"reshuffle": "quarterly"})
        days = [dt.date(2026, 1, 15), dt.date(2026, 4, 14), dt.date(2026, 4, 15), dt.date(2027, 1, 15)]
        assert [holdout_salt(yearly, d) for d in days] == ["ho", "ho", "ho", "ho#1"]
        assert [holdout_salt(quarterly, d) for d in days] == ["ho", "ho", "ho#1", "ho#4"]

    @pytest.mark.parametrize("policy", ["forbid", "annotate", "censor", None])
    def test_the_calendar(self, folder: Path, policy: str | None) -> None:
        program = {"program": "p", "calendar": [{"id": "618", "from": "2026-04-20", "to": "2026-06-20"}]}
        conflicts = [{"event": "618", "policy": policy}] if policy else []
        plan = spec(program=program, schedule__calendar_conflicts=conflicts)
        if policy == "forbid":
            with pytest.raises(Refused, match="'618' from 2026-04-20 to 2026-04-28"):
                assign(plan, folder)
            return
        found = assign(plan, folder).findings
        assert [(c.event, c.policy, c.days) for c in found] == [("618", policy or "annotate", 9)]


class TestBalance:
    def test_standardized_differences_and_the_omnibus_test(self, folder: Path) -> None:
        done = assign(spec(assignment__balance=["spend", "orders"]), folder)
        frame = written(folder).merge(members(2000), on="member_id")
        parts = {
            a: from_rows({c: g[c].to_numpy(float) for c in ("spend", "orders")})
            for a, g in frame.groupby("arm")
        }
        wanted = differences(parts, "control")
        assert [(d.covariate, d.arm) for d in done.differences] == [(d.covariate, d.arm) for d in wanted]
        for got, want in zip(done.differences, wanted, strict=True):
            assert got.standardized == pytest.approx(want.standardized, abs=1e-12)
        assert done.omnibus is not None and done.omnibus.df == 4
        assert done.omnibus.statistic == pytest.approx(omnibus(parts).statistic, rel=1e-9)
        assert assign(spec(assignment__balance=["spend", "orders"]), folder).differences == done.differences

    def test_two_arms_give_the_distance_of_morgan_and_rubin(self) -> None:
        rng = np.random.default_rng(1)
        x, y = rng.normal(size=(40, 2)), rng.normal(0.5, 1, size=(60, 2))
        gap = x.mean(0) - y.mean(0)
        cov = np.cov(np.vstack([x, y]).T)
        wanted = 40 * 60 / 100 * gap @ np.linalg.solve(cov, gap)
        found = {k: from_rows({"a": v[:, 0], "b": v[:, 1]}) for k, v in {"t": x, "c": y}.items()}
        assert mahalanobis(found) == (pytest.approx(wanted), 2)

    def test_the_omnibus_p_value_is_uniform_over_draws(self, folder: Path) -> None:
        from scipy import stats

        from loyalty_exp.assignment.draw import points

        frame = members(2000)
        x = frame[["spend", "orders"]].to_numpy(float)
        p = []
        for k in range(400):
            arm = points(f"aa-{k}", frame["member_id"].tolist()) < 0.5
            parts = {str(s): from_rows({"a": x[arm == s, 0], "b": x[arm == s, 1]}) for s in (True, False)}
            p.append(omnibus(parts).p_value)
        assert stats.kstest(p, "uniform").pvalue > 1e-4

    def test_rerandomization_keeps_the_best_and_records_it(self, folder: Path) -> None:
        rule = {"covariates": ["spend", "orders"], "best_of": 50}
        done = assign(spec(assignment__rerandomize=rule), folder)
        told = done.record["rerandomization"]
        assert told["tries"] == 50 and done.salt == told["salt"] != "draw-2026"
        assert "draw-2026" not in json.dumps(done.to_dict())
        assert done.omnibus is not None and done.omnibus.statistic == pytest.approx(
            told["distance"], rel=1e-9
        )
        assert done.omnibus.p_value is not None and done.omnibus.p_value > 0.9
        with pytest.raises(Refused, match="rule of rerandomization"):
            assign(spec(assignment__rerandomize=rule | {"best_of": 51}), folder)

    def test_a_threshold_that_no_draw_meets_is_refused(self, folder: Path) -> None:
        rule = {"covariates": ["spend"], "threshold": 1e-12, "max_tries": 5}
        with pytest.raises(Refused, match="none of 5 draws"):
            assign(spec(assignment__rerandomize=rule), folder)
        met = assign(spec(assignment__rerandomize=rule | {"threshold": 0.5, "max_tries": 500}), folder)
        assert met.record["rerandomization"]["distance"] <= 0.5


class TestElsewhere:
    def external(self, folder: Path, query: str) -> None:
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({query}) TO '{folder}/a.parquet' (FORMAT parquet)")

    def test_assignments_of_the_spec_are_checked_and_not_drawn(self, folder: Path) -> None:
        self.external(
            folder,
            "SELECT i AS member_id, ['control', 'a', 'b'][(i % 3 + 1)::INT] AS arm FROM range(99) t(i)",
        )
        done = assign(spec(data__assignments={"table": "a.parquet"}), folder)
        assert done.status == "external" and done.units == {"control": 33, "a": 33, "b": 33}
        assert done.sample_ratio is not None and done.sample_ratio.p_value < 1e-4
        assert not (folder / "results").exists()

    def test_unknown_arms_and_units_in_two_rows_are_refused(self, folder: Path) -> None:
        self.external(folder, "SELECT 1 AS member_id, 'x' AS arm")
        with pytest.raises(ContractBreach, match="known_arm"):
            assign(spec(data__assignments={"table": "a.parquet"}), folder)
        self.external(folder, "SELECT 1 AS member_id, 'a' AS arm FROM range(2)")
        with pytest.raises(ContractBreach, match="unique"):
            assign(spec(data__assignments={"table": "a.parquet"}), folder)


class TestFaults:
    def test_a_kill_at_any_instant_leaves_old_or_new_whole(self, tmp_path: Path) -> None:
        """Kill -9 a growing draw at many instants; then the same command ends as an undisturbed one does."""
        quiet, rough = tmp_path / "quiet", tmp_path / "rough"
        for place in (quiet, rough):
            place.mkdir()
            write(place, members(20_000))
        ramp = [{"from": "2026-04-01", "share": 0.2}, {"from": "2026-04-08", "share": 1}]
        plan = spec(assignment={"salt": "s", "ramp": ramp, "strata": ["tier"]})
        for place in (quiet, rough):
            assign(plan, place, as_of=dt.date(2026, 4, 1))
        old = rows_of(rough)
        assign(plan, quiet, as_of=DAY)
        new = rows_of(quiet)
        program = (
            "import sys, json, datetime as dt; from pathlib import Path;"
            "from loyalty_exp.assignment.assign import assign;"
            "from loyalty_exp.spec.experiment import Experiment;"
            "plan = Experiment.model_validate_json(sys.stdin.read()); print('ready', flush=True);"
            "assign(plan, Path(sys.argv[1]), as_of=dt.date(2026, 4, 20))"
        )
        killed = 0
        for wait in (0.02, 0.08, 0.16):
            child = subprocess.Popen(
                [sys.executable, "-c", program, str(rough)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert child.stdin is not None and child.stdout is not None
            child.stdin.write(plan.model_dump_json(by_alias=True))
            child.stdin.close()
            child.stdout.readline()
            time.sleep(wait)
            child.send_signal(signal.SIGKILL)
            killed += child.wait() == -signal.SIGKILL
            child.stdout.close()
            assert rows_of(rough) in (old, new)
            assert ledger.previous(rough / "results" / "draw") is not None
        assert killed
        assign(plan, rough, as_of=DAY)
        assert rows_of(rough) == new and record_of(rough) == record_of(quiet)
        assert not list((rough / "results" / "draw").glob("*.tmp"))

    @pytest.mark.parametrize("after", ["pending", "rows", "all"])
    def test_a_process_that_dies_between_the_two_files_is_completed_or_undone(
        self, folder: Path, after: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plan = spec(assignment__trigger={"column": "joined"})
        assign(plan, folder, as_of=dt.date(2026, 4, 3))
        old = rows_of(folder)
        replaced, limit = [], {"pending": 0, "rows": 1, "all": 2}[after]
        replace = Path.replace

        def dying(self: Path, target: Path) -> Path:
            if len(replaced) >= limit:
                raise KeyboardInterrupt
            replaced.append(target)
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", dying)
        if after == "all":
            assign(plan, folder, as_of=DAY)
        else:
            with pytest.raises(KeyboardInterrupt):
                assign(plan, folder, as_of=DAY)
        monkeypatch.undo()
        assert (rows_of(folder) == old) == (after == "pending")
        assert assign(plan, folder, as_of=DAY).status == ("grown" if after == "pending" else "unchanged")
        assert record_of(folder)["as_of"] == "2026-04-20"

    @pytest.mark.parametrize("mend", [False, True])
    def test_a_pending_record_that_is_cut_off_is_thrown_away_by_who_draws(
        self, folder: Path, mend: bool
    ) -> None:
        """A kill may come while it is written; who only reads leaves it to the one that holds the lock."""
        assign(spec(), folder)
        home = folder / "results" / "draw"
        (home / ledger.PENDING).write_text('{"digest": "12', encoding="utf-8")
        assert ledger.previous(home, mend=mend) == record_of(folder)
        assert (home / ledger.PENDING).exists() == (not mend)
        assert assign(spec(), folder).status == "unchanged"
        assert not (home / ledger.PENDING).exists()

    def test_a_reader_between_the_two_files_sees_the_new_draw_and_takes_nothing_away(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plan, seen = spec(assignment__trigger={"column": "joined"}), []
        assign(plan, folder, as_of=dt.date(2026, 4, 3))
        home, replace = folder / "results" / "draw", Path.replace

        def looked_at(self: Path, target: Path) -> Path:
            seen.append(ledger.previous(home)["as_of"])  # type: ignore[index]
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", looked_at)
        assert assign(plan, folder, as_of=DAY).status == "grown"
        assert seen == ["2026-04-03", "2026-04-20"]
        assert ledger.previous(home) == record_of(folder)

    def test_two_processes_do_not_draw_at_once(self, folder: Path) -> None:
        with ledger.locked(folder / "results" / "draw"), pytest.raises(Refused, match="another process"):
            assign(spec(), folder)
        assert assign(spec(), folder).status == "drawn"

    def test_a_symbolic_link_is_not_followed(self, folder: Path, tmp_path: Path) -> None:
        home = folder / "results" / "draw"
        home.mkdir(parents=True)
        (tmp_path / "victim").write_text("mine")
        (home / ledger.RECORD).symlink_to(tmp_path / "victim-that-is-not-there")
        with pytest.raises(Refused, match="symbolic link"):
            assign(spec(), folder)
        assert (tmp_path / "victim").read_text() == "mine"

    @pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
    def test_a_folder_that_cannot_be_written_is_told(self, folder: Path) -> None:
        (folder / "results").mkdir()
        (folder / "results").chmod(0o500)
        from loyalty_exp.errors import EngineError

        with pytest.raises(EngineError, match="cannot be written"):
            assign(spec(), folder)
