"""What the simulated company has at AWS, by service."""
