import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import Fastify from "fastify";
import type { OrderStatus } from "../src/orders/order.ts";
import { orderCreated } from "../src/orders/order-events.ts";
import { orderRoutes } from "../src/orders/routes.ts";
import { InMemoryOrders } from "./support/in-memory-orders.ts";

const orderId = "3b241101-e2bb-4255-8caf-4136c566a962";
// A busy machine may need more than the one second that it is by default.
const PATIENT = { timeout: 60_000 };
const order = { orderId, userId: "u1", items: [{ sku: "book-1", quantity: 1 }] };

/** An order, the server that it can be watched on, and a way to move it on. */
async function setUp(t: TestContext) {
  const orders = new InMemoryOrders();
  await orders.add({ order, event: orderCreated(order) });
  const app = Fastify();
  app.register(orderRoutes, { orders });
  const address = await app.listen({ host: "127.0.0.1", port: 0 });
  t.after(() => app.close());
  return {
    app,
    orders,
    url: `${address}/api/orders/${orderId}/events`,
    become: (status: OrderStatus) =>
      orders.apply([{ eventId: `to ${status}`, orderId, status, at: new Date() }]),
  };
}

/** Read the statuses of a stream of Server-Sent Events as they come. */
async function* statuses(response: Response): AsyncGenerator<string> {
  assert.ok(response.body);
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    for (const line of chunk.split("\n")) {
      if (line.startsWith("data: ")) yield JSON.parse(line.slice(6)).status;
    }
  }
}

async function next(stream: AsyncGenerator<string>): Promise<string | undefined> {
  const { value } = await stream.next();
  return value;
}

test("the state comes first, then each change, and the final one ends the stream", async (t) => {
  const { url, become, orders } = await setUp(t);
  const response = await fetch(url);
  const stream = statuses(response);

  assert.equal(response.headers.get("content-type"), "text/event-stream");
  assert.equal(await next(stream), "pending");
  await become("processing");
  assert.equal(await next(stream), "processing");
  await become("completed");
  assert.equal(await next(stream), "completed");
  assert.equal(await next(stream), undefined);
  assert.equal(orders.watchers(orderId), 0);
});

test("no change is skipped, however fast they come", async (t) => {
  const { url, become } = await setUp(t);
  const stream = statuses(await fetch(url));
  await next(stream);

  await Promise.all([become("processing"), become("completed")]);

  assert.deepEqual([await next(stream), await next(stream)], ["processing", "completed"]);
});

test("a database that is away for a moment is waited for", async (t) => {
  const { url, become, orders } = await setUp(t);
  const stream = statuses(await fetch(url));
  await next(stream);

  orders.available = false;
  orders.wake(orderId);
  await t.waitFor(() => assert.equal(orders.refusals, 1), PATIENT);
  orders.available = true;
  await become("completed");

  assert.equal(await next(stream), "completed");
});

test("a browser that comes back after the final state is sent away", async (t) => {
  const { url, become } = await setUp(t);
  await become("failed");

  const response = await fetch(url, { headers: { "last-event-id": "failed" } });

  assert.equal(response.status, 204);
});

test("a watcher that leaves is forgotten", async (t) => {
  const { url, orders } = await setUp(t);
  const leaving = new AbortController();
  const stream = statuses(await fetch(url, { signal: leaving.signal }));
  await next(stream);

  leaving.abort();

  await t.waitFor(() => assert.equal(orders.watchers(orderId), 0), PATIENT);
});

test("open streams end when the server drains", async (t) => {
  const { app, url } = await setUp(t);
  const stream = statuses(await fetch(url));
  await next(stream);

  await app.close();

  assert.equal(await next(stream), undefined);
});
