"""Step 3: checks with explicit pass criteria, evaluated over typed tables in one scan."""
