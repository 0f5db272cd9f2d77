import assert from "node:assert/strict";
import { test } from "node:test";
import { Unavailable } from "../src/errors.ts";
import { InvalidEvent } from "../src/messaging/cloud-event.ts";
import { consumer, type EventHandler } from "../src/messaging/consumer.ts";
import { InMemoryBroker, received } from "./support/in-memory-broker.ts";
import { log } from "./support/silent-logger.ts";

/**
 * A consumer of "thing.happened" that hands the data of events to `handle`, and never waits between
 * attempts.
 */
function setUp(handle: (batch: unknown[]) => Promise<void>) {
  const broker = new InMemoryBroker();
  const handler: EventHandler<unknown> = {
    types: new Set(["thing.happened"]),
    read({ data }) {
      if (data === null) throw new InvalidEvent("there is no data");
      return data;
    },
    handle,
  };
  const deliver = consumer(handler, { group: "tests", broker, log, backoff: () => 0 });
  return { broker, deliver, signal: new AbortController().signal };
}

test("a batch is handled as one", async () => {
  const batches: unknown[][] = [];
  const { deliver, signal } = setUp(async (batch) => void batches.push(batch));

  await deliver([received({ data: 1 }), received({ data: 2 })], signal);

  assert.deepEqual(batches, [[1, 2]]);
});

test("types that it does not know are passed over, whatever is in them", async () => {
  const { broker, deliver, signal } = setUp(async () => assert.fail("nothing to handle"));

  await deliver([{ ...received({ type: "other.thing" }), value: Buffer.from("}") }], signal);

  assert.deepEqual(broker.published, []);
});

test("broken messages are dead letters at once, and the others are handled", async () => {
  const handled: unknown[] = [];
  const { broker, deliver, signal } = setUp(async (batch) => void handled.push(...batch));
  const broken = [
    { ...received(), value: Buffer.from("not json") },
    { ...received(), headers: {} },
    received({ data: null }),
  ];

  await deliver([...broken, received({ data: "fine" })], signal);

  assert.deepEqual(handled, ["fine"]);
  assert.deepEqual(
    broker.published.map(({ headers }) => headers["dlq-reason"]),
    ["the body is not JSON", "not a CloudEvent 1.0", "there is no data"],
  );
});

test("a dead letter keeps what it was, and tells where it came from", async () => {
  const { broker, deliver, signal } = setUp(async () => {
    throw new Error("no luck");
  });
  const message = received({ data: "unlucky" });

  await deliver([message], signal);

  const [letter] = broker.published;
  assert.ok(letter);
  const { "dlq-time": time, ...headers } = letter.headers;
  assert.ok(time && !Number.isNaN(Date.parse(time)));
  assert.deepEqual(
    { ...letter, headers },
    {
      topic: "things.dlq",
      key: message.key,
      value: message.value,
      headers: {
        ...message.headers,
        "dlq-reason": "no luck",
        "dlq-group": "tests",
        "dlq-topic": "things",
        "dlq-partition": "3",
        "dlq-offset": message.offset,
        "dlq-attempts": "5",
      },
    },
  );
});

test("a dead letter that is refused blocks nothing", async () => {
  const { broker, deliver, signal } = setUp(async () => {
    throw new Error("no luck");
  });
  broker.maxBytes = 10;

  await deliver([received({ data: "much too large" }), received({ data: "fits" })], signal);

  assert.deepEqual(
    broker.published.map(({ value }) => String(value)),
    ['"fits"'],
  );
});

test("one message that fails does not take the others of its batch with it", async () => {
  const handled: unknown[] = [];
  const { broker, deliver, signal } = setUp(async (batch) => {
    if (batch.includes("bad")) throw new Error("no luck");
    handled.push(...batch);
  });

  await deliver(
    ["a", "bad", "b"].map((data) => received({ data })),
    signal,
  );

  assert.deepEqual(handled, ["a", "b"]);
  assert.equal(broker.published.length, 1);
});

test("a message that succeeds in the end is no dead letter", async () => {
  let failures = 4;
  const { broker, deliver, signal } = setUp(async () => {
    if (failures-- > 0) throw new Error("not yet");
  });

  await deliver([received()], signal);

  assert.deepEqual(broker.published, []);
});

test("while the database is away all messages wait, however long", async () => {
  let outages = 50;
  const { broker, deliver, signal } = setUp(async () => {
    if (outages-- > 0) throw new Unavailable("away");
  });

  await deliver([received(), received()], signal);

  assert.equal(outages, -1);
  assert.deepEqual(broker.published, []);
});

test("told to stop it gives up waiting, and leaves the message to come again", async () => {
  const stopping = new AbortController();
  const { broker, deliver } = setUp(async () => {
    stopping.abort();
    throw new Unavailable("away");
  });

  await assert.rejects(deliver([received()], stopping.signal), { name: "AbortError" });
  assert.deepEqual(broker.published, []);
});
