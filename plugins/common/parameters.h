// SPDX-License-Identifier: LGPL-2.1-or-later
// The one table of what a station can measure. Documentation, API, dashboard and alerts are made
// from it.
#pragma once

#include <span>
#include <string_view>

namespace dragoman {

/// A sampled parameter has a reading every frame or packet; of a counted one the bucket's total is
/// in `last`.
enum class ParameterKind { kSampled, kCounted };
/// How a bucket's `avg` is made of a parameter's readings: their mean, or (levels in dB) the level
/// of their mean power.
enum class ParameterMean { kArithmetic, kPower };
enum class ParameterGroup {
  kLevel,
  kVoice,
  kSpectrum,
  kNetwork,
  kBuffers,
  kProcessing,
  kEnhancement,
  kSpeechChain
};

struct Parameter {
  int number;  ///< in the catalogue, from 1
  const char* key;
  const char* unit;
  const char* description;
  ParameterGroup group;
  ParameterKind kind;
  ParameterMean mean = ParameterMean::kArithmetic;
};

/// All parameters that are measured, by number.
std::span<const Parameter> parameters();

/// The parameter named `key`, or null.
const Parameter* find_parameter(std::string_view key);

}  // namespace dragoman
