-- Events to publish. A row is written in the transaction of the change that it tells of.
CREATE TABLE outbox (
    seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           uuid NOT NULL UNIQUE,
    topic        text NOT NULL,
    key          text NOT NULL,
    type         text NOT NULL,
    data         jsonb NOT NULL,
    headers      jsonb NOT NULL DEFAULT '{}',
    created_at   timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
);

-- The relay reads the unpublished rows many times a second, however many published ones there are.
CREATE INDEX outbox_unpublished ON outbox (seq) WHERE published_at IS NULL;

-- Events that were handled. A row is written in the transaction of their effect, so a second delivery has none.
CREATE TABLE inbox (
    consumer    text NOT NULL,
    event_id    text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);
