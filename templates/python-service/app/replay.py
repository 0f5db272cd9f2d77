"""Put dead letters back on their topic, when what refused them is mended: python -m app.replay.

It runs in the environment of its service: `make replay` sees to that. Any service can do it for
any topic. Exit code: 0, 1 when the broker does not answer, 2 when there is no such topic.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import NoReturn

from pydantic import ValidationError

from app.adapters.broker import BrokerPublisher, open_dead_letters
from app.application.broker import MessageRefused, Unavailable
from app.application.dead_letters import NoSuchTopic
from app.application.replay import Replayed, replay
from app.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m app.replay", description="Put dead letters back on their topic."
    )
    parser.add_argument("topic", help="the topic they were on, for example orders")
    parser.add_argument("--dry-run", action="store_true", help="only show what would be put back")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    try:
        url = Settings().broker_url
    except ValidationError:
        reason = "the settings of the service are not in the environment: try make replay"
        fail(reason, {}, 1, as_json=options.json)
    try:
        done = asyncio.run(run(url, options.topic, dry_run=options.dry_run))
    except NoSuchTopic as error:
        fail(str(error), {"topics": error.known}, 2, as_json=options.json)
    except (Unavailable, MessageRefused) as error:
        fail(str(error), {}, 1, as_json=options.json)
    show = show_json if options.json else show_text
    show(options.topic, done, dry_run=options.dry_run)


async def run(url: str, topic: str, *, dry_run: bool) -> list[Replayed]:
    async with open_dead_letters(url, topic) as letters:
        publisher = BrokerPublisher(url, topics=[topic])
        try:
            return await replay(topic, letters, publisher, dry_run=dry_run)
        finally:
            await publisher.close()


def show_json(topic: str, done: Sequence[Replayed], *, dry_run: bool) -> None:
    letters = [one.to_json() for one in done]
    print(json.dumps({"topic": topic, "dryRun": dry_run, "letters": letters}))


def show_text(topic: str, done: Sequence[Replayed], *, dry_run: bool) -> None:
    for one in done:
        fields = one.to_json()
        names = ("time", "outcome", "type", "key", "group", "reason")
        print("  ".join(str(fields[name] or "-") for name in names))
    count = sum(one.outcome == "put back" for one in done)
    messages = "1 message" if count == 1 else f"{count} messages"
    if not done:
        print(f"No dead letter of {topic} waits.")
    elif dry_run:
        print(f"{messages} would be put back on {topic}. Nothing was done.")
    else:
        print(f"{messages} put back on {topic}.")


def fail(reason: str, details: dict[str, object], code: int, *, as_json: bool) -> NoReturn:
    if as_json:
        print(json.dumps({"error": reason, **details}))
    else:
        print(f"Error: {reason}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
