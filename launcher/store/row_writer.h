// SPDX-License-Identifier: LGPL-2.1-or-later
// Rows into tables: the journal's prepared statements.
#pragma once

#include "launcher/store/database.h"
#include "launcher/store/journal.h"
#include "launcher/store/row_queue.h"

namespace dragoman {

/// Writes rows to an up-to-date database, which must outlive it. A row whose key exists updates it:
/// - a trace and an utterance keep what the new row leaves empty;
/// - an utterance's row without target language becomes the row of its first translation; what was
///   heard is the same in the rows of all its languages;
/// - a metric and a knob snapshot are replaced, and a segment of the same file;
/// - a second file of one bucket (a worker was killed in mid-bucket and another went on) gets a row
///   of its own, its bucket_ts a microsecond after the bucket's start, so that both are found.
class RowWriter {
 public:
  explicit RowWriter(Database& database);

  /// Writes all of `rows` in one transaction, or throws DatabaseError and none is written. A row
  /// that can never be written (it breaks a constraint) is left out; the result counts those.
  size_t write(const Rows& rows);

 private:
  template <typename Row>
  size_t write_all(const std::deque<Row>& rows);
  size_t write_metrics(const std::deque<MetricRow>& rows);
  template <typename Row>
  bool is_written(const Row& row);
  void write_row(const TraceRow& row);
  void write_row(const MetricRow& row);
  void write_row(const SegmentRow& row);
  void write_row(const UtteranceRow& row);
  void write_row(const KnobEventRow& row);
  void write_row(const KnobSnapshotRow& row);
  bool are_added(std::deque<MetricRow>::const_iterator first);
  bool is_added(const MetricRow& row, const std::string& bucket_ts);
  bool belongs_to_another_file(const SegmentRow& row, const std::string& bucket_ts);

  Database& database_;
  Statement update_trace_, insert_trace_;
  Statement add_metrics_, add_metric_, delete_metric_, find_segment_, put_segment_;
  Statement update_heard_, insert_utterance_, name_language_, copy_heard_, update_said_;
  Statement add_knob_event_, put_knob_snapshot_;
};

}  // namespace dragoman
