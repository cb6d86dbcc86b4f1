"""Power, sample size and detectable effect, in closed form, for every test that is offered.

Each family is a module with the same verbs: ``power`` (of given sizes), ``sample_size`` (a ``design.Plan``)
and ``detectable_effect``. A sequential design takes the plan of one look and multiplies it by the inflation
factor of its boundaries (``design.inflated``).
"""
