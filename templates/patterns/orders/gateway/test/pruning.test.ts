import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { Query } from "../src/database/database.ts";
import { pruneInbox } from "../src/messaging/pruning.ts";
import { log } from "./support/silent-logger.ts";

const HOUR = 3_600_000;

/** Lets so many hours pass at once, and then time stand still. */
function hours(count: number) {
  const waits: number[] = [];
  let stands = () => {};
  const over = new Promise<void>((resolve) => {
    stands = resolve;
  });
  async function wait(ms: number, signal: AbortSignal): Promise<void> {
    waits.push(ms);
    if (waits.length <= count) return;
    stands();
    await once(signal, "abort");
    throw signal.reason;
  }
  return { waits, over, wait };
}

test("the inbox is pruned every hour, and not at the start", async () => {
  const { waits, over, wait } = hours(2);
  const statements: [string, unknown[] | undefined][] = [];
  const query: Query = async (text, values) => {
    statements.push([text, values]);
    return [];
  };

  const task = pruneInbox(query, log, wait);
  await over;
  await task.stop();

  assert.deepEqual(waits, [HOUR, HOUR, HOUR]);
  assert.equal(statements.length, 2);
  assert.match(statements[0]?.[0] ?? "", /^DELETE FROM inbox WHERE received_at </);
  assert.deepEqual(statements[0]?.[1], [30]);
});

test("a database that is away is no reason to give up", async () => {
  const { over, wait } = hours(2);
  let tries = 0;
  const query: Query = async () => {
    if (++tries === 1) throw new Error("away");
    return [];
  };

  const task = pruneInbox(query, log, wait);
  await over;
  await task.stop();

  assert.equal(tries, 2);
});
