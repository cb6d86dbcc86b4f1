"""Tests in a declared order: what comes later is tested only when what comes before has passed."""

from __future__ import annotations

from collections.abc import Sequence

from loyalty_exp.stats.multiplicity import P, holm


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
