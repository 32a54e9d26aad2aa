"""One file per channel: how a message reaches people."""
