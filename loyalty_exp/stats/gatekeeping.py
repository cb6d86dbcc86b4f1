"""Tests in a declared order: what comes later is tested only when what comes before has passed."""

from __future__ import annotations

from collections.abc import Sequence

from loyalty_exp.stats.multiplicity import P, bonferroni, holm


def fixed_sequence(p_values: Sequence[P]) -> tuple[P, ...]:
    """Test one after the other, each at the full level, until one fails.

    Parameters
    ----------
    p_values : sequence of float or None
        In the declared order. A test that does not exist cannot be passed: all after it are None.

    References
    ----------
    Maurer, Hothorn, Lehmacher (1995), Multiple comparisons in drug clinical trials and preclinical assays,
    a-priori ordered hypotheses, Biometrie in der chemisch-pharmazeutischen Industrie 6, 3-18.
    """
    out: list[P] = []
    running: P = 0.0
    for p in p_values:
        if p is not None and not 0 <= p <= 1:
            raise ValueError(f"a p-value lies between 0 and 1, not {p}")
        running = None if p is None or running is None else max(running, p)
        out.append(running)
    return tuple(out)


def serial_gatekeeping(families: Sequence[Sequence[P]]) -> tuple[tuple[P, ...], ...]:
    """Test family after family with Holm's method; a family opens when all tests of those before are passed.

    Parameters
    ----------
    families : sequence of sequence of float or None
        In the declared order. Within a family, tests that do not exist are passed over; a family without any
        test, and all after it, are None.

    References
    ----------
    Westfall & Krishen (2001), Optimally weighted, fixed sequence and gatekeeper multiple testing procedures,
    Journal of Statistical Planning and Inference 99, 25-40, section 4.
    """
    out: list[tuple[P, ...]] = []
    gate: P = 0.0
    for family in families:
        found = [p for p in holm(family) if p is not None]
        if gate is None or not found:
            gate = None
            out.append((None,) * len(family))
            continue
        floor = gate
        out.append(tuple(None if p is None else max(p, floor) for p in holm(family)))
        gate = max(floor, *found)
    return tuple(out)


def parallel_gatekeeping(
    gate: Sequence[P], second: Sequence[P], alpha: float
) -> tuple[tuple[bool | None, ...], tuple[bool | None, ...]]:
    """Test a gate with Bonferroni's method and hand the level of what it rejects to a second family.

    Parameters
    ----------
    gate, second : sequence of float or None
        Tests that do not exist are not counted, and are None in the answer.
    alpha : float
        Chance of any false rejection in both families together.

    Returns
    -------
    (gate, second) : pair of tuple of bool or None
        What is rejected. The second family is tested with Holm's method at alpha times the share of the gate
        that was rejected; nothing of it is rejected when nothing of the gate is.

    References
    ----------
    Dmitrienko, Offen, Westfall (2003), Gatekeeping strategies for clinical trials that do not require all
    primary effects to be significant, Statistics in Medicine 22, 2387-2400; the error that is carried over as
    in Dmitrienko, Tamhane, Wiens (2008), General multistage gatekeeping procedures, Biometrical Journal 50,
    667-677.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1, not {alpha}")
    first = tuple(None if p is None else p <= alpha for p in bonferroni(gate))
    tests = [r for r in first if r is not None]
    level = alpha * sum(tests) / len(tests) if tests else 0.0
    return first, tuple(None if p is None else level > 0 and p <= level for p in holm(second))
