// SPDX-License-Identifier: LGPL-2.1-or-later
// The one table of what a station can measure. Documentation, API, dashboard and alerts are made
// from it.
#pragma once

#include <limits>
#include <span>
#include <string_view>

namespace dragoman {

/// A sampled parameter has a reading every frame or packet; of a counted one the bucket's total is
/// in `last`.
enum class ParameterKind { kSampled, kCounted };
/// How a bucket's `avg` is made of a parameter's readings: their mean, (levels in dB) the level of
/// their mean power, their median, or (peaks) the greatest.
enum class ParameterMean { kArithmetic, kPower, kMedian, kGreatest };
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
const char* name_of(ParameterGroup group);

/// Both ends included; an end that does not exist is infinite.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();

  constexpr bool holds(double value) const { return value >= low && value <= high; }
  friend constexpr bool operator==(const Range&, const Range&) = default;
};

/// What a bucket's figure (a sampled parameter's avg, a counted one's total) should be. Outside
/// `warning` it deserves a look, outside `critical` a call suffers.
struct Limits {
  Range normal, warning, critical;
  friend constexpr bool operator==(const Limits&, const Limits&) = default;
};

struct Parameter {
  int number;  ///< in the catalogue, from 1
  const char* key;
  const char* unit;
  const char* description;
  ParameterGroup group;
  ParameterKind kind;
  ParameterMean mean = ParameterMean::kArithmetic;
  Limits limits = {};
};

/// All parameters, by number: the one numbered N is at index N - 1.
std::span<const Parameter> parameters();

/// How many decimals of its figures make sense.
int digits_of(const Parameter& parameter);

/// The parameter named `key`, or null.
const Parameter* find_parameter(std::string_view key);

}  // namespace dragoman
