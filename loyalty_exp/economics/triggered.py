"""From the members a treatment can reach to all who were assigned: same totals, same return, other means."""

from __future__ import annotations

from dataclasses import replace

from loyalty_exp.stats.benefit_cost import BenefitCost


def diluted(pair: BenefitCost, share: float) -> BenefitCost:
    """Benefit and cost an assigned member, from those a triggered member.

    Only with a trigger that is defined alike in both arms, so that the others cannot differ. The total net
    benefit and the return are those of the triggered analysis, and so are their intervals: members who cannot
    be affected add noise and nothing else.

    Parameters
    ----------
    pair : BenefitCost
        Of the triggered members, fixed cost a triggered treated member.
    share : float
        Of the assigned that is triggered, above 0.

    References
    ----------
    Kohavi, Tang, Xu (2020), Trustworthy Online Controlled Experiments, Cambridge, chapter 20; Deng & Hu
    (2015), Diluted treatment effect estimation for trigger analysis in online controlled experiments, WSDM.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share lies above 0 and up to 1, not {share}")
    return replace(
        pair,
        delta_benefit=share * pair.delta_benefit,
        delta_cost=share * pair.delta_cost,
        fixed=share * pair.fixed,
        v_bb=share**2 * pair.v_bb,
        v_bc=share**2 * pair.v_bc,
        v_cc=share**2 * pair.v_cc,
    )
