CREATE TABLE orders (
    order_id        uuid PRIMARY KEY,
    user_id         text NOT NULL,
    items           jsonb NOT NULL,
    ship_to         jsonb,
    status          text NOT NULL,
    reason          text,
    -- Of two concurrent requests with the same key, one violates this.
    idempotency_key text UNIQUE,
    created_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE order_history (
    order_id uuid NOT NULL REFERENCES orders,
    status   text NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (order_id, status)
);
