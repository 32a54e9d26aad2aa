"""Dated, typed tables: written once, provable, rebuilt as of any sweep."""
