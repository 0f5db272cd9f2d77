"""Put dead letters back on their topic, when what refused them is mended: python -m app.replay.

Any service can do it for any topic. Exit code: 0, 1 when the broker does not answer, 2 when there
is no such topic.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence

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
        done = asyncio.run(run(options.topic, dry_run=options.dry_run))
    except NoSuchTopic as error:
        fail(str(error), {"topics": error.known}, 2, as_json=options.json)
    except (Unavailable, MessageRefused) as error:
        fail(str(error), {}, 1, as_json=options.json)
    show = show_json if options.json else show_text
    show(options.topic, done, dry_run=options.dry_run)


async def run(topic: str, *, dry_run: bool) -> list[Replayed]:
    url = Settings().broker_url
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
    if not done:
        print(f"No dead letter of {topic} waits.")
    elif dry_run:
        print(f"{count} messages would be put back on {topic}. Nothing was done.")
    else:
        print(f"{count} messages put back on {topic}.")


def fail(reason: str, details: dict[str, object], code: int, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": reason, **details}))
    else:
        print(f"Error: {reason}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
