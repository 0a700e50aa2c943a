// SPDX-License-Identifier: LGPL-2.1-or-later
// What the shipper's tests share: a journal, a database, and a shipper that does not dawdle.
#pragma once

#include "launcher/store/shipper.h"
#include "tests/launcher/store/postgres_test.h"

namespace dragoman {

inline ShipperOptions quick() {
  using std::chrono::milliseconds;
  return {.batch_rows = 500,
          .poll = milliseconds(20),
          .first_retry = milliseconds(20),
          .last_retry = milliseconds(200),
          .timeouts = {.connect = milliseconds(5000), .statement = milliseconds(5000)}};
}

/// A row of each kind.
inline void append_one_of_each(Journal& journal, const std::string& trace = "t1") {
  journal.append(trace_row(trace));
  journal.append(metric_row(0, trace));
  SegmentRow segment = segment_row(0);
  UtteranceRow heard = heard_row();
  segment.trace_id = heard.trace_id = trace;
  journal.append(segment);
  journal.append(heard);
  journal.append(KnobEventRow{.trace_id = trace,
                              .station_key = "St_3",
                              .knob_key = "gain_db",
                              .old_value = "0",
                              .new_value = "6",
                              .changed_by = "test",
                              .created_at = kNoon});
  journal.append(KnobSnapshotRow{trace, "St_3", kNoon, R"({"gain_db": 6})"});
}

class ShipperTest : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped()) return;
    journal_ = Journal::open(path());
  }
  std::unique_ptr<Shipper> start(const std::string& database = "monitoring_v2",
                                 const ShipperOptions& options = quick()) const {
    return std::make_unique<Shipper>(path(), PgTarget(server().conninfo(database), ""), options);
  }
  /// Everything that is in the journal's file now is in the database. Whatever failed before.
  static bool ship(Shipper& shipper, int seconds = 30) {
    return eventually([&] { return shipper.finish(std::chrono::seconds(1)); }, seconds);
  }
  void append_metrics(uint64_t first, uint64_t count, const std::string& trace = "t1") {
    for (uint64_t row = first; row < first + count; ++row) {
      journal_->append(metric_row(row, trace));
      if (row % 30000 == 29999) journal_->flush();
    }
    journal_->flush();
  }

  std::unique_ptr<Journal> journal_;
};

/// How many rows each table has, as text.
inline constexpr char kCounts[] =
    "SELECT (SELECT count(*) FROM traces) || ' ' || (SELECT count(*) FROM utterances) || ' ' || "
    "(SELECT count(*) FROM knob_events) || ' ' || (SELECT count(*) FROM knob_snapshots_5s) || ' ' "
    "|| (SELECT count(*) FROM audio_segments_5s) || ' ' || (SELECT count(*) FROM metrics_agg_5s)";

}  // namespace dragoman
