UPDATE orders SET quantity = 7, updated_at = '2025-07-01 00:00+00' WHERE id IN (10, 20);
INSERT INTO orders VALUES (301, 'MLK0001', 2025, 2, '2025-07-01 00:00+00', '2025-07-01 00:00+00');
DELETE FROM orders WHERE id = 11;
