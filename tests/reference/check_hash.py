"""Reference cases: the primitive under the draw, and which arm a point falls into."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from case import Case

from loyalty_exp.assignment.draw import arm_at, digest_of, point


def hashes(case: Case) -> dict[str, Any]:
    if "u" in case.inputs:
        shares = [Fraction(repr(w)) for w in case.inputs["weights"]]
        return {"arm_index": [arm_at(u, shares) for u in case.inputs["u"]]}
    hexadecimal = digest_of(case.inputs["utf8"])
    return {
        "sha256": hexadecimal,
        # 52 of the 64 bits: the difference is below 2e-16.
        "sha256_first8_big_endian_over_2_64": point(hexadecimal),
    }


CHECKS = {"hash_vectors": hashes}
REFUSED = {
    "hash_vectors.growthbook_v1_v2": "the draw is SHA-256; FNV-1a buckets of another SDK are not offered",
}
NOT_COMPARED = {
    f"hash_vectors.{key}": "the draw documents SHA-256 only; this primitive or mapping is not used"
    for key in (
        "md5",
        "sha1",
        "blake2b_8",
        "fnv1a_32",
        "fnv1a_64",
        "murmur3_x86_32_seed0",
        "sha256_first4_mod_10000",
    )
}
