"""How it is done: the ports of the application, over Postgres and the broker."""
