"""The command line: verbs, exit codes, progress. The only package that prints."""
