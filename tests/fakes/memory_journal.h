// SPDX-License-Identifier: LGPL-2.1-or-later
// A journal that keeps its rows in vectors, in the order they came.
#pragma once

#include <vector>

#include "launcher/store/journal.h"

namespace dragoman::fakes {

class MemoryJournal : public Journal {
 public:
  std::vector<TraceRow> traces;
  std::vector<MetricRow> metrics;
  std::vector<SegmentRow> segments;
  std::vector<UtteranceRow> utterances;
  std::vector<KnobEventRow> knob_events;
  std::vector<KnobSnapshotRow> knob_snapshots;

  void append(TraceRow row) override { traces.push_back(std::move(row)); }
  void append(MetricRow row) override { metrics.push_back(std::move(row)); }
  void append(SegmentRow row) override { segments.push_back(std::move(row)); }
  void append(UtteranceRow row) override { utterances.push_back(std::move(row)); }
  void append(KnobEventRow row) override { knob_events.push_back(std::move(row)); }
  void append(KnobSnapshotRow row) override { knob_snapshots.push_back(std::move(row)); }
  void flush() override {}
  uint64_t dropped() const override { return 0; }
};

}  // namespace dragoman::fakes
