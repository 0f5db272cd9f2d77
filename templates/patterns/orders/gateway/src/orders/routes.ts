import type { FastifyPluginAsync } from "fastify";
import { createOrder } from "../routes/create-order.ts";
import { getOrder } from "../routes/get-order.ts";
import { watchOrder } from "../routes/watch-order.ts";
import type { OrderStore } from "./order-store.ts";
import type { OrderUpdates } from "./order-updates.ts";

/** What the routes need. */
export interface Orders {
  store: OrderStore;
  updates: OrderUpdates;
}

export const orderRoutes: FastifyPluginAsync<{ orders: Orders }> = async (app, { orders }) => {
  await app.register(createOrder, orders);
  await app.register(getOrder, orders);
  await app.register(watchOrder, orders);
};
