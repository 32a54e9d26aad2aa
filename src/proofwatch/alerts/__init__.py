"""Steps 4 and 5: rules, alerts, messages to people, and the log of who reviewed what."""
