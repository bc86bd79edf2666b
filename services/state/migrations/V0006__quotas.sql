-- Attempts that were charged to the windows of an account's quotas, in slices of time
-- (services/state/domain/quota.h). Redis may lose its counters; a day's quota must not be had twice.
CREATE TABLE quota_use (
  account  text   NOT NULL,
  name     text   NOT NULL,  -- of the quota
  start_ms bigint NOT NULL,  -- of the slice, since 1970, by the database's clock
  used     bigint NOT NULL,
  PRIMARY KEY (account, name, start_ms)
);
