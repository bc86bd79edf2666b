-- A day in the warehouse: 500 customers change, 100 come, 50 leave.
BEGIN;
UPDATE marts.customers
SET lifetime_value = lifetime_value + 100, attrs = attrs || '{"plan": "enterprise"}'
WHERE customer_id % 200 = 17;

INSERT INTO marts.customers
SELECT 100000 + i, format('new.customer.%s@example.com', i), 'New', 'Customer', NULL, 'DE', '{}', 0, now()
FROM generate_series(1, 100) AS i;

DELETE FROM marts.customers WHERE customer_id BETWEEN 1 AND 100000 AND customer_id % 2000 = 3;
COMMIT;
