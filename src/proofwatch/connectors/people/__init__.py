"""A list of the people who work here, held against the accounts that exist in every connected system."""

from proofwatch.connectors.people.connector import PeopleConnector

__all__ = ["PeopleConnector"]
