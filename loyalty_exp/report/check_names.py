"""What every check is called on the page: its name when all is well, and when it needs a look."""

from __future__ import annotations

from loyalty_exp.report.language import N_

NAMES = {
    "sample_ratio": (N_("Group sizes as planned"), N_("Group sizes not as planned")),
    "sample_ratio_by_segment": (N_("Group sizes alike in segments"), N_("Group sizes differ by segment")),
    "units_in_two_arms": (N_("Nobody in two groups"), N_("Some in two groups at once")),
    "allocation_drift": (N_("Group shares steady over time"), N_("Group shares drift over time")),
    "clusters_in_two_arms": (N_("No cluster in two groups"), N_("Some clusters in two groups")),
    "few_clusters": (N_("Enough clusters"), N_("Few clusters")),
    "missing_outcome": (N_("Outcomes complete"), N_("Outcomes missing")),
    "pre_period_balance": (N_("Groups alike before launch"), N_("Groups differ before launch")),
    "maturity": (N_("Outcome windows complete"), N_("Outcomes still open")),
    "calendar": (N_("Unusual days inside, dealt with as planned"), N_("Forbidden days inside")),
    "contamination": (N_("Offers kept to their groups"), N_("Offers reached other groups")),
    "compliance": (N_("Offers reached their groups"), N_("Offers hardly reached their groups")),
    "trigger_rate": (N_("Trigger reached alike"), N_("Trigger not reached alike")),
    "guardrails": (N_("Guardrails met"), N_("Guardrails need a look")),
    "registration": (N_("Analyzed as registered"), N_("Not as first registered")),
    "data": (N_("Data as expected"), N_("Data need a look")),
    "suspicious_uplift": (N_("Effects of a believable size"), N_("Effects of a suspicious size")),
    "skewed_and_unequal": (N_("Values not too skewed"), N_("Very skewed values")),
    "no_variance": (N_("All metrics vary"), N_("A metric does not vary")),
    "zero_control_mean": (N_("Control is above zero"), N_("Control is zero")),
}
FINDINGS = {
    "duplicate_orders": (N_("No duplicate orders"), N_("Duplicate orders")),
    "unknown_members": (N_("All rows belong to a known unit"), N_("Rows of unknown units")),
    "after_data_to": (N_("No rows after the data date"), N_("Rows after the data date")),
    "negative_amount": (N_("No negative amounts"), N_("Negative amounts")),
    "immature": (N_("No open windows"), N_("Units with open windows")),
    "before_assignment": (N_("No activity before assignment"), N_("Activity before assignment")),
    "assigned_after_end": (N_("Nobody assigned after the end"), N_("Assigned after the end")),
    "not_assigned": (N_("All units assigned"), N_("Units not assigned")),
    "outside_population": (N_("All units in the population"), N_("Units outside the population")),
    "refund_without_order": (N_("Every refund has its order"), N_("Refunds without an order")),
    "multi_exposure": (N_("Nobody in two groups"), N_("Some in two groups at once")),
    "outlier": (N_("No implausible values"), N_("Implausible values")),
    "events_of_unknown_members": (N_("All events belong to a known unit"), N_("Events of unknown units")),
    "events_after_data_to": (N_("No events after the data date"), N_("Events after the data date")),
    "duplicate_events": (N_("No duplicate events"), N_("Duplicate events")),
    "taken_back_without_event": (
        N_("All that was taken back had been given"),
        N_("Taken back without having been given"),
    ),
}
"""Findings in the data: the check `data` speaks for them."""

TABLES = {
    "points": N_("points table"),
    "coupons": N_("coupons table"),
    "perks": N_("perks table"),
    "contacts": N_("contacts table"),
    "referrals": N_("referrals table"),
    "surveys": N_("surveys table"),
    "exposures": N_("exposures table"),
    "triggers": N_("triggers table"),
}
"""The tables of events, as a sentence names them."""


def names_of(check: str) -> tuple[str, str] | None:
    """Give the names of a check; none for one that is not known here."""
    return NAMES.get(check) or FINDINGS.get(check)
