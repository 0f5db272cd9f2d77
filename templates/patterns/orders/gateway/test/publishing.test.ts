import assert from "node:assert/strict";
import { test } from "node:test";
import { publishAll } from "../src/messaging/publishing.ts";
import { InMemoryBroker, received } from "./support/in-memory-broker.ts";

test("a message that is refused for good does not hold up the others", async () => {
  const broker = new InMemoryBroker();
  broker.maxBytes = 10;
  const messages = ["a", "much too large", "b"].map((data) => received({ data }));

  const refusals = await publishAll(broker, messages);

  assert.deepEqual([...refusals], [[1, "too large"]]);
  // What came before it went out twice; a consumer knows it by its id.
  assert.deepEqual(
    broker.published.map(({ value }) => String(value)),
    ['"a"', '"a"', '"b"'],
  );
});

test("any other failure is one of all", async () => {
  const broker = { publish: () => Promise.reject(new Error("away")) };

  await assert.rejects(publishAll(broker, [received()]), { message: "away" });
});
