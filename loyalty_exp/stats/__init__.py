"""The arithmetic: pure functions from small frozen aggregates to frozen results.

What a spec asks for by name stands in :mod:`loyalty_exp.estimators` and :mod:`loyalty_exp.spec.analysis`. No
spec asks for the following, which are here so that reference values of other programs and papers can be
checked against independent methods, and for use from Python: ``cluster_resampling``, ``competing_risks``,
``equivalence``, ``mantel_haenszel``, ``max_t``, ``net_promoter``, ``quantile_sequence``, ``rates``,
``regression``, ``several_arms``, ``shifted_beta_geometric``, ``bayes.false_positives``,
``bayes.normal_gamma``, ``winsorize``.
"""
