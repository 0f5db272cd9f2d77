"""Publish many messages, of which the broker may refuse some for good."""

from collections.abc import Mapping, Sequence

from app.application.broker import Message, MessageRefused, Publisher


async def publish_all(publisher: Publisher, messages: Mapping[int, Message]) -> dict[int, str]:
    """Publish messages in their order, and give why the broker refuses some, by their numbers.

    The others are published all the same: none may wait for ever behind one that is never taken.
    """
    if await _refusal(publisher, list(messages.values())) is None:
        return {}
    # One of them failed the call for all. On their own, only that one fails.
    refusals = {number: await _refusal(publisher, [one]) for number, one in messages.items()}
    return {number: refusal for number, refusal in refusals.items() if refusal is not None}


async def _refusal(publisher: Publisher, messages: Sequence[Message]) -> str | None:
    try:
        await publisher.publish(messages)
    except MessageRefused as error:
        return str(error)
    return None
