CREATE TABLE orders (
    id bigint PRIMARY KEY,
    sku text NOT NULL,
    year int NOT NULL,
    quantity int NOT NULL,
    placed_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ON orders (updated_at, id);
INSERT INTO orders SELECT
    number,
    (ARRAY['BRD0001', 'MLK0001', 'CHS0001'])[1 + number % 3],
    2024 + number / 200,
    number % 5,
    TIMESTAMPTZ '2024-06-01 08:00+00' + number * interval '1 day',
    TIMESTAMPTZ '2024-06-01 09:00+00' + number * interval '1 day'
FROM generate_series(1, 300) AS number;
