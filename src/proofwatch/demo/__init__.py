"""A simulated company to try everything on: a moto server in its own process, and DEMO DATA in it."""
