// SPDX-License-Identifier: LGPL-2.1-or-later
// What calls need of the knobs (launcher/stations/knobs.h).
#pragma once

#include <map>
#include <string>

namespace dragoman {

class CallKnobs {
 public:
  virtual ~CallKnobs() = default;
  /// A party's pipeline `leg` is to start: what its knobs stand at then (PipelineRequest::knobs).
  virtual std::map<std::string, std::string> begin(const std::string& leg,
                                                   const std::string& trace_id,
                                                   const std::string& extension) = 0;
  /// It is gone.
  virtual void end(const std::string& leg) = 0;
  /// What the knobs at `station` stand at in the call, as a JSON object.
  virtual std::string values_at(const std::string& trace_id, const std::string& station) const = 0;
};

}  // namespace dragoman
