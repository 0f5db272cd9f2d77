import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isFinal,
  isOrderId,
  type OrderState,
  predecessors,
  statesSince,
} from "../src/orders/order.ts";

const at = "2026-01-01T00:00:00.000Z";

test("an order only goes forward", () => {
  assert.deepEqual(predecessors("pending"), []);
  assert.deepEqual(predecessors("processing"), ["pending"]);
  assert.deepEqual(predecessors("completed"), ["pending", "processing"]);
  assert.deepEqual(predecessors("failed"), ["pending", "processing"]);
});

test("completed and failed are final", () => {
  assert.deepEqual((["pending", "processing", "completed", "failed"] as const).filter(isFinal), [
    "completed",
    "failed",
  ]);
});

test("an order's id is a UUID", () => {
  assert.ok(isOrderId("3b241101-e2bb-4255-8caf-4136c566a962"));
  assert.ok(!isOrderId("3b241101"));
  assert.ok(!isOrderId("3b241101-e2bb-4255-8caf-4136c566a962; DROP TABLE orders"));
});

test("the states since a step are as they were then", () => {
  const order: OrderState = {
    orderId: "1",
    status: "failed",
    reason: "out of stock",
    history: [
      { status: "pending", at },
      { status: "processing", at },
      { status: "failed", at },
    ],
  };

  const [processing, failed, ...rest] = statesSince(order, 1);

  assert.deepEqual(processing, {
    orderId: "1",
    status: "processing",
    history: order.history.slice(0, 2),
  });
  assert.deepEqual(failed, order);
  assert.deepEqual(rest, []);
});
