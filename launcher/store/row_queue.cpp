// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/row_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace dragoman {
namespace {

template <typename Row>
std::deque<Row> take_front(std::deque<Row>& from, size_t& most) {
  const size_t count = std::min(most, from.size());
  most -= count;
  if (count == from.size()) return std::exchange(from, {});
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(count);
  std::deque<Row> taken(std::make_move_iterator(from.begin()), std::make_move_iterator(end));
  from.erase(from.begin(), end);
  return taken;
}

template <typename Row>
void put_front(std::deque<Row>& to, std::deque<Row>&& rows) {
  to.insert(to.begin(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
}

}  // namespace

void RowQueue::push(TraceRow row) {
  rows_.traces.push_back(std::move(row));
  trim();
}

void RowQueue::push(UtteranceRow row) {
  rows_.utterances.push_back(std::move(row));
  trim();
}

void RowQueue::push(SegmentRow row) {
  rows_.segments.push_back(std::move(row));
  trim();
}

void RowQueue::push(MetricRow row) {
  rows_.metrics.push_back(std::move(row));
  trim();
}

void RowQueue::push(KnobEventRow row) {
  rows_.knob_events.push_back(std::move(row));
  trim();
}

void RowQueue::push(KnobSnapshotRow row) {
  rows_.knob_snapshots.push_back(std::move(row));
  trim();
}

Rows RowQueue::take(size_t most) {
  Rows taken;
  taken.traces = take_front(rows_.traces, most);
  taken.knob_events = take_front(rows_.knob_events, most);
  taken.utterances = take_front(rows_.utterances, most);
  taken.segments = take_front(rows_.segments, most);
  taken.knob_snapshots = take_front(rows_.knob_snapshots, most);
  taken.metrics = take_front(rows_.metrics, most);
  return taken;
}

void RowQueue::put_back(Rows rows) {
  put_front(rows_.traces, std::move(rows.traces));
  put_front(rows_.knob_events, std::move(rows.knob_events));
  put_front(rows_.utterances, std::move(rows.utterances));
  put_front(rows_.segments, std::move(rows.segments));
  put_front(rows_.knob_snapshots, std::move(rows.knob_snapshots));
  put_front(rows_.metrics, std::move(rows.metrics));
  trim();
}

void RowQueue::trim() {
  while (rows_.size() > limit_) {
    drop_first(rows_.metrics, RowKind::kMetric) ||
        drop_first(rows_.knob_snapshots, RowKind::kKnobSnapshot) ||
        drop_first(rows_.segments, RowKind::kSegment) ||
        drop_first(rows_.utterances, RowKind::kUtterance) ||
        drop_first(rows_.knob_events, RowKind::kKnobEvent) ||
        drop_first(rows_.traces, RowKind::kTrace);
  }
}

template <typename Row>
bool RowQueue::drop_first(std::deque<Row>& rows, RowKind kind) {
  if (rows.empty()) return false;
  rows.pop_front();
  ++dropped_[kind];
  return true;
}

}  // namespace dragoman
