"""What a consumer does while there is no broker."""

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from app.adapters.kafka import consumer as kafka_consumer
from app.adapters.kafka.consumer import KafkaConsumer
from tests.fakes import until


async def test_a_broker_that_stays_away_is_told_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries = 0

    async def no_broker(*_: object) -> None:
        nonlocal tries
        tries += 1
        raise KafkaConnectionError("nobody answers")

    async def handle(*_: object) -> None:
        raise AssertionError("there is nothing to handle")

    monkeypatch.setattr(kafka_consumer, "create_topics", no_broker)
    monkeypatch.setattr(kafka_consumer, "RETRY_SECONDS", 0)
    consumer = KafkaConsumer("127.0.0.1:9092", ["notes"], "tests", handle)
    running = asyncio.create_task(consumer.run())
    await until(lambda: tries >= 3)
    health = await consumer.health()
    consumer.stop()
    await running

    assert caplog.messages == ["consumer starts again"]
    assert not health.ok
    assert "nobody answers" in str(health.detail)
