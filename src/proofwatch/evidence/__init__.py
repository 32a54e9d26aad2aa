"""Step 7: one append-only log and write-once objects, verifiable by software that is not ours."""
