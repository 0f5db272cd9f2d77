import { randomUUID } from "node:crypto";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { type CloudEvent, InvalidEvent } from "../messaging/cloud-event.ts";
import type { OutgoingEvent } from "../messaging/outbox.ts";
import type { Order, OrderStatus, StatusChange } from "./order.ts";

export const ORDERS_TOPIC = "orders";

/** The event that announces a new order. */
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

/** The events that change the status of an order. */
const statusEvents = new Map<string, OrderStatus>([
  ["order.processing", "processing"],
  ["order.completed", "completed"],
  ["order.failed", "failed"],
]);

export const statusEventTypes: ReadonlySet<string> = new Set(statusEvents.keys());

// Only what is used here: producers may add to their events, and change what nobody reads.
const statusData = Compile(
  Type.Object({
    orderId: Type.String({ format: "uuid" }),
    reason: Type.Optional(Type.String()),
  }),
);

/** Read the new status of an order from an event. */
export function readStatusChange({ id, type, time, data }: CloudEvent): StatusChange {
  const status = statusEvents.get(type);
  if (!status) throw new InvalidEvent(`${type} does not change the status of an order`);
  if (!statusData.Check(data)) throw new InvalidEvent(`the data does not fit ${type}`);
  if (status === "failed" && !data.reason) throw new InvalidEvent(`${type} has no reason`);
  const { reason } = data;
  const orderId = data.orderId.toLowerCase();
  return { eventId: id, orderId, status, at: time, ...(reason !== undefined && { reason }) };
}
