-- The truth of Penstock. Only the state service writes here. Times are the database's own clock (now()): no other
-- clock decides anything. Leases and grants have no times at all here: replicas of state watch them on their own
-- CLOCK_BOOTTIME (services/state/app/watch.h).

-- What users declare. `spec` is the resource as a penstock.v1.Resource in protobuf's JSON, secrets as references.
CREATE TABLE resources (
    kind        text        NOT NULL,
    name        text        NOT NULL,
    revision    bigint      NOT NULL,
    labels      jsonb       NOT NULL DEFAULT '{}',
    spec        jsonb       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, name)
);

-- Every revision that a resource ever had: reads name those that were current when they began.
CREATE TABLE revisions (
    kind        text        NOT NULL,
    name        text        NOT NULL,
    revision    bigint      NOT NULL,
    spec        jsonb       NOT NULL,
    actor       text        NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, name, revision)
);

CREATE SEQUENCE resource_revision;

-- What the destination may hold, per sync: the head of the snapshot's manifest.
CREATE TABLE snapshots (
    id                   bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    epoch                bigint      NOT NULL DEFAULT 1,
    seed                 bigint      NOT NULL,
    keeps_identity       boolean     NOT NULL,
    identity_fingerprint bigint      NOT NULL DEFAULT 0,  -- 0: no read has ended yet
    target               text        NOT NULL,            -- account, object and target options
    manifest             bigint      NOT NULL DEFAULT 0,
    created_at           timestamptz NOT NULL DEFAULT now()
);

-- Immutable lists of segments. `levels` and `deferrals` are arrays of arrays of segment ids, base first.
CREATE TABLE manifests (
    id          bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    snapshot    bigint      NOT NULL REFERENCES snapshots ON DELETE CASCADE,
    levels      jsonb       NOT NULL,
    deferrals   jsonb       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX manifests_by_snapshot ON manifests (snapshot);

CREATE TABLE segments (
    id          bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    snapshot    bigint      NOT NULL REFERENCES snapshots ON DELETE CASCADE,
    kind        smallint    NOT NULL,
    recipe      bigint      NOT NULL,
    entries     bigint      NOT NULL,
    bytes       bigint      NOT NULL,
    checksum    bigint      NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX segments_by_snapshot ON segments (snapshot);

-- A segment's bytes, 1 MiB a row. They are hashes: compressing them costs time and gains nothing.
CREATE TABLE chunks (
    segment     bigint      NOT NULL REFERENCES segments ON DELETE CASCADE,
    number      int         NOT NULL,
    data        bytea       NOT NULL,
    PRIMARY KEY (segment, number)
);
ALTER TABLE chunks ALTER COLUMN data SET STORAGE EXTERNAL;

-- What the planner schedules, one row per Sync resource.
CREATE TABLE syncs (
    name            text        PRIMARY KEY,
    snapshot        bigint      NOT NULL REFERENCES snapshots,
    destination     text        NOT NULL,
    account         text        NOT NULL,
    every_us        bigint      NOT NULL DEFAULT 0,  -- 0: manual
    next_due        timestamptz,
    expected_rows   bigint      NOT NULL DEFAULT 0,
    last_success_at timestamptz,
    fresh_at        timestamptz               -- when the last read of that run began
);
CREATE INDEX syncs_by_due ON syncs (next_due) WHERE next_due IS NOT NULL;

CREATE TABLE runs (
    id              uuid        PRIMARY KEY,
    sync            text        NOT NULL,
    type            smallint    NOT NULL,  -- penstock.v1.RunType
    state           smallint    NOT NULL,  -- services/state/domain/run_machine.h
    revision        bigint      NOT NULL DEFAULT 1,
    trigger         text        NOT NULL,
    request_id      text,
    request_hash    bigint,
    scheduled_at    timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    ended_at        timestamptz,
    changed_at      timestamptz NOT NULL DEFAULT now(),
    read            int         NOT NULL DEFAULT 0,  -- the current one
    fruitless_reads int         NOT NULL DEFAULT 0,
    allow_removals  boolean     NOT NULL DEFAULT false,
    error           jsonb,                 -- penstock.v1.RunError
    notices         jsonb       NOT NULL DEFAULT '[]',
    park_reason     smallint    NOT NULL DEFAULT 0,
    park_until      timestamptz,
    parked_at       timestamptz,
    snapshot        bigint      NOT NULL,
    epoch           bigint      NOT NULL,
    destination     text        NOT NULL,
    account         text        NOT NULL
);
-- Run states 1: QUEUED; 2 to 8: active (PARKED included). Plans (type 2) may run beside.
CREATE UNIQUE INDEX runs_one_active ON runs (sync) WHERE type = 1 AND state BETWEEN 2 AND 8;
CREATE UNIQUE INDEX runs_one_queued ON runs (sync) WHERE type = 1 AND state = 1;
CREATE UNIQUE INDEX runs_one_per_due_time ON runs (sync, scheduled_at) WHERE scheduled_at IS NOT NULL;
CREATE UNIQUE INDEX runs_one_per_request ON runs (sync, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX runs_not_terminal ON runs (state) WHERE state < 9;
CREATE INDEX runs_by_sync ON runs (sync, id DESC);

-- One pass over the model in a run. Counters are those of design "every record is accounted for".
CREATE TABLE reads (
    run             uuid        NOT NULL REFERENCES runs ON DELETE CASCADE,
    read            int         NOT NULL,
    task            bigint      NOT NULL,
    manifest        bigint      NOT NULL,  -- pinned while the run is active; 0: empty
    source_revision     bigint  NOT NULL,
    model_revision      bigint  NOT NULL,
    sync_revision       bigint  NOT NULL,
    connector_revision  bigint  NOT NULL,
    removes         boolean     NOT NULL,  -- the sync's mode, as of the read
    give_up_after_ms    bigint  NOT NULL,
    max_rejected        float8  NOT NULL,
    max_rejected_min    bigint  NOT NULL,
    max_in_flight       int     NOT NULL,  -- grants open at once; 0: no limit
    recipe          bigint      NOT NULL DEFAULT 0,
    identity_fingerprint bigint NOT NULL DEFAULT 0,
    redis_incarnation   text    NOT NULL DEFAULT '',
    begun_at        timestamptz NOT NULL DEFAULT now(),
    ended           boolean     NOT NULL DEFAULT false,  -- the pass is over
    closed          boolean     NOT NULL DEFAULT false,  -- nothing of it may begin any more; its log is sealed
    whole           boolean     NOT NULL DEFAULT false,
    rows_read       bigint      NOT NULL DEFAULT 0,
    unchanged       bigint      NOT NULL DEFAULT 0,
    deferred        bigint      NOT NULL DEFAULT 0,
    invalid         bigint      NOT NULL DEFAULT 0,
    skipped         bigint      NOT NULL DEFAULT 0,
    copies          bigint      NOT NULL DEFAULT 0,
    changed         bigint      NOT NULL DEFAULT 0,
    removals_withheld  bigint   NOT NULL DEFAULT 0,
    removals_deferred  bigint   NOT NULL DEFAULT 0,
    removals_protected bigint   NOT NULL DEFAULT 0,
    PRIMARY KEY (run, read)
);

-- announced = delivered + unchanged + skipped + rejected + in_doubt + withdrawn + pending, per read and operation.
CREATE TABLE read_operations (
    run             uuid        NOT NULL,
    read            int         NOT NULL,
    operation       smallint    NOT NULL,
    announced       bigint      NOT NULL DEFAULT 0,
    truncated       bigint      NOT NULL DEFAULT 0,  -- changed, but never in a batch: part of changed and of withdrawn
    delivered       bigint      NOT NULL DEFAULT 0,
    unchanged       bigint      NOT NULL DEFAULT 0,
    skipped         bigint      NOT NULL DEFAULT 0,
    rejected        bigint      NOT NULL DEFAULT 0,
    in_doubt        bigint      NOT NULL DEFAULT 0,
    withdrawn       bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (run, read, operation),
    FOREIGN KEY (run, read) REFERENCES reads ON DELETE CASCADE
);

CREATE TABLE tasks (
    id              bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    run             uuid        NOT NULL REFERENCES runs ON DELETE CASCADE,
    read            int         NOT NULL,
    kind            smallint    NOT NULL,  -- penstock.internal.v1.TaskKind
    state           smallint    NOT NULL,  -- services/state/domain/task_state.h
    fence           bigint      NOT NULL DEFAULT 0,
    owner           bigint      NOT NULL DEFAULT 0,
    beats           bigint      NOT NULL DEFAULT 0,  -- grows with every heartbeat
    last_number     bigint      NOT NULL DEFAULT 0,  -- of the last batch announced
    not_before      timestamptz NOT NULL DEFAULT now(),
    error           jsonb,
    error_retry     boolean     NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tasks_waiting ON tasks (id) WHERE state = 1;
CREATE INDEX tasks_leased ON tasks (id) WHERE state = 2;
CREATE INDEX tasks_by_run ON tasks (run, read);
CREATE SEQUENCE task_fence;

-- The log: what Begin stored per record and its outcome (docs/formats.md). Folded into the snapshot and deleted when
-- its read is closed.
CREATE TABLE batches (
    run             uuid        NOT NULL,
    read            int         NOT NULL,
    task            bigint      NOT NULL,
    number          bigint      NOT NULL,
    operation       smallint    NOT NULL,
    records         int         NOT NULL,
    keeps_identity  boolean     NOT NULL,
    intents         bytea       NOT NULL,
    outcomes        bytea       NOT NULL,
    unanswered      bytea       NOT NULL,
    settled         boolean     NOT NULL DEFAULT false,  -- every record has an outcome
    grant_no        int         NOT NULL DEFAULT 1,
    owner           bigint      NOT NULL,
    open            boolean     NOT NULL DEFAULT true,
    begins          bigint      NOT NULL DEFAULT 1,      -- grows with every Begin, extensions too
    length_ms       int         NOT NULL,                -- of the grant
    lost_grants     int         NOT NULL DEFAULT 0,      -- ended without a report
    PRIMARY KEY (run, task, number)
);
CREATE INDEX batches_open ON batches (run) WHERE open;
ALTER TABLE batches ALTER COLUMN intents SET STORAGE EXTERNAL;

-- What a whole read has seen, for its removal task. Chunks of 1 MiB.
CREATE TABLE bitmaps (
    run             uuid        NOT NULL,
    read            int         NOT NULL,
    number          int         NOT NULL,
    data            bytea       NOT NULL,
    PRIMARY KEY (run, read, number),
    FOREIGN KEY (run, read) REFERENCES reads ON DELETE CASCADE
);
ALTER TABLE bitmaps ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE TABLE plan_samples (
    run             uuid        NOT NULL REFERENCES runs ON DELETE CASCADE,
    operation       smallint    NOT NULL,
    records         bigint      NOT NULL,
    batch           bytea       NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run, operation)
);

-- For people: records refused, and rows that can't be sent.
CREATE TABLE rejected (
    id              bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    run             uuid        NOT NULL REFERENCES runs ON DELETE CASCADE,
    sync            text        NOT NULL,
    operation       smallint    NOT NULL,  -- 0: the row itself is invalid
    primary_key     text        NOT NULL,
    key             bytea       NOT NULL,
    code            text        NOT NULL,
    message         text        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX rejected_by_sync ON rejected (sync, id DESC);
CREATE INDEX rejected_by_run ON rejected (run, id DESC);

-- Who did what.
CREATE TABLE audit (
    id              bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at              timestamptz NOT NULL DEFAULT now(),
    actor           text        NOT NULL DEFAULT '',
    action          text        NOT NULL,
    subject         text        NOT NULL,
    detail          jsonb       NOT NULL DEFAULT '{}'
);
