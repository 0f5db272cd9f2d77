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
    "Each event is what GET /api/orders/{id} answers at that time. The stream ends with the order.",
  params: OrderParams,
  headers: Type.Object({ "last-event-id": Type.Optional(Type.String()) }),
  response: {
    200: {
      description: "The current state of the order, then each change",
      content: { "text/event-stream": { schema: Type.Unsafe<Readable>({ type: "string" }) } },
    },
    204: Type.Null({ description: "The client has the final state already" }),
    404: problemResponse("The order does not exist"),
  },
};

/** GET /api/orders/{id}/events */
export const watchOrder: FastifyPluginAsyncTypebox<{
  store: OrderStore;
  updates: OrderUpdates;
}> = async (app, orders) => {
  const draining = new AbortController();
  // The server closes only when all responses have ended, and these may last as long as an order.
  app.addHook("preClose", async () => draining.abort());

  app.get("/api/orders/:id/events", { schema, exposeHeadRoute: false }, async (request, reply) => {
    const { id } = request.params;
    const order = await orders.store.find(id);
    if (!order) throw new Problem(404, `There is no order ${id}`);
    // A browser's EventSource reconnects whenever a stream ends, unless it gets a 204.
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
