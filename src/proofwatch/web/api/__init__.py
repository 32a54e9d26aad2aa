"""The REST API, /api/v1: every list, the single objects, and what the pages let people do.

`root` holds the API itself. A request passes `front` (every answer), `guard` (who asks, what they may, how
often) and, if it changes something, `changing` (one transaction, repeated requests, conditions).
"""
