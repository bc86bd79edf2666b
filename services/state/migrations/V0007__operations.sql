-- Processes of the cluster, as they last reported themselves. Only for people and metrics: nothing is decided by it.
CREATE TABLE members (
    id              bigint      PRIMARY KEY,
    service         text        NOT NULL,
    host            text        NOT NULL,
    version         text        NOT NULL,
    started_at      timestamptz NOT NULL,
    seen_at         timestamptz NOT NULL DEFAULT now(),
    clock_offset_us bigint      NOT NULL,           -- its clock minus the database's
    not_ready       jsonb       NOT NULL DEFAULT '[]'  -- a text for each reason
);

-- When a read's counters last grew, to tell a run that is slow from one that is stuck.
ALTER TABLE reads ADD COLUMN moved_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE read_operations ADD COLUMN moved_at timestamptz NOT NULL DEFAULT now();

-- Longest time between two of the coming due times, for who asks whether the Sync is fresh; 0: no schedule by time.
ALTER TABLE syncs ADD COLUMN interval_us bigint NOT NULL DEFAULT 0;
UPDATE syncs SET interval_us = every_us;
