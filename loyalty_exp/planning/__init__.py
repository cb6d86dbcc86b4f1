"""Made programs with a planted truth, for rehearsals of a plan and for proofs of the engine."""
