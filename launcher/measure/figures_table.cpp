// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>
#include <cstdio>
#include <set>

#include "launcher/measure/figures_output.h"

namespace dragoman {
namespace {

template <typename... Values>
std::string print(const char* format, Values... values) {
  char text[256];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

/// A state worth a word.
std::string mark(const Figures& figures) { return figures.state == "normal" ? "" : figures.state; }

std::string line_of_one(const Parameter& parameter, const TapFigures& tap) {
  const Figures& figures = tap.at(parameter.number);
  return print("%3d  %-32s%11s%11s%11s  %-14s%s", parameter.number, parameter.key,
               figure_text(parameter, figures.figure).c_str(),
               figure_text(parameter, figures.min).c_str(),
               figure_text(parameter, figures.max).c_str(), parameter.unit, mark(figures).c_str());
}

/// The words of both taps, where one has any.
std::string marks(const Figures* pre, const Figures* post) {
  std::string text;
  if (pre && !mark(*pre).empty()) text = "PRE " + mark(*pre);
  if (post && !mark(*post).empty()) text += (text.empty() ? "POST " : ", POST ") + mark(*post);
  return text;
}

std::string line_of_two(const Parameter& parameter, const MeasuredBucket& bucket) {
  const auto find = [&](size_t tap) -> const Figures* {
    const auto found = bucket.taps[tap].find(parameter.number);
    return found == bucket.taps[tap].end() ? nullptr : &found->second;
  };
  const Figures *pre = find(0), *post = find(1);
  const auto text = [&](const Figures* figures) {
    return figures ? figure_text(parameter, figures->figure) : std::string("-");
  };
  std::string difference = "-";
  if (pre && post) difference = figure_text(parameter, post->figure - pre->figure);
  return print("%3d  %-32s%11s%11s%11s  %-14s%s", parameter.number, parameter.key,
               text(pre).c_str(), text(post).c_str(), difference.c_str(), parameter.unit,
               marks(pre, post).c_str());
}

std::string without_trailing_blanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string table_of(const MeasuredBucket& bucket) {
  std::set<int> known;
  for (const TapFigures& tap : bucket.taps) {
    for (const auto& [number, figures] : tap) known.insert(number);
  }
  const bool two = bucket.taps.size() > 1;
  std::string text =
      two ? print("  #  %-32s%11s%11s%11s  unit\n", "parameter", "PRE", "POST", "difference")
          : print("  #  %-32s%11s%11s%11s  unit\n", "parameter", "figure", "min", "max");
  const char* group = "";
  for (const int number : known) {
    const Parameter& parameter = parameters()[static_cast<size_t>(number) - 1];
    if (const char* name = name_of(parameter.group); std::string_view(name) != group) {
      text += std::string(group = name) + "\n";
    }
    text += without_trailing_blanks(two ? line_of_two(parameter, bucket)
                                        : line_of_one(parameter, bucket.taps[0]));
  }
  return text;
}

}  // namespace

std::string figure_text(const Parameter& parameter, double value) {
  std::string text = print("%.*f", digits_of(parameter), value);
  return text.find_first_not_of("-0.") == std::string::npos && text[0] == '-' ? text.substr(1)
                                                                              : text;
}

std::string describe(const MeasuredFile& file) {
  return file.path +
         print(": %.2f s, %d Hz, %s, %s", file.seconds, file.format.rate,
               file.format.channels == 1 ? "mono" : "stereo",
               file.format.sample == GST_AUDIO_FORMAT_S16LE ? "16 bit" : "32 bit float");
}

std::string delay_text(const Measurement& measurement) {
  if (!measurement.delay_ms) return "delay to PRE not found";
  const double ms = *measurement.delay_ms;
  if (std::abs(ms) < 0.05) return "no delay to PRE";
  return print("%.1f ms %s PRE", std::abs(ms), ms > 0 ? "behind" : "ahead of");
}

std::string figures_table(const Measurement& measurement) {
  std::string text;
  for (const MeasuredFile& file : measurement.files) {
    const bool two = measurement.files.size() > 1;
    text += (two ? print("%-5s", file.tap.c_str()) : std::string()) + describe(file) + "\n";
  }
  if (measurement.files.size() > 1) text += "     " + delay_text(measurement) + "\n";
  for (const MeasuredBucket& bucket : measurement.buckets) {
    text += "\n";
    if (measurement.interval_s > 0) {
      text += print("%.2f s to %.2f s\n", bucket.start_s, bucket.start_s + bucket.seconds);
    }
    text += table_of(bucket);
  }
  return text;
}

}  // namespace dragoman
