"""Executors, leased jobs and the scheduler."""
