"""What this service is about: data and rules, in plain Python that knows of no framework."""
