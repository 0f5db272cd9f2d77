"""The broker of this repository: nothing outside app/adapters names the product."""

from app.adapters.kafka.consumer import KafkaConsumer as BrokerConsumer
from app.adapters.kafka.dead_letters import open_dead_letters
from app.adapters.kafka.publisher import KafkaPublisher as BrokerPublisher

__all__ = ["BrokerConsumer", "BrokerPublisher", "open_dead_letters"]
