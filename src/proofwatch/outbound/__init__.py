"""How Proofwatch speaks to other systems: secrets by reference, and requests that stay where they may go."""
