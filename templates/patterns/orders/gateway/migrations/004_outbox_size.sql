-- An event is stored as it is, not compressed: so its size is known to the relay before it reads it.
ALTER TABLE outbox ALTER COLUMN data SET STORAGE EXTERNAL;
