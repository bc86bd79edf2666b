-- Pausing, deleting and resetting Syncs, and runs that send or remove all.

ALTER TABLE syncs
    ADD COLUMN paused       boolean NOT NULL DEFAULT false,
    ADD COLUMN deleting     boolean NOT NULL DEFAULT false;  -- its last run removes what it has sent

ALTER TABLE snapshots
    ADD COLUMN adopts       boolean     NOT NULL DEFAULT false,  -- the next whole read is taken as delivered
    ADD COLUMN retired_from text,                                -- the deleted Sync's name
    ADD COLUMN retired_at   timestamptz;                         -- deleted 30 days later
CREATE INDEX snapshots_retired ON snapshots (retired_from) WHERE retired_at IS NOT NULL;

ALTER TABLE runs
    ADD COLUMN full_resync  boolean NOT NULL DEFAULT false,
    ADD COLUMN removes_all  boolean NOT NULL DEFAULT false;
