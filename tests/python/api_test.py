"""What docs/api.md promises, held by a client that knows nothing of Penstock but its protos."""
import concurrent.futures
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

import grpc

import cluster as harness

STUBS = tempfile.TemporaryDirectory(prefix="penstock-stubs-")
harness.make_stubs(STUBS.name)

from google.protobuf import timestamp_pb2  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from penstock.v1 import resource_service_pb2 as rs  # noqa: E402
from penstock.v1 import resource_service_pb2_grpc as rs_grpc  # noqa: E402
from penstock.v1 import resources_pb2 as res  # noqa: E402
from penstock.v1 import run_pb2  # noqa: E402
from penstock.v1 import run_service_pb2 as runs_pb  # noqa: E402
from penstock.v1 import run_service_pb2_grpc as runs_grpc  # noqa: E402
from penstock.v1 import sync_service_pb2 as ss  # noqa: E402
from penstock.v1 import sync_service_pb2_grpc as ss_grpc  # noqa: E402

ENDED = {run_pb2.RUN_STATE_SUCCEEDED, run_pb2.RUN_STATE_PARTIAL, run_pb2.RUN_STATE_FAILED, run_pb2.RUN_STATE_CANCELLED,
         run_pb2.RUN_STATE_SKIPPED}
Code = grpc.StatusCode


def details(error):
    """The error's details by their type's name."""
    trailer = dict(error.trailing_metadata())["grpc-status-details-bin"]
    found = {}
    for detail in status_pb2.Status.FromString(trailer).details:
        kind = getattr(error_details_pb2, detail.TypeName().split(".")[-1])()
        detail.Unpack(kind)
        found[kind.DESCRIPTOR.name] = kind
    return found


class Api:
    def __init__(self, server):
        self.channel = grpc.insecure_channel(server)
        self.resources = rs_grpc.ResourceServiceStub(self.channel)
        self.runs = runs_grpc.RunServiceStub(self.channel)
        self.syncs = ss_grpc.SyncServiceStub(self.channel)

    def trigger(self, sync, **more):
        return self.runs.TriggerRun(runs_pb.TriggerRunRequest(sync=sync, **more), timeout=20)

    def get(self, run_id):
        return self.runs.GetRun(runs_pb.GetRunRequest(run_id=run_id), timeout=20).run

    def watch(self, run_id):
        return self.runs.WatchRun(runs_pb.WatchRunRequest(run_id=run_id), timeout=60)

    def end(self, run_id):
        run = None
        for response in self.watch(run_id):
            run = response.run
        return run


class ApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = harness.Cluster()
        cls.addClassCleanup(cls.cluster.stop)
        cls.api = Api(cls.cluster.server)

    def setUp(self):
        self.receiver = harness.Receiver()
        self.addCleanup(self.receiver.stop)
        self.sync = "s" + uuid.uuid4().hex[:12]
        self.table = "marts." + self.sync
        self.cluster.sql(f"CREATE TABLE {self.table} (id bigint PRIMARY KEY, name text); "
                         f"INSERT INTO {self.table} VALUES (1, 'one'), (2, 'two')")
        self.apply(*self.declared())

    # --- what the tests are made of ---

    def declared(self):
        """A Sync of a table of its own to the receiver, and what it needs."""
        name = self.sync
        source = res.Source(
            metadata=res.Metadata(name=name), connector="postgres", schema="marts",
            config={"host": "127.0.0.1", "port": self.cluster.ports["port_postgres"], "database": "warehouse",
                    "user": "penstock_reader", "password": "${secret:warehouse_password}", "tls": "disable"})
        model = res.Model(metadata=res.Metadata(name=name), source=name, table=name, primary_key=["id"])
        upsert = res.OperationSpec(
            request=res.RequestTemplate(method="POST", path="/records",
                                        body='{"records": {"$each": "record", "$do": "$record.fields"}}'),
            max_batch_records=100, max_batch_bytes=1_000_000, confirms=res.CONFIRMS_BATCH, not_applied=[422])
        destination = res.Destination(
            metadata=res.Metadata(name=name), connector="http",
            config={"base_url": f"http://127.0.0.1:{self.receiver.port}"},
            objects={"people": res.ObjectSpec(operations={"upsert": upsert})})
        sync = res.Sync(
            metadata=res.Metadata(name=name, labels={"test": name}), model=name, destination=name, object="people",
            mode=res.MODE_UPSERT, identity=["id"],
            mapping=[res.FieldMapping(path=[column], column=res.ColumnRef(name=column)) for column in ("id", "name")])
        return (res.Resource(source=source), res.Resource(model=model), res.Resource(destination=destination),
                res.Resource(sync=sync))

    def apply(self, *resources, **more):
        request = rs.ApplyResourcesRequest(resources=resources, **more)
        return self.api.resources.ApplyResources(request, timeout=30)

    def resource(self, kind):
        return self.api.resources.GetResource(rs.GetResourceRequest(kind=kind, name=self.sync), timeout=20).resource

    def assert_refused(self, code, reason, call, *args, **kwargs):
        with self.assertRaises(grpc.RpcError) as raised:
            call(*args, **kwargs)
        error = raised.exception
        self.assertEqual(error.code(), code, error.details())
        info = details(error)["ErrorInfo"]
        self.assertEqual((info.domain, info.reason), ("penstock.dev", reason), error.details())
        return error

    def hold(self):
        """Starts a run that waits at its destination, and gives it."""
        self.receiver.open.clear()
        run = self.api.trigger(self.sync).run
        harness.wait_until(self.receiver.waiting.is_set, "the run reached its destination")
        return run

    def change(self):
        self.cluster.sql(f"UPDATE {self.table} SET name = name || '!'")

    # --- TriggerRun ---

    def test_a_run_reads_after_the_first_call_that_got_it(self):
        active = self.hold()
        waiting = self.api.trigger(self.sync)
        self.assertFalse(waiting.coalesced)
        self.assertNotEqual(waiting.run.id, active.id)
        self.assertEqual(waiting.run.state, run_pb2.RUN_STATE_QUEUED)
        self.cluster.sql(f"INSERT INTO {self.table} VALUES (3, 'three')")
        again = self.api.trigger(self.sync)
        self.assertTrue(again.coalesced)
        self.assertEqual(again.run.id, waiting.run.id)
        self.receiver.open.set()
        self.assertEqual(self.api.end(active.id).state, run_pb2.RUN_STATE_SUCCEEDED)
        self.assertEqual(self.api.end(waiting.run.id).state, run_pb2.RUN_STATE_SUCCEEDED)
        self.assertEqual(self.receiver.names["3"], "three")
        self.assertEqual(self.api.get(waiting.run.id).rows.rows_read, 3)

    def test_who_refuses_overlap_is_told_which_run_is_active(self):
        active = self.hold()
        error = self.assert_refused(Code.FAILED_PRECONDITION, "RUN_ACTIVE", self.api.trigger, self.sync,
                                    overlap=res.OVERLAP_REFUSE)
        self.assertEqual(details(error)["ErrorInfo"].metadata["run_id"], active.id)
        error = self.assert_refused(Code.INVALID_ARGUMENT, "INVALID_REQUEST", self.api.trigger, self.sync,
                                    overlap=res.OVERLAP_SKIP)
        self.assertEqual(error.details(), "overlap is SKIP, which only schedules know; use QUEUE or REFUSE")

    def test_a_request_id_gets_its_run_for_ever(self):
        request = str(uuid.uuid4())
        first = self.api.trigger(self.sync, request_id=request).run
        self.assertEqual(self.api.end(first.id).state, run_pb2.RUN_STATE_SUCCEEDED)
        again = self.api.trigger(self.sync, request_id=request)
        self.assertEqual((again.run.id, again.coalesced), (first.id, True))
        self.assertEqual(again.run.state, run_pb2.RUN_STATE_SUCCEEDED)
        self.assert_refused(Code.INVALID_ARGUMENT, "REQUEST_ID_REUSED", self.api.trigger, self.sync,
                            request_id=request, full_resync=True)

    def test_a_request_id_that_joined_a_waiting_run_gets_it_for_ever(self):
        active = self.hold()
        waiting = self.api.trigger(self.sync).run
        request = str(uuid.uuid4())
        self.assertEqual(self.api.trigger(self.sync, request_id=request).run.id, waiting.id)
        self.receiver.open.set()
        self.api.end(active.id)
        self.api.end(waiting.id)
        self.assertEqual(self.api.trigger(self.sync, request_id=request).run.id, waiting.id)

    def test_many_callers_of_one_request_at_two_planners_get_one_run(self):
        other = Api(self.cluster.start_planner())
        request = str(uuid.uuid4())

        def call(i):
            api = (self.api, other)[i % 2]
            return api.runs.TriggerRun(runs_pb.TriggerRunRequest(sync=self.sync, request_id=request), timeout=30,
                                       wait_for_ready=True).run.id

        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            self.assertEqual(len(set(pool.map(call, range(32)))), 1)
        listed = self.api.runs.ListRuns(runs_pb.ListRunsRequest(sync=self.sync), timeout=20).runs
        self.assertEqual(len(listed), 1)

    def test_a_request_survives_planners_that_are_killed(self):
        request = str(uuid.uuid4())
        found = set()
        for _ in range(3):
            address = self.cluster.start_planner()
            call = Api(address).runs.TriggerRun.future(
                runs_pb.TriggerRunRequest(sync=self.sync, request_id=request), timeout=30, wait_for_ready=True)
            try:
                found.add(call.result(0.5).run.id)
            except (grpc.FutureTimeoutError, grpc.RpcError):
                pass  # killed before it answered
            self.cluster.signal_planner(address, signal.SIGKILL)
        found.add(self.api.trigger(self.sync, request_id=request).run.id)
        self.assertEqual(len(found), 1)
        listed = self.api.runs.ListRuns(runs_pb.ListRunsRequest(sync=self.sync), timeout=20).runs
        self.assertEqual([run.id for run in listed], list(found))

    def test_a_request_id_of_a_megabyte_is_refused(self):
        error = self.assert_refused(Code.INVALID_ARGUMENT, "INVALID_REQUEST", self.api.trigger, self.sync,
                                    request_id="x" * 1_000_000)
        self.assertEqual(error.details(), "request_id has more than 200 bytes; a UUID will do")

    # --- WatchRun and WatchRuns ---

    def test_a_watch_tells_of_the_whole_run_from_now_to_its_end(self):
        run = self.hold()
        stream = self.api.watch(run.id)
        begun = time.monotonic()
        revisions, seen = [], []
        for response in stream:
            revisions.append(response.run.revision)
            seen.append(time.monotonic())
            self.assertEqual((response.run.id, response.run.sync), (run.id, self.sync))
            self.receiver.open.set()
        self.assertLess(seen[0] - begun, 5)
        self.assertEqual(revisions, sorted(set(revisions)))
        self.assertEqual(stream.code(), Code.OK)
        self.assertEqual(response.run.state, run_pb2.RUN_STATE_SUCCEEDED)
        self.assertEqual(response.run.operations[0].delivered, 2)
        # All but the first and the last come at most twice a second.
        self.assertLessEqual(len(seen), 2 + 2 * (seen[-1] - seen[0] + 0.5))

    def test_a_watch_of_a_run_that_has_ended_tells_of_it_once(self):
        run = self.api.trigger(self.sync).run
        self.api.end(run.id)
        self.assertEqual([response.run.state for response in self.api.watch(run.id)], [run_pb2.RUN_STATE_SUCCEEDED])

    def test_a_quiet_run_is_told_again_after_15_seconds(self):
        # Nothing moves in a run that waits behind another one.
        self.hold()
        waiting = self.api.trigger(self.sync).run
        stream = self.api.watch(waiting.id)
        first = next(stream).run
        begun = time.monotonic()
        again = next(stream).run
        self.assertEqual(again.revision, first.revision)
        self.assertGreater(time.monotonic() - begun, 10)
        stream.cancel()

    def test_a_stopping_planner_ends_its_streams_and_nothing_is_lost(self):
        address = self.cluster.start_planner()
        other = Api(address)
        run = self.hold()
        stream = other.runs.WatchRun(runs_pb.WatchRunRequest(run_id=run.id), wait_for_ready=True)
        before = next(stream).run
        self.cluster.signal_planner(address, signal.SIGTERM)
        with self.assertRaises(grpc.RpcError) as raised:
            for response in stream:
                before = response.run
        self.assertEqual(raised.exception.code(), Code.UNAVAILABLE)
        found = details(raised.exception)
        self.assertEqual(found["ErrorInfo"].domain, "penstock.dev")
        self.assertGreater(found["RetryInfo"].retry_delay.ToMilliseconds(), 0)
        self.receiver.open.set()
        after = [response.run for response in self.api.watch(run.id)]
        self.assertGreaterEqual(after[0].revision, before.revision)
        self.assertEqual(after[-1].state, run_pb2.RUN_STATE_SUCCEEDED)

    def test_one_stream_tells_of_many_runs(self):
        stream = self.api.runs.WatchRuns(runs_pb.WatchRunsRequest(syncs=[self.sync]), timeout=60)
        first = self.hold()
        second = self.api.trigger(self.sync).run
        newest = {}
        for response in stream:
            run = response.run
            self.assertEqual(run.sync, self.sync)
            self.assertGreater(run.revision, newest[run.id].revision if run.id in newest else -1)
            newest[run.id] = run
            if len(newest) == 2:
                self.receiver.open.set()
            if len([run for run in newest.values() if run.state in ENDED]) == 2:
                break
        stream.cancel()
        self.assertEqual(set(newest), {first.id, second.id})
        # Who comes back hears of what has ended meanwhile.
        since = timestamp_pb2.Timestamp()
        since.CopyFrom(newest[first.id].end_time)
        stream = self.api.runs.WatchRuns(runs_pb.WatchRunsRequest(syncs=[self.sync], ended_after=since), timeout=60)
        while next(stream).run.id != second.id:
            pass
        stream.cancel()

    # --- lists ---

    def test_pages_hold_under_writes(self):
        runs = []
        for _ in range(5):
            runs.append(self.api.end(self.api.trigger(self.sync).run.id).id)
        request = runs_pb.ListRunsRequest(sync=self.sync, page_size=2)
        seen = []
        while True:
            page = self.api.runs.ListRuns(request, timeout=20)
            seen += [run.id for run in page.runs]
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
            self.api.end(self.api.trigger(self.sync).run.id)
        self.assertEqual(seen, list(reversed(runs)))

    def test_pages_of_resources_hold_under_writes(self):
        def model(suffix):
            return res.Resource(model=res.Model(
                metadata=res.Metadata(name=f"{self.sync}-{suffix}", labels={"page": self.sync}), source=self.sync,
                table=self.sync, primary_key=["id"]))

        self.apply(*[model(suffix) for suffix in "bdfhj"])
        request = rs.ListResourcesRequest(kind="Model", labels={"page": self.sync}, page_size=2)
        seen, more = [], iter("ai")
        while True:
            page = self.api.resources.ListResources(request, timeout=20)
            seen += [one.model.metadata.name[-1] for one in page.resources]
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
            for suffix in more:  # one before, and one behind what was seen
                self.apply(model(suffix))
                break
        self.assertEqual("".join(seen), "bdfhij")

    def test_pages_of_rejected_records_hold_under_writes(self):
        self.receiver.refused = {"1", "2"}
        run = self.api.end(self.api.trigger(self.sync).run.id)
        self.assertEqual(run.state, run_pb2.RUN_STATE_PARTIAL)
        request = runs_pb.ListRejectedRecordsRequest(sync=self.sync, page_size=1)
        first = self.api.runs.ListRejectedRecords(request, timeout=20)
        self.change()
        self.api.end(self.api.trigger(self.sync).run.id)
        request.page_token = first.next_page_token
        second = self.api.runs.ListRejectedRecords(request, timeout=20)
        records = [*first.records, *second.records]
        self.assertEqual({record.run_id for record in records}, {run.id})
        self.assertEqual(len({record.primary_key for record in records}), 2)
        self.assertEqual({record.code for record in records}, {"DESTINATION_REJECTED"})

    def test_a_page_token_from_elsewhere_is_refused(self):
        lists = ((self.api.runs.ListRuns, runs_pb.ListRunsRequest),
                 (self.api.resources.ListResources, rs.ListResourcesRequest),
                 (self.api.runs.ListRejectedRecords, runs_pb.ListRejectedRecordsRequest))
        for call, request in lists:
            with self.subTest(request=request.DESCRIPTOR.name):
                self.assert_refused(Code.INVALID_ARGUMENT, "INVALID_REQUEST", call, request(page_token="?!"))
                self.assert_refused(Code.INVALID_ARGUMENT, "INVALID_REQUEST", call, request(page_size=-1))
                self.assert_refused(Code.INVALID_ARGUMENT, "INVALID_REQUEST", call, request(page_size=1001))

    # --- resources ---

    def test_validate_only_changes_nothing(self):
        sync = self.resource("Sync")
        changed = res.Resource()
        changed.CopyFrom(sync)
        changed.sync.metadata.description = "another"
        answer = self.apply(changed, validate_only=True)
        self.assertEqual([change.action for change in answer.changes], ["updated"])
        self.assertEqual(self.resource("Sync"), sync)

    def test_an_etag_lets_only_the_first_of_two_writers_win(self):
        mine, theirs = self.resource("Sync"), self.resource("Sync")
        theirs.sync.metadata.description = "theirs"
        self.apply(theirs)
        mine.sync.metadata.description = "mine"
        error = self.assert_refused(Code.ABORTED, "STALE_REVISION", self.apply, mine)
        self.assertIn(f'Sync "{self.sync}" has changed since it was read', error.details())
        self.assertEqual(self.resource("Sync").sync.metadata.description, "theirs")
        mine.etag = self.resource("Sync").etag
        self.apply(mine)
        self.assertEqual(self.resource("Sync").sync.metadata.description, "mine")

    def test_all_mistakes_come_at_once_with_their_paths(self):
        sync = self.resource("Sync")
        sync.sync.model = "nothing"
        sync.sync.identity[:] = ["nowhere"]
        error = self.assert_refused(Code.INVALID_ARGUMENT, "INVALID_RESOURCE", self.apply, sync)
        fields = [violation.field for violation in details(error)["BadRequest"].field_violations]
        self.assertEqual(len(fields), 2, fields)
        self.assertTrue(any(field.endswith("spec.model") for field in fields), fields)
        self.assertTrue(any("spec.identity" in field for field in fields), fields)

    def test_what_is_not_there_is_not_found(self):
        nowhere = str(uuid.uuid4())
        for call, request in (
                (self.api.runs.GetRun, runs_pb.GetRunRequest(run_id=nowhere)),
                (self.api.runs.CancelRun, runs_pb.CancelRunRequest(run_id=nowhere)),
                (self.api.runs.ResumeRun, runs_pb.ResumeRunRequest(run_id=nowhere)),
                (self.api.runs.GetPlan, runs_pb.GetPlanRequest(run_id=nowhere)),
                (self.api.runs.TriggerRun, runs_pb.TriggerRunRequest(sync="nothing")),
                (self.api.resources.GetResource, rs.GetResourceRequest(kind="Sync", name="nothing")),
                (self.api.resources.TestConnection, rs.TestConnectionRequest(kind="Source", name="nothing")),
                (self.api.syncs.GetSyncStatus, ss.GetSyncStatusRequest(sync="nothing")),
                (self.api.syncs.PauseSync, ss.PauseSyncRequest(sync="nothing")),
                (self.api.syncs.ResumeSync, ss.ResumeSyncRequest(sync="nothing")),
                (self.api.syncs.ResetSync, ss.ResetSyncRequest(sync="nothing"))):
            with self.subTest(request=request.DESCRIPTOR.name):
                self.assert_refused(Code.NOT_FOUND, "RESOURCE_NOT_FOUND", call, request, timeout=20)
        with self.assertRaises(grpc.RpcError) as raised:
            next(self.api.watch(nowhere))
        self.assertEqual(raised.exception.code(), Code.NOT_FOUND)

    # --- runs of other kinds ---

    def test_a_plan_is_a_run_that_delivers_nothing(self):
        run = self.api.end(self.api.trigger(self.sync, type=run_pb2.RUN_TYPE_PLAN).run.id)
        self.assertEqual((run.type, run.state), (run_pb2.RUN_TYPE_PLAN, run_pb2.RUN_STATE_SUCCEEDED))
        plan = self.api.runs.GetPlan(runs_pb.GetPlanRequest(run_id=run.id), timeout=20).plan
        self.assertEqual([(one.operation, one.records) for one in plan.operations], [("upsert", 2)])
        self.assertIn('"name":"one"', plan.operations[0].samples[0].body)
        self.assertEqual(self.receiver.names, {})

    def test_a_due_time_that_starts_nothing_is_a_run_with_its_reason(self):
        active = self.hold()
        sync = self.resource("Sync")
        sync.ClearField("etag")
        sync.sync.schedule.every_ms = 1000
        self.apply(sync)

        def skipped():
            request = runs_pb.ListRunsRequest(sync=self.sync, states=[run_pb2.RUN_STATE_SKIPPED])
            return self.api.runs.ListRuns(request, timeout=20).runs

        harness.wait_until(skipped, "a due time was skipped")
        run = skipped()[0]
        self.assertEqual((run.trigger, run.error.code), ("schedule", "RUN_ACTIVE"))
        self.assertIn(active.id, run.error.message)
        sync.sync.ClearField("schedule")
        self.apply(sync)

    def test_the_example_clients_run_a_sync(self):
        environment = dict(os.environ, PENSTOCK_SERVER=self.cluster.server, PYTHONPATH=STUBS.name)
        python = [sys.executable, harness.ROOT / "examples/clients/python/run_sync.py"]
        for client in (python, [harness.BIN / "run_sync"]):
            # One request: the second client is told of the first one's run.
            ran = subprocess.run([*client, self.sync, "example"], env=environment, capture_output=True, text=True,
                                 timeout=60)
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertIn("RUN_STATE_SUCCEEDED 2 delivered", ran.stdout)


if __name__ == "__main__":
    unittest.main()
