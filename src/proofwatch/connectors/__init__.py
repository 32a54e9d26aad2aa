"""Step 2: one file (or folder, for a big cloud) per source system. Reads, never writes."""
