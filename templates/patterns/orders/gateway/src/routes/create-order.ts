import { randomUUID } from "node:crypto";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { orderCreated } from "../orders/order-events.ts";
import { KeyReused, type OrderStore } from "../orders/order-store.ts";
import { AcceptedOrder, OrderRequest } from "../orders/schemas.ts";
import { Problem, problemResponse } from "../problem.ts";

const schema = {
  tags: ["orders"],
  summary: "Place an order",
  description:
    "Answers as soon as the order is stored. The processing is asynchronous: see Location.",
  headers: Type.Object({
    "idempotency-key": Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: "Requests with the same key create one order and get the same answer",
      }),
    ),
    traceparent: Type.Optional(Type.String()),
  }),
  body: OrderRequest,
  response: {
    202: AcceptedOrder,
    400: problemResponse("The order is not valid"),
    422: problemResponse("The idempotency key belongs to a different order"),
    503: problemResponse("The order was not accepted; try again later"),
  },
};

/** POST /api/orders: store the order and its event; the work is done asynchronously. */
export const createOrder: FastifyPluginAsyncTypebox<{ store: OrderStore }> = async (
  app,
  { store },
) => {
  app.post("/api/orders", { schema }, async (request, reply) => {
    const order = { orderId: randomUUID(), ...request.body };
    const { traceparent, "idempotency-key": idempotencyKey } = request.headers;
    const event = orderCreated(order, isTraceparent(traceparent) ? { traceparent } : {});

    const orderId = await store.add({ order, event, idempotencyKey }).catch((error: unknown) => {
      throw error instanceof KeyReused ? new Problem(422, error.message) : error;
    });
    return reply
      .code(202)
      .header("location", `/api/orders/${orderId}`)
      .send({ orderId, status: "pending" });
  });
};

/** Only a valid W3C trace context is passed on. */
function isTraceparent(value: string | undefined): value is string {
  return value !== undefined && /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(value);
}
