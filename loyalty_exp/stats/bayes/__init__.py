"""The Bayesian reading of an experiment: every answer carries the prior, to be printed beside it."""
