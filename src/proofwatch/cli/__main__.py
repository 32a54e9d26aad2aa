"""`python -m proofwatch.cli` is the command `proofwatch`."""

from proofwatch.cli.main import run

run()
