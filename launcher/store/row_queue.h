// SPDX-License-Identifier: LGPL-2.1-or-later
// The rows that wait for the journal's next transaction.
#pragma once

#include <deque>

#include "launcher/store/journal.h"
#include "launcher/store/row_counts.h"

namespace dragoman {

/// Rows by kind, the most important kind first, each in the order appended.
struct Rows {
  std::deque<TraceRow> traces;
  std::deque<KnobEventRow> knob_events;
  std::deque<UtteranceRow> utterances;
  std::deque<SegmentRow> segments;
  std::deque<KnobSnapshotRow> knob_snapshots;
  std::deque<MetricRow> metrics;

  size_t size() const {
    return traces.size() + knob_events.size() + utterances.size() + segments.size() +
           knob_snapshots.size() + metrics.size();
  }
};

/// A bounded queue of rows. Past the limit the oldest row of the least important kind is dropped
/// and counted. Not locked: its owner does that.
class RowQueue {
 public:
  explicit RowQueue(size_t limit) : limit_(limit) {}

  void push(TraceRow row);
  void push(UtteranceRow row);
  void push(SegmentRow row);
  void push(MetricRow row);
  void push(KnobEventRow row);
  void push(KnobSnapshotRow row);

  /// Up to `most` rows, the most important kinds first.
  Rows take(size_t most);
  /// Returns what take() gave, to the front.
  void put_back(Rows rows);

  size_t size() const { return rows_.size(); }
  const RowCounts& dropped() const { return dropped_; }

 private:
  void trim();
  template <typename Row>
  bool drop_first(std::deque<Row>& rows, RowKind kind);

  const size_t limit_;
  Rows rows_;
  RowCounts dropped_;
};

}  // namespace dragoman
