export type OrderStatus = "pending" | "processing" | "completed" | "failed";

/** Which status may follow which: an order only moves forward, and the last two are final. */
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

/** The status of an order and how it got there. */
export interface OrderState {
  orderId: string;
  status: OrderStatus;
  history: { status: OrderStatus; at: string }[];
  /** Why the order failed. */
  reason?: string;
}

/** The new status of an order, as an event announces it. */
export interface StatusChange {
  eventId: string;
  orderId: string;
  status: OrderStatus;
  at: Date;
  reason?: string;
}

/** Whether `text` can be the id of an order, which is a UUID. */
export function isOrderId(text: string): boolean {
  return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text);
}

export function isFinal(status: OrderStatus): boolean {
  return successors[status].length === 0;
}

/**
 * The changes that move their orders forward, each from where the one before has left it. `statuses`
 * are the orders' own, and are changed with them.
 */
export function forwardChanges(
  changes: StatusChange[],
  statuses: Map<string, OrderStatus>,
): StatusChange[] {
  return changes.filter(({ orderId, status }) => {
    const from = statuses.get(orderId);
    if (!from || !successors[from].includes(status)) return false;
    statuses.set(orderId, status);
    return true;
  });
}

/** The state after each step of the history, starting with the step of index `from`. */
export function statesSince({ history, reason, orderId }: OrderState, from: number): OrderState[] {
  return history.slice(from).map(({ status }, index) => ({
    orderId,
    status,
    history: history.slice(0, from + index + 1),
    ...(status === "failed" && reason !== undefined && { reason }),
  }));
}
