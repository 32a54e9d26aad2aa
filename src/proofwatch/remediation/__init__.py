"""Step 6: tasks, tickets and risk acceptances, up to the proof that a control was restored."""
