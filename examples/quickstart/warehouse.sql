-- The quickstart's warehouse: 100,000 customers in marts.customers.
SET client_min_messages = warning;
DROP TABLE IF EXISTS marts.customers;
CREATE TABLE marts.customers (
  customer_id    bigint PRIMARY KEY,
  email          text NOT NULL UNIQUE,
  first_name     text NOT NULL,
  last_name      text NOT NULL,
  phone          text,                -- as people write it; not everyone gave one
  country        text NOT NULL,       -- ISO 3166
  attrs          jsonb NOT NULL,      -- {"plan": "…"}, or {} for those who pay nothing
  lifetime_value numeric(12, 2) NOT NULL,
  created_at     timestamptz NOT NULL
);

INSERT INTO marts.customers
SELECT i,
       CASE WHEN i % 7 = 0 THEN format('%s.%s.%s@Example.COM', first, last, i)
            ELSE lower(format('%s.%s.%s@example.com', first, last, i)) END,
       first,
       last,
       CASE WHEN i % 10 = 0 THEN NULL
            WHEN country = 'DE' THEN format('0151 %s', lpad((i % 100000000)::text, 8, '2'))
            WHEN country = 'FR' THEN format('06 12 %s', lpad((i % 1000000)::text, 6, '3'))
            WHEN country = 'GB' THEN format('07400 %s', lpad((i % 1000000)::text, 6, '1'))
            ELSE format('(202) 456-%s', lpad((i % 10000)::text, 4, '0')) END,
       country,
       CASE WHEN i % 4 = 0 THEN '{}'::jsonb
            ELSE jsonb_build_object('plan', (ARRAY['basic', 'pro', 'team'])[i % 4]) END,
       (i * 7919 % 500000) / 100.0,
       timestamptz '2024-01-01 00:00:00+00' + i * interval '701 seconds'
FROM (
  SELECT i,
         (ARRAY['Ada', 'Grace', 'Edsger', 'Barbara', 'Alan', 'Radia', 'Ken', 'Frances'])[1 + i % 8] AS first,
         (ARRAY['Miller', 'Novak', 'Garcia', 'Okafor', 'Tanaka', 'Dubois', 'Rossi'])[1 + i % 7] AS last,
         (ARRAY['DE', 'US', 'FR', 'GB'])[1 + i % 4] AS country
  FROM generate_series(1, 100000) AS i
) AS people;
ANALYZE marts.customers;
