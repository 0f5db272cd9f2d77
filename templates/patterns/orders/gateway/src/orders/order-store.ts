import type { OutgoingEvent } from "../messaging/outbox.ts";
import type { Order, OrderState, StatusChange } from "./order.ts";

/** An order to store, with the event that announces it. */
export interface NewOrder {
  order: Order;
  event: OutgoingEvent;
  idempotencyKey?: string | undefined;
}

/** The port to where orders are stored. */
export interface OrderStore {
  /**
   * Store an order and its event in one transaction and return the order's id. When there is an
   * order with the same idempotency key already, store nothing and return the id of that one.
   *
   * @throws {KeyReused} the key belongs to a different order
   */
  add(newOrder: NewOrder): Promise<string>;
  find(orderId: string): Promise<OrderState | undefined>;
  /** Apply changes in one transaction: each event id once, and none that would move backward. */
  apply(changes: StatusChange[]): Promise<void>;
}

export class KeyReused extends Error {
  override readonly name = "KeyReused";
}
