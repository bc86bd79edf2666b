-- Runs that send only a part of what has changed, or to another destination, and plans on resources that are not
-- applied.
ALTER TABLE runs
    ADD COLUMN row_limit        bigint  NOT NULL DEFAULT 0,     -- 0: none
    ADD COLUMN only_key         jsonb   NOT NULL DEFAULT '{}',  -- penstock.v1.Run.key: the one row that is wanted; empty: all
    ADD COLUMN sends_to         text    NOT NULL DEFAULT '',    -- the Destination instead of the Sync's
    ADD COLUMN retries_rejected boolean NOT NULL DEFAULT false,
    ADD COLUMN overlay          jsonb   NOT NULL DEFAULT '{}',  -- penstock.v1.ApplyResourcesRequest
    ADD COLUMN partial          boolean NOT NULL GENERATED ALWAYS AS
        (type = 1 AND (row_limit > 0 OR only_key <> '{}' OR sends_to <> '')) STORED;

-- Whose log a level was folded from; NULL: it was merged since.
ALTER TABLE segments
    ADD COLUMN run  uuid;

-- What a plan for one key found: penstock.internal.v1.ExplainedRow. Kept as long as samples are.
CREATE TABLE explanations (
    run         uuid        PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
    body        bytea       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
