"""Servers of the simulated company's systems: each answers as its provider does."""
