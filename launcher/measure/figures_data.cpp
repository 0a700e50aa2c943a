// SPDX-License-Identifier: LGPL-2.1-or-later
// JSON and CSV.
#include <initializer_list>

#include "launcher/measure/figures_output.h"
#include "launcher/util/json.h"
#include "launcher/util/tabular.h"
#include "plugins/common/handles.h"

namespace dragoman {
namespace {

/// Members of an object or items of an array, with commas between.
class Joined {
 public:
  void item(const std::string& json) { text_ += (text_.empty() ? "" : ",") + json; }
  void member(std::string_view key, const std::string& json) {
    item(json_string(key) + ":" + json);
  }
  std::string object() const { return "{" + text_ + "}"; }
  std::string array() const { return "[" + text_ + "]"; }

 private:
  std::string text_;
};

const Figures* figures_in(const MeasuredBucket& bucket, size_t tap, const Parameter& parameter) {
  const auto found = bucket.taps[tap].find(parameter.number);
  return found == bucket.taps[tap].end() ? nullptr : &found->second;
}

bool knows(const MeasuredBucket& bucket, const Parameter& parameter) {
  for (size_t tap = 0; tap < bucket.taps.size(); ++tap) {
    if (figures_in(bucket, tap, parameter)) return true;
  }
  return false;
}

/// POST less PRE; null without both.
std::optional<double> difference_of(const MeasuredBucket& bucket, const Parameter& parameter) {
  if (bucket.taps.size() < 2) return std::nullopt;
  const Figures *pre = figures_in(bucket, 0, parameter), *post = figures_in(bucket, 1, parameter);
  if (!pre || !post) return std::nullopt;
  return post->figure - pre->figure;
}

std::string object_of(const Figures& figures) {
  Joined object;
  object.member("figure", json_number(figures.figure));
  object.member("min", json_number(figures.min));
  object.member("max", json_number(figures.max));
  object.member("count", std::to_string(figures.count));
  if (!figures.state.empty()) object.member("state", json_string(figures.state));
  return object.object();
}

std::string object_of(const MeasuredFile& file) {
  Joined object;
  object.member("file", json_string(file.path));
  object.member("tap", json_string(file.tap));
  object.member("seconds", json_number(file.seconds));
  object.member("rate_hz", std::to_string(file.format.rate));
  object.member("channels", std::to_string(file.format.channels));
  object.member("format", json_string(gst_audio_format_to_string(file.format.sample)));
  if (!file.broken_off.empty()) object.member("broken_off", json_string(file.broken_off));
  return object.object();
}

std::string object_of(const MeasuredBucket& bucket, const std::vector<MeasuredFile>& files) {
  Joined known;
  for (const Parameter& parameter : parameters()) {
    if (!knows(bucket, parameter)) continue;
    Joined object;
    object.member("number", std::to_string(parameter.number));
    object.member("unit", json_string(parameter.unit));
    object.member("group", json_string(name_of(parameter.group)));
    for (size_t tap = 0; tap < files.size(); ++tap) {
      const Figures* figures = figures_in(bucket, tap, parameter);
      if (figures) object.member(files[tap].tap, object_of(*figures));
    }
    const auto difference = difference_of(bucket, parameter);
    if (difference) object.member("difference", json_number(*difference));
    known.member(parameter.key, object.object());
  }
  Joined object;
  object.member("start_s", json_number(bucket.start_s));
  object.member("seconds", json_number(bucket.seconds));
  object.member("parameters", known.object());
  return object.object();
}

std::vector<std::string> csv_head(const Measurement& measurement) {
  std::vector<std::string> names = {"start_s", "seconds", "number", "key", "unit", "group"};
  const bool two = measurement.files.size() > 1;
  for (const MeasuredFile& file : measurement.files) {
    const CharPtr lower(g_ascii_strdown(file.tap.c_str(), -1));
    const std::string prefix = two ? std::string(lower.get()) + "_" : "";
    for (const char* column : {"figure", "min", "max", "count", "state"}) {
      names.push_back(prefix + column);
    }
  }
  if (two) names.emplace_back("difference");
  return names;
}

std::vector<std::string> csv_row(const MeasuredBucket& bucket, const Parameter& parameter) {
  std::vector<std::string> row = {json_number(bucket.start_s),
                                  json_number(bucket.seconds),
                                  std::to_string(parameter.number),
                                  parameter.key,
                                  parameter.unit,
                                  name_of(parameter.group)};
  for (size_t tap = 0; tap < bucket.taps.size(); ++tap) {
    const Figures* figures = figures_in(bucket, tap, parameter);
    if (!figures) {
      row.resize(row.size() + 5);
      continue;
    }
    row.insert(row.end(),
               {json_number(figures->figure), json_number(figures->min), json_number(figures->max),
                std::to_string(figures->count), figures->state});
  }
  if (bucket.taps.size() > 1) {
    const auto difference = difference_of(bucket, parameter);
    row.push_back(difference ? json_number(*difference) : "");
  }
  return row;
}

}  // namespace

std::string figures_json(const Measurement& measurement) {
  Joined files, buckets;
  for (const MeasuredFile& file : measurement.files) files.item(object_of(file));
  for (const MeasuredBucket& bucket : measurement.buckets) {
    buckets.item(object_of(bucket, measurement.files));
  }
  const double interval = measurement.interval_s;
  Joined object;
  object.member("station", json_string(measurement.station));
  object.member("interval_s", interval > 0 ? json_number(interval) : "null");
  object.member("seconds", json_number(measurement.seconds));
  if (measurement.delay_ms) object.member("delay_ms", json_number(*measurement.delay_ms));
  object.member("files", files.array());
  object.member("buckets", buckets.array());
  return object.object() + "\n";
}

std::string figures_csv(const Measurement& measurement) {
  std::string text = csv_line(csv_head(measurement));
  for (const MeasuredBucket& bucket : measurement.buckets) {
    for (const Parameter& parameter : parameters()) {
      if (knows(bucket, parameter)) text += csv_line(csv_row(bucket, parameter));
    }
  }
  return text;
}

}  // namespace dragoman
