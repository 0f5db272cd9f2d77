"""The broker port over Apache Kafka."""

import logging

# The client reports each of its many attempts to reconnect; the adapters here report the state.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
