"""What goes out: secrets by reference, and requests that cannot be turned against our own network."""
