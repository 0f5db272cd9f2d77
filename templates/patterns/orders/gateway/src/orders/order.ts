export type OrderStatus = "pending" | "processing" | "completed" | "failed";

/**
 * What may follow on what. An order only ever goes forward; there is no way out of the last two.
 */
const successors: Record<OrderStatus, readonly OrderStatus[]> = {
  pending: ["processing", "completed", "failed"],
  processing: ["completed", "failed"],
  completed: [],
  failed: [],
};

/** An order as it is placed. */
export interface Order {
  orderId: string;
  userId: string;
  items: { sku: string; quantity: number }[];
  shipTo?: { city: string };
}

/** Where an order stands and how it got there; `reason` says why it failed. */
export interface OrderState {
  orderId: string;
  status: OrderStatus;
  history: { status: OrderStatus; at: string }[];
  reason?: string;
}

/**
 * Something happened to an order. `eventId` tells a second delivery of the same news from the
 * first.
 */
export interface StatusChange {
  eventId: string;
  orderId: string;
  status: OrderStatus;
  at: Date;
  reason?: string;
}

/** Tell whether `text` can be the id of an order at all. */
export function isOrderId(text: string): boolean {
  return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text);
}

export function isFinal(status: OrderStatus): boolean {
  return successors[status].length === 0;
}

/** The statuses out of which an order may come to `status`. */
export function predecessors(status: OrderStatus): OrderStatus[] {
  const all = Object.keys(successors) as OrderStatus[];
  return all.filter((from) => successors[from].includes(status));
}

/**
 * The state after each step of the history from the step number `from` on: what somebody who
 * watches missed.
 */
export function statesSince({ history, reason, orderId }: OrderState, from: number): OrderState[] {
  return history.slice(from).map(({ status }, index) => ({
    orderId,
    status,
    history: history.slice(0, from + index + 1),
    ...(status === "failed" && reason !== undefined && { reason }),
  }));
}
