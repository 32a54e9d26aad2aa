"""State in a database: Django models by step, and the transactions that change them."""
