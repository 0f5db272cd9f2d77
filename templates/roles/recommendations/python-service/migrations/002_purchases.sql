CREATE TABLE purchases (
    user_id  text   NOT NULL,
    sku      text   NOT NULL,
    quantity bigint NOT NULL,
    PRIMARY KEY (user_id, sku)
);

-- A first customer, so that there is something to recommend before anybody has bought anything.
INSERT INTO purchases (user_id, sku, quantity) VALUES
    ('first-customer', 'book-1', 3),
    ('first-customer', 'book-2', 2),
    ('first-customer', 'book-3', 1);
