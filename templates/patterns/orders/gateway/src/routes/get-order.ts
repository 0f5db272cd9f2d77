import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { OrderStore } from "../orders/order-store.ts";
import { OrderParams, OrderState } from "../orders/schemas.ts";
import { Problem, problemResponse } from "../problem.ts";

const schema = {
  tags: ["orders"],
  summary: "The status of an order and its history",
  params: OrderParams,
  response: { 200: OrderState, 404: problemResponse("The order does not exist") },
};

/** GET /api/orders/{id} */
export const getOrder: FastifyPluginAsyncTypebox<{ store: OrderStore }> = async (
  app,
  { store },
) => {
  app.get("/api/orders/:id", { schema }, async (request) => {
    const { id } = request.params;
    const order = await store.find(id);
    if (!order) throw new Problem(404, `There is no order ${id}`);
    return order;
  });
};
