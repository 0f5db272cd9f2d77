import { randomUUID } from "node:crypto";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { type CloudEvent, InvalidEvent } from "../messaging/cloud-event.ts";
import type { OutgoingEvent } from "../messaging/outbox.ts";
import type { Order, OrderStatus, StatusChange } from "./order.ts";

export const ORDERS_TOPIC = "orders";

/** The event that tells everybody else of a new order. */
export function orderCreated(order: Order, headers: OutgoingEvent["headers"] = {}): OutgoingEvent {
  return {
    id: randomUUID(),
    topic: ORDERS_TOPIC,
    key: order.orderId,
    type: "order.created",
    data: order,
    headers,
  };
}

/** The events that move an order on, and the status that each brings it to. */
const statusEvents = new Map<string, OrderStatus>([
  ["order.processing", "processing"],
  ["order.completed", "completed"],
  ["order.failed", "failed"],
]);

export const statusEventTypes: ReadonlySet<string> = new Set(statusEvents.keys());

// Only what we need of an event. What else it brings may change without us.
const orderNews = Compile(
  Type.Object({
    orderId: Type.String({ format: "uuid" }),
    reason: Type.Optional(Type.String()),
  }),
);

/** What an event says about the status of an order. */
export function readStatusChange({ id, type, time, data }: CloudEvent): StatusChange {
  const status = statusEvents.get(type);
  if (!status) throw new InvalidEvent(`${type} says nothing about the status of an order`);
  if (!orderNews.Check(data)) throw new InvalidEvent(`the data is not that of ${type}`);
  if (status === "failed" && !data.reason) throw new InvalidEvent(`${type} gives no reason`);
  const { orderId, reason } = data;
  return { eventId: id, orderId, status, at: time, ...(reason !== undefined && { reason }) };
}
