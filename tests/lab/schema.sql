-- The shop's tables and what it has sold so far; every value is computed, none is personal.
SELECT setseed(0.5);
CREATE TABLE products AS
    SELECT n AS id, 'product ' || n AS name, 100 + (random() * 9900)::int AS price_cents,
           1 + n % 25 AS category, random() AS popularity
    FROM generate_series(1, 500) n;
ALTER TABLE products ADD PRIMARY KEY (id);
CREATE INDEX products_category ON products (category);

CREATE TABLE reviews AS
    SELECT n AS id, 1 + (random() * 499)::int AS product_id, 1 + (random() * 1999)::int AS customer_id,
           1 + (random() * 4)::int AS stars
    FROM generate_series(1, 110000) n;
ALTER TABLE reviews ADD PRIMARY KEY (id);
CREATE INDEX reviews_product ON reviews (product_id);

CREATE TABLE orders (
    id bigserial PRIMARY KEY,
    customer_id int NOT NULL,
    product_id int NOT NULL,
    quantity int NOT NULL,
    total_cents int NOT NULL,
    status text NOT NULL DEFAULT 'placed',
    created_at timestamptz NOT NULL DEFAULT now(),
    shipped_at timestamptz,
    invoice text NOT NULL
);
INSERT INTO orders (customer_id, product_id, quantity, total_cents, status, invoice)
    SELECT 1 + (random() * 1999)::int, 1 + (random() * 499)::int, 1, (random() * 9000)::int,
           'shipped', ''
    FROM generate_series(1, 1500000);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE TABLE shipments (order_id bigint NOT NULL, carrier text NOT NULL, at timestamptz DEFAULT now());
CREATE ROLE shop LOGIN PASSWORD 'shop';
GRANT ALL ON ALL TABLES IN SCHEMA public TO shop;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO shop;
VACUUM ANALYZE;
