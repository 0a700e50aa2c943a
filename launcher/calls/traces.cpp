// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/calls/traces.h"

#include <algorithm>

namespace dragoman {

Traces::Joined Traces::join(const Route& route, uint64_t utc_ns) {
  const auto has_place = [&](const Trace& trace) {
    return (trace.other == route.extension || trace.row.src_extension == route.extension) &&
           !trace.present.contains(route.extension) && trace.present.contains(route.partner);
  };
  auto trace = std::find_if(traces_.begin(), traces_.end(), has_place);
  const bool opened = trace == traces_.end();
  if (opened) {
    traces_.push_back({.other = route.partner});
    trace = std::prev(traces_.end());
    trace->row.trace_id = make_id_();
    trace->row.started_at = utc_ns;
    trace->row.src_extension = route.extension;
  } else if (route.extension != trace->row.src_extension) {
    trace->row.dst_extension = route.extension;
  }
  trace->present.insert(route.extension);
  return {trace->row, opened, ++trace->legs[route.extension]};
}

std::optional<Traces::Left> Traces::leave(const std::string& trace_id, const std::string& extension,
                                          uint64_t utc_ns) {
  const auto trace = std::find_if(traces_.begin(), traces_.end(), [&](const Trace& candidate) {
    return candidate.row.trace_id == trace_id;
  });
  if (trace == traces_.end() || !trace->present.erase(extension)) return std::nullopt;
  if (!trace->present.empty()) return Left{trace->row, false};
  trace->row.ended_at = utc_ns;
  const Left left{trace->row, true};
  traces_.erase(trace);
  return left;
}

}  // namespace dragoman
