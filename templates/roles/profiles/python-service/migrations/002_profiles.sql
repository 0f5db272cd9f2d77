CREATE TABLE profiles (
    user_id text PRIMARY KEY,
    name    text NOT NULL,
    email   text NOT NULL,
    city    text NOT NULL
);

-- Demo users. Orders of no-funds fail, so that a failure can be seen.
INSERT INTO profiles (user_id, name, email, city) VALUES
    ('u1', 'Ada Lovelace', 'ada@example.com', 'London'),
    ('u2', 'Edsger Dijkstra', 'edsger@example.com', 'Rotterdam'),
    ('u3', 'Grace Hopper', 'grace@example.com', 'New York'),
    ('no-funds', 'Max Broke', 'max@example.com', 'Berlin');
