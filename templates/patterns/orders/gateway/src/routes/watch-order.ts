import { Readable } from "node:stream";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { isFinal } from "../orders/order.ts";
import type { OrderStore } from "../orders/order-store.ts";
import type { OrderUpdates } from "../orders/order-updates.ts";
import { OrderParams } from "../orders/schemas.ts";
import { statusStream } from "../orders/status-stream.ts";
import { Problem, problemResponse } from "../problem.ts";

const schema = {
  tags: ["orders"],
  summary: "Follow an order as Server-Sent Events",
  description:
    "Each event is what GET /api/orders/{id} answers at that moment; after a final status the stream ends.",
  params: OrderParams,
  headers: Type.Object({ "last-event-id": Type.Optional(Type.String()) }),
  response: {
    200: {
      description: "The state of the order now, and each time it changes",
      content: { "text/event-stream": { schema: Type.Unsafe<Readable>({ type: "string" }) } },
    },
    204: Type.Null({ description: "You have had the last event: do not come back" }),
    404: problemResponse("There is no such order"),
  },
};

/** GET /api/orders/{id}/events */
export const watchOrder: FastifyPluginAsyncTypebox<{
  store: OrderStore;
  updates: OrderUpdates;
}> = async (app, orders) => {
  const draining = new AbortController();
  // A stream may go on for as long as its order does, and the server does not close before the last
  // response ends.
  app.addHook("preClose", async () => draining.abort());

  app.get("/api/orders/:id/events", { schema, exposeHeadRoute: false }, async (request, reply) => {
    const { id } = request.params;
    const order = await orders.store.find(id);
    if (!order) throw new Problem(404, `There is no order ${id}`);
    // A browser's EventSource comes back whenever a stream ends, until it is told that there is no
    // more.
    if (isFinal(order.status) && request.headers["last-event-id"] === order.status) {
      return reply.code(204).send(null);
    }
    const ended = AbortSignal.any([request.signal, draining.signal]);
    return reply
      .header("content-type", "text/event-stream")
      .header("cache-control", "no-cache")
      .send(Readable.from(statusStream(id, orders, ended)));
  });
};
