-- Requests that got a run which waited already: repeats of them get it, too, for as long as it is kept.
CREATE TABLE joined_requests (
    run             uuid        NOT NULL REFERENCES runs ON DELETE CASCADE,
    request_id      text        NOT NULL,
    request_hash    bigint      NOT NULL,
    PRIMARY KEY (request_id, run)
);
