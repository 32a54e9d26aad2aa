"""Step 7: the binder, everything about a period in one ZIP that can be verified offline (docs/binder.md)."""
