// SPDX-License-Identifier: LGPL-2.1-or-later
// What `dragoman simulate-call` prints.
#pragma once

#include <memory>
#include <string>

#include "launcher/simulate/call_watch.h"

namespace dragoman {

class SimulateOutput : public CallWatchListener {
 public:
  /// What is being done, for a person who waits.
  virtual void progress(const std::string& text) = 0;
  /// The end. `report` may be empty (no trace ids), if no call came about.
  virtual void end(const std::string& reason, const std::string& detail, const Report& report) = 0;
};

/// For people, on stdout: each utterance as it is heard and as it is said, at the end the table.
std::unique_ptr<SimulateOutput> make_simulate_text_output();

/// One JSON object a line on stdout, with the fields of `dragoman run --json` and the speaker's
/// "extension": {"type":"transcript",…}, {"type":"translation",…}, {"type":"spoken",…}, last
/// {"type":"end","reason":"eos"|"error"|"interrupted",…} with the figures of the table.
std::unique_ptr<SimulateOutput> make_simulate_json_output();

}  // namespace dragoman
