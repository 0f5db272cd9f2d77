import { Type } from "typebox";

// No control characters and no lone surrogates, which Postgres cannot store.
const Text = Type.String({ minLength: 1, maxLength: 64, pattern: "^\\P{C}+$" });

export const OrderRequest = Type.Object(
  {
    userId: Text,
    items: Type.Array(
      Type.Object(
        { sku: Text, quantity: Type.Integer({ minimum: 1, maximum: 1_000 }) },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 100 },
    ),
    shipTo: Type.Optional(Type.Object({ city: Text }, { additionalProperties: false })),
  },
  {
    additionalProperties: false,
    examples: [
      { userId: "u1", items: [{ sku: "book-1", quantity: 2 }], shipTo: { city: "Lisbon" } },
    ],
  },
);

const Status = Type.Enum(["pending", "processing", "completed", "failed"]);

export const AcceptedOrder = Type.Object({
  orderId: Type.String(),
  status: Type.Literal("pending"),
});

export const OrderState = Type.Object({
  orderId: Type.String(),
  status: Status,
  history: Type.Array(Type.Object({ status: Status, at: Type.String({ format: "date-time" }) })),
  reason: Type.Optional(Type.String()),
});

export const OrderParams = Type.Object({ id: Type.String() });
