"""What every connector of a REST source shares: declared tables, requests, pages, credentials."""
