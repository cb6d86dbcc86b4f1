"""`decide`: record who decided what, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loyalty_exp.cli.session import common, session
from loyalty_exp.cli.store import opened, registered, store_option

if TYPE_CHECKING:
    from loyalty_exp.store.models import DecisionRow

_ACTIONS = ("ship", "stop", "iterate", "extend", "not_settled")


@click.command(short_help="Record a decision, who took it and why.")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option("--by", required=True, metavar="NAME", help="Who decides.")
@click.option("--because", required=True, metavar="TEXT", help="Why.")
@click.option(
    "--action", type=click.Choice(_ACTIONS), help="What is decided; what the rule recommends when left out."
)
@click.option("--arm", help="The arm that is meant; the one of the readout when left out.")
@store_option
@common
def decide(spec: Path, by: str, because: str, action: str | None, arm: str | None, store: str | None) -> None:
    """Record the decision on SPEC, beside what its registered rule recommends at the last look."""
    from loyalty_exp.store.in_force import read_in_force
    from loyalty_exp.store.turn import turn

    now = session()
    experiment, note = read_in_force(spec, store)
    if note:
        now.say(note)
    here = opened(spec.parent, store)
    with turn(here.place, experiment.experiment):
        registered(experiment, here.place, here)
        wanted = {
            "by": " ".join(by.split()),
            "because": " ".join(because.split()),
            "action": action,
            "arm": arm,
        }
        row, new = here.write(lambda s: _decided(s, experiment, wanted))
    differs = row.action != row.recommended
    if differs:
        now.say(f"this differs from the rule, which recommends {row.recommended}; the reason is kept with it")
    now.say(
        f"{experiment.experiment}: {row.action} {'decided' if new else 'was decided already'} by {row.by}"
    )
    if now.json:
        now.emit_json(
            {
                "experiment": experiment.experiment,
                "action": row.action,
                "arm": row.arm,
                "recommended": row.recommended,
                "differs": differs,
                "by": row.by,
                "because": row.because,
                "decided_at": row.decided_at.isoformat(),
                "new": new,
            }
        )


def _decided(session_: Any, experiment: Any, wanted: dict[str, Any]) -> tuple[DecisionRow, bool]:
    from loyalty_exp.errors import Refused, UsageError
    from loyalty_exp.store.life import may_decide
    from loyalty_exp.store.repository import add_decision, facts_of, history

    if not wanted["by"]:
        raise UsageError("--by needs the name of who decides.")
    found = history(session_, experiment.experiment)
    look = found.look if found else None
    action = wanted["action"] or (look.action if look else "")
    if look is not None and action == "invalid":
        raise Refused(
            f"the readout of {experiment.experiment} is invalid and recommends nothing; say what is decided: "
            "--action stop or iterate."
        )
    arm = wanted["arm"] or (look.arm if look else None)
    arms = [a.id for a in experiment.planned_arms]
    if arm is not None and arm not in arms:
        raise UsageError(f"there is no arm '{arm}'; the arms are {', '.join(arms)}.")
    last = found.decisions[-1] if found and found.decisions else None
    same = last is not None and (last.by, last.because, last.action, last.arm) == (
        wanted["by"],
        wanted["because"],
        action,
        arm,
    )
    if last is not None and same:
        return last, False
    may_decide(facts_of(found, experiment.experiment), action, wanted["because"])
    assert look is not None
    return add_decision(session_, look, by=wanted["by"], because=wanted["because"], action=action, arm=arm)
