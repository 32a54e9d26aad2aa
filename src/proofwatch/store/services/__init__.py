"""What people and the system do to the state: small functions, each one transaction and attributed.

Every change is written together with its log entry, or not at all.
"""
