import assert from "node:assert/strict";
import { test } from "node:test";
import {
  forwardChanges,
  isFinal,
  isOrderId,
  type OrderState,
  type OrderStatus,
  statesSince,
} from "../src/orders/order.ts";

const at = "2026-01-01T00:00:00.000Z";

/** Changes as "order:status", of which those are returned that move the order forward. */
function forward(from: Record<string, OrderStatus>, ...texts: string[]) {
  const changes = texts.map((text) => {
    const [orderId = "", status = ""] = text.split(":");
    return { eventId: text, orderId, status: status as OrderStatus, at: new Date(at) };
  });
  const statuses = new Map(Object.entries(from));
  const made = forwardChanges(changes, statuses).map(({ eventId }) => eventId);
  return { made, now: Object.fromEntries(statuses) };
}

test("an order only goes forward", () => {
  for (const status of ["pending", "processing", "completed", "failed"] as const) {
    const { made } = forward({ a: "completed", b: "failed" }, `a:${status}`, `b:${status}`);
    assert.deepEqual(made, []);
  }
  assert.deepEqual(forward({ a: "processing" }, "a:pending", "a:processing").made, []);
  assert.deepEqual(forward({ a: "pending" }, "a:failed").now, { a: "failed" });
});

test("changes of one batch build on each other", () => {
  const { made, now } = forward(
    { a: "pending", b: "pending" },
    "a:processing",
    "b:completed",
    "a:completed",
    "b:processing",
    "unknown:processing",
  );
  assert.deepEqual(made, ["a:processing", "b:completed", "a:completed"]);
  assert.deepEqual(now, { a: "completed", b: "completed" });
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
