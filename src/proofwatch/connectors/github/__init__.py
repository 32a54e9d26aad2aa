"""GitHub: Cloud and Enterprise Server, by a GitHub App or a token."""

from proofwatch.connectors.github.connector import GithubConnector

__all__ = ["GithubConnector"]
