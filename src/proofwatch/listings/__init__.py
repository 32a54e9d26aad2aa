"""What exists, as lists: each is defined once and shown alike on pages, in files and by the API."""
