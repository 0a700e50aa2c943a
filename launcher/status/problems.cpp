// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/status/status.h"
#include "launcher/util/json.h"

namespace dragoman {
namespace {

using Kind = StatusProblem::Kind;
using Problems = std::vector<StatusProblem>;

void add_asterisk(const LauncherStatus::Asterisk& asterisk, Problems& problems) {
  if (asterisk.connected) return;
  problems.push_back({Kind::kNow, "asterisk",
                      "not connected, no call is taken: " +
                          (asterisk.last_error.empty() ? "it is being tried; is Asterisk running?"
                                                       : asterisk.last_error)});
}

void add_workers(const std::vector<LauncherStatus::Worker>& workers, Problems& problems) {
  for (const LauncherStatus::Worker& worker : workers)
    if (!worker.pid)
      problems.push_back({Kind::kNow, "workers",
                          "a media worker died again and again and is not running; the launcher's "
                          "log has its last words, the next call starts it again"});
}

void add_journal(const JournalHealth& journal, Problems& problems) {
  const auto count = [](uint64_t rows) { return std::to_string(rows); };
  if (!journal.last_error.empty())
    problems.push_back({Kind::kNow, "journal",
                        journal.last_error + " (" + count(journal.waiting) + " rows wait)"});
  if (journal.dropped.total() > 0)
    problems.push_back({Kind::kLoss, "journal",
                        journal.dropped.text() +
                            " are lost: they could not be written and did not fit into "
                            "memory; see that the journal's disk has room and answers"});
  if (journal.refused > 0)
    problems.push_back({Kind::kLoss, "journal",
                        count(journal.refused) + " rows are lost: the database refused what they "
                                                 "hold; the launcher's log names them"});
}

void add_retention(const RetentionHealth& retention, Problems& problems) {
  if (!retention.last_error.empty())
    problems.push_back({Kind::kNow, "retention",
                        retention.last_error + "; what is old stays until that is cured"});
  if (retention.room.is_short())
    problems.push_back({Kind::kNow, "disk",
                        "too full: " + retention.room.text() +
                            ". What is oldest is removed; free some space, or see max-disk-gb and "
                            "min-free-mb in [monitoring]"});
  // With a bound of one's own that is what it is for.
  const bool removed =
      retention.deleted_for_room.total() > 0 || retention.deleted_files_for_room > 0;
  if (removed && retention.room.most_bytes == 0)
    problems.push_back(
        {Kind::kLoss, "disk",
         retention.deleted_for_room.text() + " and " +
             std::to_string(retention.deleted_files_for_room) +
             " WAV files were removed before their time, for want of room; give the disk more, "
             "or keep less (retention-hours in [monitoring])"});
}

void add_shipper(const ShipperStatus& shipper, Problems& problems) {
  if (shipper.state != ShipperState::kConnected && !shipper.last_error.empty())
    problems.push_back({Kind::kNow, "postgresql",
                        shipper.last_error + " (" + std::to_string(shipper.rows_waiting) +
                            " rows wait in the journal)"});
  if (shipper.rows_refused > 0)
    problems.push_back({Kind::kLoss, "postgresql",
                        std::to_string(shipper.rows_refused) +
                            " rows are in the journal only: " + shipper.target +
                            " refused what they hold; the launcher's log tells why"});
}

/// A database that is away is told of once, as the shipper's.
void add_postgresql_retention(const LauncherStatus& status, Problems& problems) {
  if (!status.shipper || status.shipper->state != ShipperState::kConnected) return;
  if (!status.postgresql_retention || status.postgresql_retention->last_error.empty()) return;
  problems.push_back(
      {Kind::kNow, "postgresql",
       status.postgresql_retention->last_error + "; what is old stays there until that is cured"});
}

void add_salvage(const SalvageHealth& salvage, Problems& problems) {
  if (!salvage.last_error.empty()) problems.push_back({Kind::kNow, "salvage", salvage.last_error});
  if (!salvage.working_on.empty())
    problems.push_back({Kind::kNow, "salvage",
                        "the journal was damaged; what is left of it is being read from " +
                            salvage.working_on + ": wait"});
  if (salvage.files > 0)
    problems.push_back({Kind::kLoss, "salvage",
                        "the journal was damaged: " + salvage.last +
                            "; see that its disk is sound, bring back what is missing from a "
                            "backup, or remove that file"});
}

}  // namespace

std::vector<StatusProblem> problems_of(const LauncherStatus& status) {
  Problems problems;
  add_asterisk(status.asterisk, problems);
  add_workers(status.workers, problems);
  add_journal(status.store.journal, problems);
  add_salvage(status.salvage, problems);
  add_retention(status.store.retention, problems);
  if (status.shipper) add_shipper(*status.shipper, problems);
  add_postgresql_retention(status, problems);
  if (status.recording.audio_lost_ms > 0)
    problems.push_back({Kind::kLoss, "recording",
                        json_number(status.recording.audio_lost_ms / 1000) +
                            " s of audio are not in the WAV files (" +
                            std::to_string(status.recording.files_lost) +
                            " are missing or not whole): their disk was full or too slow; see that "
                            "the audio folder's disk has room"});
  return problems;
}

}  // namespace dragoman
