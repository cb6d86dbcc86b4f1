"""Simulation studies: do the estimators of the package keep the error rates they promise?"""
