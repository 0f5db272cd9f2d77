import assert from "node:assert/strict";
import { test } from "node:test";
import { Batcher } from "../src/batcher.ts";
import { Unavailable } from "../src/errors.ts";

/** Doubles numbers, and notes which came together; any number below 0 fails all of its call. */
function doubler(error = new Error("negative")) {
  const calls: number[][] = [];
  const batcher = new Batcher(async (numbers: number[]) => {
    calls.push(numbers);
    await Promise.resolve();
    if (numbers.some((number) => number < 0)) throw error;
    return numbers.map((number) => number * 2);
  });
  return { calls, batcher };
}

test("what comes in during a call is one call, and each gets its own result", async () => {
  const { calls, batcher } = doubler();

  const results = await Promise.all([1, 2, 3].map((number) => batcher.add(number)));

  assert.deepEqual(results, [2, 4, 6]);
  assert.deepEqual(calls, [[1], [2, 3]]);
});

test("one that fails does not fail those it came with", async () => {
  const { batcher } = doubler();

  const results = await Promise.allSettled([1, 2, -1, 3].map((number) => batcher.add(number)));

  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected", "fulfilled"],
  );
  assert.equal(await batcher.add(4), 8);
});

test("in an outage all fail at once", async () => {
  const { calls, batcher } = doubler(new Unavailable("away"));

  const results = await Promise.allSettled([1, 2, -1, 3].map((number) => batcher.add(number)));

  assert.deepEqual(calls, [[1], [2, -1, 3]]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "rejected", "rejected"],
  );
});
