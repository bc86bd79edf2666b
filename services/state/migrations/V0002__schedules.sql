-- Schedules by the calendar and after other Syncs. Of every_us, cron and rows in sync_parents a Sync has one at most.
ALTER TABLE syncs
    ADD COLUMN cron         text    NOT NULL DEFAULT '',    -- '': not by the calendar
    ADD COLUMN timezone     text    NOT NULL DEFAULT 'UTC', -- of cron
    ADD COLUMN queues       boolean NOT NULL DEFAULT false, -- a due time that meets an active run waits for its end
    ADD COLUMN succeeded_no bigint  NOT NULL DEFAULT 0,     -- of the last run that ended in SUCCEEDED …
    ADD COLUMN delivered_no bigint  NOT NULL DEFAULT 0;     -- … and of the last one in SUCCEEDED or PARTIAL

-- Numbers the ends of runs, over all Syncs: later ones are greater, whatever any clock says.
CREATE SEQUENCE run_end_no;

-- Whom a Sync comes after. It starts when each parent has an end that is newer than `seen`.
CREATE TABLE sync_parents (
    sync            text        NOT NULL REFERENCES syncs ON UPDATE CASCADE ON DELETE CASCADE,
    parent          text        NOT NULL,
    accept_partial  boolean     NOT NULL,
    seen            bigint      NOT NULL,  -- the parent's number when this Sync last started so
    PRIMARY KEY (sync, parent)
);
