"""Google Workspace: people, groups, administrators, devices, and what happened at sign-in."""

from proofwatch.connectors.google_workspace.connector import GoogleWorkspaceConnector

__all__ = ["GoogleWorkspaceConnector"]
