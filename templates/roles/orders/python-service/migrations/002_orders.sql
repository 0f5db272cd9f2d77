CREATE TABLE orders (
    order_id   uuid        PRIMARY KEY,
    user_id    text        NOT NULL,
    items      jsonb       NOT NULL,
    ship_to    jsonb,
    status     text        NOT NULL CHECK (status IN ('processing', 'completed', 'failed')),
    reason     text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX orders_by_user ON orders (user_id, created_at DESC);
CREATE INDEX orders_by_age ON orders (created_at DESC);
