-- Why the broker will never take an event. Such a row is out of the way of those behind it; to have it tried again, set
-- this to NULL.
ALTER TABLE outbox ADD COLUMN refusal text;

DROP INDEX outbox_unpublished;
CREATE INDEX outbox_unpublished ON outbox (seq) WHERE published_at IS NULL AND refusal IS NULL;
CREATE INDEX outbox_refused ON outbox (seq) WHERE refusal IS NOT NULL;
