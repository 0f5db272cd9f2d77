"""What this service does: one handler a message, and the ports that the handlers need."""
