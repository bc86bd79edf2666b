-- What the CRM must hold, worked out without Penstock: one line a contact, in the columns
-- email|firstname|lastname|phone|country|plan|lifetime_value|customer_since|lead_source.
SELECT line
FROM (
  SELECT concat_ws('|',
                   lower(trim(email)),
                   first_name,
                   last_name,
                   coalesce(CASE country WHEN 'DE' THEN '+49' WHEN 'FR' THEN '+33' WHEN 'GB' THEN '+44' ELSE '+1' END
                            || ltrim(regexp_replace(phone, '\D', '', 'g'), '0'), ''),
                   country,
                   coalesce(attrs ->> 'plan', 'free'),
                   lifetime_value,
                   to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
                     || CASE WHEN to_char(created_at, 'US') = '000000' THEN ''
                             ELSE to_char(created_at, '.US') END || 'Z',
                   'warehouse') AS line
  FROM marts.customers
) lines
ORDER BY line COLLATE "C";
