import assert from "node:assert/strict";
import { test } from "node:test";
import { orderCreated, readStatusChange, statusEventTypes } from "../src/orders/order-events.ts";
import { contractTypes, example, violations } from "./support/contracts.ts";

const orderId = "3b241101-e2bb-4255-8caf-4136c566a962";
const eventOf = (type: string, data: unknown) => ({
  id: "event-1",
  type,
  source: "/orders",
  time: new Date("2026-01-01T00:00:00Z"),
  data,
});

test("what we publish is what the contract promises", () => {
  const items = [{ sku: "book-1", quantity: 2 }];
  const orders = [
    { orderId, userId: "u1", items },
    { orderId, userId: "u1", items, shipTo: { city: "Lisbon" } },
  ];

  for (const order of orders) {
    assert.deepEqual(violations("order.created", orderCreated(order).data), []);
  }
});

test("we understand the example of every event that we listen to", () => {
  for (const type of statusEventTypes) {
    assert.ok(contractTypes.includes(type), `${type} has a contract`);

    const change = readStatusChange(eventOf(type, example(type)));

    assert.equal(change.eventId, "event-1");
    assert.equal(change.orderId, orderId);
    assert.equal(`order.${change.status}`, type);
  }
});

test("the reason of a failure is taken over", () => {
  const change = readStatusChange(eventOf("order.failed", example("order.failed")));

  assert.equal(change.reason, "out of stock: out-of-stock");
});

test("a field that we do not know does not bother us", () => {
  const data = { ...(example("order.completed") as object), gift: true };

  assert.equal(readStatusChange(eventOf("order.completed", data)).status, "completed");
});

test("an event without what we need is invalid", () => {
  const wrong = { name: "InvalidEvent" };

  assert.throws(() => readStatusChange(eventOf("order.completed", { orderId: "7" })), wrong);
  assert.throws(() => readStatusChange(eventOf("order.failed", { orderId })), wrong);
  assert.throws(() => readStatusChange(eventOf("order.painted", { orderId })), wrong);
});
