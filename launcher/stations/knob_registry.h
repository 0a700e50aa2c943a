// SPDX-License-Identifier: LGPL-2.1-or-later
// What a knob is: its type, range and unit, and the property of an element that it moves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "launcher/pipeline/pipeline_file.h"

namespace dragoman {

enum class KnobType { kBool, kInt, kNumber };
const char* name_of(KnobType type);

/// A value in the knob's own unit; which alternative it holds is the knob's type.
using KnobValue = std::variant<bool, int64_t, double>;

/// As JSON: true, -18, 1.5.
std::string json_of(const KnobValue& value);

/// How the knob's value becomes the property's.
enum class KnobMapping {
  kSame,
  kNegated,  ///< -18 (dBFS) becomes 18 (dB below full scale)
  kDecibels  ///< -6 (dB) becomes 0.501 (factor of the amplitude)
};

struct KnobSpec {
  std::string name, unit;
  KnobType type = KnobType::kBool;
  double low = 0, high = 1;  ///< ends included
  KnobMapping mapping = KnobMapping::kSame;
  KnobValue fallback = false;     ///< what it stands at when nobody sets it
  std::string element, property;  ///< in the pipeline
  std::string station;            ///< whose audio it changes: St_3; may be empty
};

/// The knobs that this project names: agc.enabled, agc.target_level_dbfs, noise_reduction.enabled,
/// echo_cancellation.enabled, gain_db. `element` and `station` are the pipeline file's to say.
const std::vector<KnobSpec>& known_knobs();

/// The knobs that `file` declares, as they stand when its pipeline is started with `values`
/// (parameters without a value have their sample). A name that is known has its meaning when it
/// moves the property it is known for; a name that ends in gain_db and moves a `volume` is a gain
/// in dB; of any other knob type and range are the property's (GStreamer is initialised for that,
/// and then only). A knob acts at the station of the last station= before its element. Knobs on
/// what is neither bool nor a number are `problems`.
std::vector<KnobSpec> knobs_of(const PipelineFile& file, const ParameterValues& values,
                               Problems& problems);

/// `text` as a value of the knob, or nothing with `error`: what is wrong and what it takes.
std::optional<KnobValue> parse_knob_value(const KnobSpec& spec, const std::string& text,
                                          std::string& error);

/// `value` as gst-launch would write the property's value.
std::string property_text(const KnobSpec& spec, const KnobValue& value);

/// "true or false", "-31 to 0".
std::string range_text(const KnobSpec& spec);

}  // namespace dragoman
