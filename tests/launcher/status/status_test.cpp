// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/status/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher/ari/json.h"

namespace dragoman {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// 2026-03-01T12:00:00Z
constexpr uint64_t kNoon = 1'772'366'400'000'000'000, kSecond = 1'000'000'000;

/// A launcher at work, with a call of two parties, and nothing wrong.
LauncherStatus well() {
  LauncherStatus status{
      .version = "1.2",
      .pid = 7,
      .now = kNoon + 3725 * kSecond,
      .started = kNoon,
      .asterisk = {.url = "http://pbx:8088/ari",
                   .application = "dragoman",
                   .connected = true,
                   .since = kNoon + kSecond},
      .workers = {{.pid = 70, .ready = true, .pipelines = {"t1-3333", "t1-4444"}}},
      .journal_path = "/data/dragoman.db",
      .keep = std::chrono::hours(72)};
  status.calls = {{.trace_id = "t1",
                   .parties = {{.extension = "3333",
                                .language = "en",
                                .pipeline = "call-translate.pipeline",
                                .state = "up",
                                .worker_pid = 70,
                                .since = kNoon + 60 * kSecond,
                                .is_heard = true},
                               {.extension = "4444",
                                .language = "es",
                                .pipeline = "call-tap.pipeline",
                                .state = "answering",
                                .since = kNoon + 61 * kSecond}}}};
  status.store.retention.looks = 3;
  status.store.retention.room = {.journal_bytes = 2'500'000,
                                 .audio_bytes = 3'000'000'000,
                                 .journal_free = 90'000'000'000,
                                 .audio_free = 90'000'000'000};
  status.store.retention.longest_lock = std::chrono::microseconds(3250);
  return status;
}

ShipperStatus away() {
  return {.state = ShipperState::kWaiting,
          .since = kNoon + 5 * kSecond,
          .target = "monitoring_v2 on db",
          .rows_waiting = 12,
          .rows_shipped = 34,
          .attempts = 2,
          .last_error = "PostgreSQL monitoring_v2 on db: refused; start it"};
}

PgRetentionHealth kept() {
  PgRetentionHealth retention{.keep = std::chrono::hours(48),
                              .runs = 2,
                              .yielded = 1,
                              .last_run = kNoon + 9 * kSecond,
                              .longest_step = std::chrono::microseconds(12'500)};
  retention.deleted[RowKind::kMetric] = 6;
  return retention;
}

std::vector<std::string> parts_of(const LauncherStatus& status) {
  std::vector<std::string> parts;
  for (const StatusProblem& problem : problems_of(status))
    parts.push_back(problem.part + (problem.kind == StatusProblem::Kind::kLoss ? " loss" : " now"));
  return parts;
}

std::string shown(const LauncherStatus& status) {
  const json::NodePtr node = json::parse(json_of(status));
  return node ? text_of(json::object(node.get())) : "no JSON: " + json_of(status);
}

TEST(Status, nothing_is_wrong_where_all_is_well) {
  EXPECT_THAT(parts_of(well()), IsEmpty());
  EXPECT_THAT(shown(well()), HasSubstr("all is well\n"));
}

constexpr char kJson[] =
    R"_({"ok": false, "version": "1.2", "pid": 7, "started_at": "2026-03-01T12:00:00.000)_"
    R"_(000Z", "uptime_s": 3725, "stopping": false, "problems": [{"kind": "loss", "part")_"
    R"_(: "journal", "text": "5 metrics, 4 knob snapshots are lost: they could not be wr)_"
    R"_(itten and did not fit into memory; see that the journal's disk has room and answ)_"
    R"_(ers"}, {"kind": "now", "part": "postgresql", "text": "PostgreSQL monitoring_v2 o)_"
    R"_(n db: refused; start it (12 rows wait in the journal)"}], "asterisk": {"url": "h)_"
    R"_(ttp://pbx:8088/ari", "application": "dragoman", "connected": true, "since": "202)_"
    R"_(6-03-01T12:00:01.000000Z", "last_error": null}, "workers": [{"pid": 70, "ready":)_"
    R"_( true, "restarts": 0, "pipelines": ["t1-3333", "t1-4444"]}], "calls": [{"trace_i)_"
    R"_(d": "t1", "since": "2026-03-01T12:01:00.000000Z", "parties": [{"extension": "333)_"
    R"_(3", "language": "en", "state": "up", "since": "2026-03-01T12:01:00.000000Z", "is)_"
    R"_(_heard": true, "pipeline": "call-translate.pipeline", "worker_pid": 70}, {"exten)_"
    R"_(sion": "4444", "language": "es", "state": "answering", "since": "2026-03-01T12:0)_"
    R"_(1:01.000000Z", "is_heard": false, "pipeline": "call-tap.pipeline", "worker_pid":)_"
    R"_( null}]}], "journal": {"path": "/data/dragoman.db", "rows_waiting": 0, "rows_dro)_"
    R"_(pped": {"traces": 0, "knob_events": 0, "utterances": 0, "segments": 0, "knob_sna)_"
    R"_(pshots": 4, "metrics": 5, "total": 9}, "rows_refused": 0, "last_error": null}, ")_"
    R"_(disk": {"journal_bytes": 2500000, "audio_bytes": 3000000000, "most_bytes": 0, "j)_"
    R"_(ournal_free_bytes": 90000000000, "journal_floor_bytes": 0, "audio_free_bytes": 9)_"
    R"_(0000000000, "audio_floor_bytes": 0, "is_short": false}, "retention": {"keep_hour)_"
    R"_(s": 72, "runs": 0, "looks": 3, "rows_deleted_old": {"traces": 0, "knob_events": )_"
    R"_(0, "utterances": 0, "segments": 0, "knob_snapshots": 0, "metrics": 0, "total": 0)_"
    R"_(}, "rows_deleted_for_room": {"traces": 0, "knob_events": 0, "utterances": 0, "se)_"
    R"_(gments": 0, "knob_snapshots": 0, "metrics": 0, "total": 0}, "rows_deleted_orphan)_"
    R"_(s": {"traces": 0, "knob_events": 0, "utterances": 0, "segments": 0, "knob_snapsh)_"
    R"_(ots": 0, "metrics": 0, "total": 0}, "files_deleted": 0, "files_deleted_for_room": 0, "longest_lock_ms": 3.25,)_"
    R"_( "last_error": null}, "shipper": {"state": "waiting", "since": "2026-03-01T12:00)_"
    R"_(:05.000000Z", "target": "monitoring_v2 on db", "rows_waiting": 12, "rows_shipped)_"
    R"_(": 34, "rows_refused": 0, "failed_attempts": 2, "last_error": "PostgreSQL monito)_"
    R"_(ring_v2 on db: refused; start it"}, "postgresql_retention": {"keep_hours": 48, "runs": 2, )_"
    R"_("runs_left_to_another": 1, "failed_runs": 0, "last_run": "2026-03-01T12:00:09.000000Z", "r)_"
    R"_(ows_deleted": {"traces": 0, "knob_events": 0, "utterances": 0, "segments": 0, "knob_snapsh)_"
    R"_(ots": 0, "metrics": 6, "total": 6}, "longest_step_ms": 12.5, "last_error": null}, "salvage": {"files": 0, )_"
    R"_("rows_saved": 0, "rows_lost": 0, "last": null, "working_on": null, "last_error": null}, )_"
    R"_("recording": {"enabled": true, )_"
    R"_("files_lost": 0, "audio_lost_ms": 0}})_";

TEST(Status, json_has_the_names_that_it_promises) {
  LauncherStatus status = well();
  status.shipper = away();
  status.postgresql_retention = kept();
  status.store.journal.dropped[RowKind::kKnobSnapshot] = 4;
  status.store.journal.dropped[RowKind::kMetric] = 5;
  EXPECT_EQ(json_of(status), kJson);
}

TEST(Status, a_person_reads_calls_disk_and_times) {
  EXPECT_EQ(shown(well()),
            "dragoman 1.2, pid 7, running for 1 h 2 min\n"
            "Asterisk    connected to http://pbx:8088/ari as dragoman, since 2026-03-01 12:00:01Z\n"
            "worker      pid 70: 2 pipelines\n"
            "calls       1\n"
            "  t1  since 2026-03-01 12:01:00Z\n"
            "    3333  en  up        heard      call-translate.pipeline, worker 70\n"
            "    4444  es  answering not heard  call-tap.pipeline\n"
            "journal     /data/dragoman.db\n"
            "            rows waiting in memory 0; dropped none; refused 0\n"
            "disk        journal 2.5 MB, audio 3.0 GB; free 90.0 GB for the journal, 90.0 GB for "
            "audio\n"
            "retention   72 h; removed: old none; for room none; without a file none; WAV files 0\n"
            "            longest lock 3.2 ms\n"
            "PostgreSQL  nothing is shipped\n"
            "recording   nothing lost\n"
            "\n"
            "all is well\n");
}

TEST(Status, what_is_wrong_now_is_told_with_its_part) {
  LauncherStatus status = well();
  status.asterisk.connected = false;
  status.asterisk.last_error = "Asterisk is not reachable";
  status.workers[0].pid = 0;
  status.store.journal.last_error = "the disk is full; free some space";
  status.store.journal.waiting = 17;
  status.store.retention.last_error = "locked";
  status.store.retention.room.journal_floor = 100'000'000'000;
  status.shipper = away();
  EXPECT_THAT(parts_of(status), ElementsAre("asterisk now", "workers now", "journal now",
                                            "retention now", "disk now", "postgresql now"));
  EXPECT_THAT(shown(status), HasSubstr("WRONG  journal: the disk is full; free some space (17 "
                                       "rows wait)\n"));
  EXPECT_THAT(shown(status), HasSubstr("NOT connected to http://pbx:8088/ari"));
  EXPECT_THAT(shown(status), HasSubstr("worker      NOT running"));
  EXPECT_THAT(shown(status), Not(HasSubstr("all is well")));
}

TEST(Status, what_was_lost_is_told_with_its_counts) {
  LauncherStatus status = well();
  status.store.journal.dropped[RowKind::kMetric] = 5;
  status.store.journal.dropped[RowKind::kSegment] = 2;
  status.store.journal.refused = 1;
  status.store.retention.deleted_for_room[RowKind::kSegment] = 8;
  status.recording.files_lost = 3;
  status.recording.audio_lost_ms = 12'500;
  ShipperStatus shipper{.state = ShipperState::kConnected, .rows_refused = 3};
  status.shipper = shipper;
  EXPECT_THAT(parts_of(status), ElementsAre("journal loss", "journal loss", "disk loss",
                                            "postgresql loss", "recording loss"));
  const std::string text = shown(status);
  EXPECT_THAT(text, HasSubstr("LOST   journal: 5 metrics, 2 segments are lost"));
  EXPECT_THAT(text, HasSubstr("dropped 2 segments, 5 metrics; refused 1"));
  EXPECT_THAT(text, HasSubstr("recording   12.5 s of audio lost, WAV files not whole 3"));
}

TEST(Status, a_damaged_journal_is_told_while_it_is_read_and_after) {
  LauncherStatus status = well();
  status.salvage.working_on = "/data/dragoman.db.damaged-1";
  EXPECT_THAT(parts_of(status), ElementsAre("salvage now"));
  EXPECT_THAT(shown(status), HasSubstr("salvage     reading /data/dragoman.db.damaged-1\n"));
  status.salvage = {.files = 1, .saved_rows = 50, .lost_rows = 7, .last = "/data/x: 50 rows"};
  EXPECT_THAT(parts_of(status), ElementsAre("salvage loss"));
  EXPECT_THAT(shown(status), HasSubstr("damaged journals 1; rows saved 50, lost about 7\n"));
  EXPECT_THAT(shown(status),
              HasSubstr("LOST   salvage: the journal was damaged: /data/x: 50 rows"));
  status.salvage = {.last_error = "the disk is full"};
  EXPECT_THAT(parts_of(status), ElementsAre("salvage now"));
}

TEST(Status, a_bound_of_ones_own_that_is_kept_is_no_loss) {
  LauncherStatus status = well();
  status.store.retention.deleted_for_room[RowKind::kSegment] = 8;
  status.store.retention.room.most_bytes = 4'000'000'000;
  EXPECT_THAT(parts_of(status), IsEmpty());
  EXPECT_THAT(shown(status), HasSubstr("audio 3.0 GB of 4.0 GB"));
}

TEST(Status, files_that_went_for_room_without_their_rows_are_a_loss) {
  LauncherStatus status = well();
  status.store.retention.deleted_files_for_room = 2000;
  EXPECT_THAT(shown(status), HasSubstr("LOST   disk: no rows and 2000 WAV files were removed"));
}

TEST(Status, a_shipper_that_has_not_failed_yet_is_no_problem) {
  LauncherStatus status = well();
  status.shipper = ShipperStatus{.state = ShipperState::kConnecting, .rows_waiting = 9};
  EXPECT_THAT(parts_of(status), IsEmpty());
}

TEST(Status, the_retention_in_postgresql_is_told_and_its_trouble_once) {
  LauncherStatus status = well();
  status.shipper = ShipperStatus{.state = ShipperState::kConnected};
  status.postgresql_retention = kept();
  EXPECT_THAT(parts_of(status), IsEmpty());
  EXPECT_THAT(shown(status), HasSubstr("kept there 48 h; removed 6 metrics; longest step 12.5 ms"));
  status.postgresql_retention->last_error = "PostgreSQL monitoring_v2 on db: may not; GRANT it";
  EXPECT_THAT(shown(status), HasSubstr("WRONG  postgresql: PostgreSQL monitoring_v2 on db: may"));
  status.shipper = away();
  EXPECT_THAT(parts_of(status), ElementsAre("postgresql now"));
}

TEST(Status, the_text_of_another_version_is_full_of_questions_and_no_crash) {
  for (const char* odd : {"{}", R"({"calls": 3, "journal": [], "workers": [1], "shipper": "x"})",
                          R"({"calls": [{"parties": [{}]}], "problems": [{}], "disk": {}})"}) {
    const json::NodePtr node = json::parse(odd);
    EXPECT_THAT(text_of(json::object(node.get())), HasSubstr("dragoman ?, pid ?"));
  }
}

}  // namespace
}  // namespace dragoman
