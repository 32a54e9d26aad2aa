"""What connectors of Google share: signing in."""
