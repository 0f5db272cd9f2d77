"""How this service is reached: HTTP routes and consumed messages."""
