// SPDX-License-Identifier: LGPL-2.1-or-later
// A pipeline file: sections [pipeline], [parameters], [knobs], [launch], in this order.
//
//   [pipeline]
//   description = One caller of a translated call
//   [parameters]
//   # name = type default   description      (two spaces before the description; no default: must
//   be port   = int 0          UDP port          given; a default with spaces, or an empty one, in
//   "") file   = file           Recording to play [knobs] agc.enabled = dsp.gain-control [launch]
//   ariudpsrc port=${port} ! …
//
// A '#' that begins a line begins a comment. `${name}` stands for a value, which is quoted by
// itself.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "launcher/pipeline/parameter_type.h"
#include "launcher/pipeline/problem.h"

namespace dragoman {

struct PipelineParameter {
  std::string name;
  ParameterType type = ParameterType::kString;
  std::optional<std::string> fallback;  ///< the default; none: a value must be given
  std::string description;
  int line = 0;
};

/// A property that may change while the pipeline plays, under a name of its own.
struct PipelineKnob {
  std::string name, element, property;
  int line = 0;
};

using ParameterValues = std::map<std::string, std::string>;

class PipelineFile {
 public:
  /// Reads the file at `path` (find_pipeline() turns a name into one) and checks all that can be
  /// without values and without GStreamer. Null with `problems` otherwise.
  static std::optional<PipelineFile> read(const std::string& path, Problems& problems);

  /// The same of text in memory; `path` is for messages.
  static std::optional<PipelineFile> parse(const std::string& text, const std::string& path,
                                           Problems& problems);

  const std::string& path() const { return path_; }
  const std::string& description() const { return description_; }
  const std::vector<PipelineParameter>& parameters() const { return parameters_; }
  const std::vector<PipelineKnob>& knobs() const { return knobs_; }
  const PipelineParameter* parameter(const std::string& name) const;
  const PipelineKnob* knob(const std::string& name) const;
  /// The line on which the body begins.
  int launch_line() const { return launch_line_; }

  /// The body with all values in it, escaped; still on its lines, so that a place in it has the
  /// line of launch_line() on. Null with `problems` when one is missing, unknown or not of its
  /// type.
  std::optional<std::string> fill(const ParameterValues& values, Problems& problems) const;

  /// A value for each parameter: its default, or a stand-in of its type. For checking a file
  /// alone.
  ParameterValues sample_values() const;

 private:
  friend class PipelineReader;

  std::string path_, description_, body_;
  std::vector<PipelineParameter> parameters_;
  std::vector<PipelineKnob> knobs_;
  int launch_line_ = 0, parameters_line_ = 0;
};

}  // namespace dragoman
