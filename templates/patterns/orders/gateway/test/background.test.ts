import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { runInBackground } from "../src/background.ts";
import { exponential } from "../src/retry.ts";
import { Wakeup } from "../src/wakeup.ts";
import { log } from "./support/silent-logger.ts";

test("work that fails is started again", async () => {
  const { promise: recovered, resolve } = Promise.withResolvers<void>();
  let starts = 0;
  const task = runInBackground(
    "flaky",
    async (signal) => {
      if (++starts === 1) throw new Error("once");
      resolve();
      await once(signal, "abort");
    },
    log,
  );

  await recovered;
  await task.stop();

  assert.equal(starts, 2);
});

test("to stop is to wait for the end of the work", async () => {
  let ended = false;
  const task = runInBackground(
    "thorough",
    async (signal) => {
      await once(signal, "abort");
      await Promise.resolve();
      ended = true;
    },
    log,
  );

  await task.stop();

  assert.ok(ended);
});

test("the wait between attempts grows, but not without end", () => {
  const waits = [1, 2, 3, 50].map(exponential);

  for (const [index, most] of [100, 200, 400, 5_000].entries()) {
    const wait = waits[index] ?? Number.NaN;
    assert.ok(wait >= most / 2 && wait <= most);
  }
});

test("a wake-up before the sleep is not lost, and counts once", async () => {
  const wakeup = new Wakeup();
  wakeup.wake();

  assert.equal(await wakeup.sleep(60_000), true);
  assert.equal(await wakeup.sleep(0), false);
});

test("a sleeper is woken", async () => {
  const wakeup = new Wakeup();
  const asleep = wakeup.sleep(60_000);

  wakeup.wake();

  assert.equal(await asleep, true);
});
