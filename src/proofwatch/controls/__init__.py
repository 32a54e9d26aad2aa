"""Step 1: the approved list of controls; results become control status here."""
