import type { OutgoingEvent } from "../messaging/outbox.ts";
import type { Order, OrderState, StatusChange } from "./order.ts";

/**
 * An order to store, the event that goes out with it, and the key that tells a repeated request, if
 * it has one.
 */
export interface NewOrder {
  order: Order;
  event: OutgoingEvent;
  idempotencyKey?: string | undefined;
}

/** Where the orders are kept. */
export interface OrderStore {
  /**
   * Store an order and its event, both or neither, and return the order's id. A request that
   * repeats an earlier one, by its key, stores nothing and gets the id from then.
   *
   * @throws {KeyReused} the key came with another order before
   */
  add(newOrder: NewOrder): Promise<string>;
  find(orderId: string): Promise<OrderState | undefined>;
  /**
   * Take over what events say, all or nothing; each event once, and none that would take an order
   * back.
   */
  apply(changes: StatusChange[]): Promise<void>;
}

export class KeyReused extends Error {
  override readonly name = "KeyReused";
}
