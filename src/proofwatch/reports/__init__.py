"""Exports for people: CSV now; PDF, OSCAL and the binder later."""
