// SPDX-License-Identifier: LGPL-2.1-or-later
// What `dragoman run` prints.
#pragma once

#include <glib.h>

#include <memory>
#include <string>

namespace dragoman {

class RunOutput {
 public:
  virtual ~RunOutput() = default;
  /// An element message; `fields` is a{sv}, borrowed.
  virtual void message(const std::string& name, GVariant* fields) = 0;
  virtual void warning(const std::string& text) = 0;
  /// How far it is, in seconds; duration 0: not known.
  virtual void progress(double position, double duration) = 0;
  virtual void end(const std::string& reason, const std::string& detail) = 0;
};

/// One JSON object a line on stdout: {"type":"transcript",…}. Keys and types have '_' for '-'.
std::unique_ptr<RunOutput> make_json_output();

/// For people: transcripts and translations as they come, at the end what was measured. Errors and
/// warnings on stderr.
std::unique_ptr<RunOutput> make_terminal_output();

}  // namespace dragoman
