// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/stations/parameter_lists.h"

#include <glib.h>

#include <cmath>
#include <functional>
#include <optional>

#include "launcher/util/json.h"

namespace dragoman {
namespace {

std::string number_text(double value) {
  char text[32];
  g_snprintf(text, sizeof text, "%g", value);
  return text;
}

/// "20 to 40", "at least 20", "at most 40", or "" where every value is in it.
std::string range_text(const Range& range) {
  const bool low = std::isfinite(range.low), high = std::isfinite(range.high);
  if (low && high) return number_text(range.low) + " to " + number_text(range.high);
  if (low) return "at least " + number_text(range.low);
  return high ? "at most " + number_text(range.high) : "";
}

const char* kind_text(const Parameter& parameter) {
  return parameter.kind == ParameterKind::kCounted ? "counted" : "sampled";
}

const char* mean_text(const Parameter& parameter) {
  constexpr const char* kNames[] = {"arithmetic", "power", "median", "greatest"};
  return kNames[static_cast<int>(parameter.mean)];
}

void each(const Station& station,
          const std::function<void(const Parameter&, const Limits&)>& take) {
  for (size_t i = 0; i < parameters().size(); ++i)
    if (station.wanted[i]) take(parameters()[i], station.limits[i]);
}

std::string markdown_row(const Parameter& parameter, const Limits& limits) {
  std::string figure = kind_text(parameter);
  if (parameter.mean != ParameterMean::kArithmetic)
    figure += std::string(", ") + mean_text(parameter);
  return "| " + std::to_string(parameter.number) + " | `" + parameter.key + "` | " +
         parameter.unit + " | " + parameter.description + " | " + figure + " | " +
         range_text(limits.normal) + " | " + range_text(limits.warning) + " | " +
         range_text(limits.critical) + " |\n";
}

std::string json_range(const Range& range) {
  return "[" + json_number(range.low) + ", " + json_number(range.high) + "]";
}

std::string json_row(const Parameter& parameter, const Limits& limits) {
  return "{\"number\": " + std::to_string(parameter.number) +
         ", \"key\": " + json_string(parameter.key) + ", \"unit\": " + json_string(parameter.unit) +
         ", \"description\": " + json_string(parameter.description) +
         ", \"group\": " + json_string(name_of(parameter.group)) + ", \"kind\": \"" +
         kind_text(parameter) + "\", \"mean\": \"" + mean_text(parameter) +
         "\", \"normal\": " + json_range(limits.normal) +
         ", \"warning\": " + json_range(limits.warning) +
         ", \"critical\": " + json_range(limits.critical) + "}";
}

constexpr char kPreface[] =
    "# Parameters\n\n"
    "What a station can measure; made by `dragoman parameters --markdown` from the one table in\n"
    "`plugins/common/parameters.cpp`. A *sampled* parameter has a reading every frame or packet: "
    "a\n"
    "bucket keeps count, min, max, avg and last. Of a *counted* one the bucket's total is in "
    "last.\n"
    "avg is the arithmetic mean, of levels the level of the mean power, or the median or greatest\n"
    "reading, as the table says. What a tap cannot know is absent, never zero. Limits hold for "
    "avg,\n"
    "of counted ones for the total; a station's file (`data/stations/`) may set its own.\n";

}  // namespace

std::string parameters_text(const Station& station) {
  std::string text;
  each(station, [&](const Parameter& parameter, const Limits& limits) {
    char line[256];
    g_snprintf(line, sizeof line, "%2d  %-31s %-13s %-18s %s\n", parameter.number, parameter.key,
               parameter.unit, range_text(limits.normal).c_str(), parameter.description);
    text += line;
  });
  return text;
}

std::string parameters_markdown(const Station& station) {
  std::string text = kPreface;
  std::optional<ParameterGroup> group;
  each(station, [&](const Parameter& parameter, const Limits& limits) {
    if (group != parameter.group) {
      group = parameter.group;
      text += std::string("\n## ") + name_of(parameter.group) +
              "\n\n| # | key | unit | what | figure | normal | warning outside | critical outside "
              "|\n| --- | --- | --- | --- | --- | --- | --- | --- |\n";
    }
    text += markdown_row(parameter, limits);
  });
  return text;
}

std::string parameters_json(const Station& station) {
  std::string text;
  each(station, [&](const Parameter& parameter, const Limits& limits) {
    text += (text.empty() ? "[\n  " : ",\n  ") + json_row(parameter, limits);
  });
  return text + "\n]\n";
}

}  // namespace dragoman
