"""Experiments and campaign evaluation for loyalty programs: did it pay, and how sure are we."""

__version__ = "0.1.0"
