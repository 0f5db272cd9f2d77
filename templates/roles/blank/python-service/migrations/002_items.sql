CREATE TABLE items (
    id           uuid        PRIMARY KEY,
    name         text        NOT NULL,
    description  text        NOT NULL,
    created_at   timestamptz NOT NULL,
    processed_at timestamptz
);
