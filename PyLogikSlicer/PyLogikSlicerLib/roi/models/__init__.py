"""Weights that are shipped with the package."""
