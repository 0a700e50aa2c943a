// SPDX-License-Identifier: LGPL-2.1-or-later
// Which callers belong together: a trace is one conversation of two extensions. No clock, no I/O.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "launcher/store/journal.h"
#include "launcher/util/config.h"

namespace dragoman {

class Traces {
 public:
  struct Joined {
    TraceRow row;         ///< as it is now
    bool opened = false;  ///< the caller is the first of a new trace
    int leg = 1;          ///< which time this extension is in the trace
  };
  struct Left {
    TraceRow row;         ///< as it is now
    bool closed = false;  ///< nobody is left
  };

  explicit Traces(std::function<std::string()> make_id) : make_id_(std::move(make_id)) {}

  /// A call to `route` at `utc_ns`: joins the oldest open trace in which the partner is and this
  /// extension is not, else opens one.
  Joined join(const Route& route, uint64_t utc_ns);
  /// The extension's party is gone. Closes the trace after the last.
  std::optional<Left> leave(const std::string& trace_id, const std::string& extension,
                            uint64_t utc_ns);
  size_t open() const { return traces_.size(); }

 private:
  struct Trace {
    TraceRow row;
    std::string other;  ///< extension of the partner of the one who opened it
    std::set<std::string> present;
    std::map<std::string, int> legs;
  };

  std::function<std::string()> make_id_;
  std::list<Trace> traces_;  ///< oldest first
};

}  // namespace dragoman
