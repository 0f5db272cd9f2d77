import assert from "node:assert/strict";
import { test } from "node:test";
import Fastify from "fastify";
import { orderRoutes } from "../src/orders/routes.ts";
import { useProblems } from "../src/problem.ts";
import { validation } from "../src/validation.ts";
import { violations } from "./support/contracts.ts";
import { InMemoryOrders } from "./support/in-memory-orders.ts";

const order = { userId: "u1", items: [{ sku: "book-1", quantity: 2 }] };

function setUp() {
  const orders = new InMemoryOrders();
  const app = Fastify({ ...validation });
  useProblems(app);
  app.register(orderRoutes, { orders });
  const place = (payload: object, headers = {}) =>
    app.inject({ method: "POST", url: "/api/orders", payload, headers });
  return { app, orders, place };
}

test("an order is accepted, and its address given", async () => {
  const { app, place } = setUp();

  const response = await place(order);

  assert.equal(response.statusCode, 202);
  const { orderId, status } = response.json();
  assert.equal(status, "pending");
  assert.equal(response.headers.location, `/api/orders/${orderId}`);

  const found = await app.inject(response.headers.location);
  assert.equal(found.statusCode, 200);
  assert.deepEqual(found.json(), {
    orderId,
    status: "pending",
    history: [{ status: "pending", at: found.json().history[0].at }],
  });
});

test("its event is stored with it", async () => {
  const { orders, place } = setUp();

  const response = await place({ ...order, shipTo: { city: "Lisbon" } });

  const [event, ...others] = orders.outbox;
  assert.deepEqual(others, []);
  assert.equal(event?.type, "order.created");
  assert.equal(event?.key, response.json().orderId);
  assert.deepEqual(violations("order.created", event?.data), []);
});

test("the largest order that is accepted is far below the 1 MiB that a broker takes", async () => {
  const { orders, place } = setUp();
  const text = "\u{1F4D6}".repeat(64);
  const items = Array(100).fill({ sku: text, quantity: 1_000 });

  const response = await place({ userId: text, items, shipTo: { city: text } });

  assert.equal(response.statusCode, 202);
  assert.ok(Buffer.byteLength(JSON.stringify(orders.outbox[0])) < 100_000);
});

test("the trace of the request goes on in the event", async () => {
  const { orders, place } = setUp();
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  await place(order, { traceparent });
  await place(order, { traceparent: "nonsense" });

  assert.deepEqual(
    orders.outbox.map(({ headers }) => headers),
    [{ traceparent }, {}],
  );
});

test("an order that is not complete or not correct is refused", async () => {
  const { orders, place } = setUp();
  const item = { sku: "book-1", quantity: 1 };
  const wrong = [
    {},
    { ...order, userId: "" },
    { ...order, userId: "line\nfeed" },
    { ...order, items: [] },
    { ...order, items: Array(101).fill(item) },
    { ...order, items: [{ ...item, quantity: 0 }] },
    { ...order, items: [{ ...item, quantity: 1.5 }] },
    { ...order, shipTo: {} },
  ];

  for (const payload of wrong) {
    const response = await place(payload);
    assert.equal(response.statusCode, 400, JSON.stringify(payload));
  }
  assert.deepEqual(orders.outbox, []);
});

test("a field that is not known is refused by its name, wherever it stands", async () => {
  const { orders, place } = setUp();
  const [item] = order.items;
  const wrong = {
    "body must NOT have additional properties: discount": { ...order, discount: 100 },
    "body/items/0 must NOT have additional properties: price": {
      ...order,
      items: [{ ...item, price: 0 }],
    },
    "body/shipTo must NOT have additional properties: zip": {
      ...order,
      shipTo: { city: "Lisbon", zip: "1100" },
    },
  };

  for (const [detail, payload] of Object.entries(wrong)) {
    const response = await place(payload);
    assert.equal(response.statusCode, 400);
    assert.match(String(response.headers["content-type"]), /^application\/problem\+json/);
    assert.equal(response.json().detail, detail);
  }
  assert.deepEqual(orders.outbox, []);
});

test("a request that is repeated with its key makes one order", async () => {
  const { orders, place } = setUp();
  const key = { "idempotency-key": "k1" };

  const responses = await Promise.all([place(order, key), place(order, key)]);

  const ids = responses.map((response) => response.json().orderId);
  assert.deepEqual(ids, [ids[0], ids[0]]);
  assert.equal(orders.outbox.length, 1);
});

test("a key cannot be used for another order", async () => {
  const { place } = setUp();
  const key = { "idempotency-key": "k1" };

  await place(order, key);
  const response = await place({ ...order, userId: "u2" }, key);

  assert.equal(response.statusCode, 422);
});

test("without a database no order is accepted", async () => {
  const { orders, place } = setUp();
  orders.available = false;

  const response = await place(order);

  assert.equal(response.statusCode, 503);
});

test("an order that nobody placed is not found", async () => {
  const { app } = setUp();

  for (const url of ["/api/orders/nope", "/api/orders/nope/events"]) {
    const response = await app.inject(url);
    assert.equal(response.statusCode, 404);
  }
});
