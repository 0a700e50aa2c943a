// SPDX-License-Identifier: LGPL-2.1-or-later
// Pipeline messages (plugins/common/messages.h) as rows of the journal.
#pragma once

#include <gio/gio.h>

#include <cstdint>
#include <map>
#include <string>

#include "launcher/calls/call_knobs.h"
#include "launcher/calls/fields.h"
#include "launcher/store/journal.h"

namespace dragoman {

class Recorder {
 public:
  /// `monitoring` false: no measurements, segments and knob snapshots. `knobs` null: no snapshots.
  Recorder(Journal& journal, bool monitoring, const CallKnobs* knobs = nullptr)
      : journal_(journal), monitoring_(monitoring), knobs_(knobs) {}

  void trace(const TraceRow& row) { journal_.append(row); }
  /// A message of a pipeline of the trace; `fields` is a{sv}, borrowed. Names that make no row, and
  /// partial transcripts, are ignored; so is a message without what its row's key needs.
  void message(const std::string& trace_id, const std::string& name, GVariant* fields);
  /// Nothing more comes of the trace.
  void ended(const std::string& trace_id);

  /// What could not be written to WAV files since the start, as far as the pipelines told.
  struct Lost {
    uint64_t files = 0;   ///< not there, or not whole
    double audio_ms = 0;  ///< what a queue had no room for included
  };
  const Lost& lost() const { return lost_; }

 private:
  void segment_lost(const std::string& trace_id, GVariant* fields);
  void count_lost(const std::string& trace_id, const Fields& fields);
  void bucket(const std::string& trace_id, GVariant* fields);
  void segment(const std::string& trace_id, GVariant* fields);
  void transcript(const std::string& trace_id, GVariant* fields);
  void translation(const std::string& trace_id, GVariant* fields, bool spoken);

  Journal& journal_;
  bool monitoring_;
  const CallKnobs* knobs_;
  Lost lost_;
  std::map<std::string, double> dropped_ms_;  ///< last told, by trace, station and tap
};

}  // namespace dragoman
