// SPDX-License-Identifier: LGPL-2.1-or-later
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <vector>

#include "launcher/pipeline/run_output.h"
#include "plugins/common/messages.h"
#include "plugins/common/parameters.h"

namespace dragoman {
namespace {

std::string text_in(GVariant* fields, const char* key) {
  const char* text = "";
  g_variant_lookup(fields, key, "&s", &text);
  return text;
}

double number_in(GVariant* fields, const char* key, double fallback) {
  double number = fallback;
  guint64 whole = 0;
  if (!g_variant_lookup(fields, key, "d", &number) && g_variant_lookup(fields, key, "t", &whole)) {
    number = static_cast<double>(whole);
  }
  return number;
}

bool true_in(GVariant* fields, const char* key) {
  gboolean value = FALSE;
  return g_variant_lookup(fields, key, "b", &value) && value;
}

/// "1:02.5"
std::string clock_text(double seconds) {
  char text[32];
  const int minutes = static_cast<int>(seconds / 60);
  std::snprintf(text, sizeof text, "%2d:%04.1f", minutes, seconds - minutes * 60);
  return text;
}

/// One parameter of one tap over the whole run.
struct Summary {
  double count = 0, sum = 0, total = 0, max = 0;

  /// `avg` in the unit in which readings may be added: see weigh().
  void add(double readings, double avg, double bucket_max, double last) {
    max = count > 0 ? std::max(max, bucket_max) : bucket_max;
    count += readings;
    sum += avg * readings;
    total += last;
  }
};

/// The level of several buckets is that of their mean power, as it is within one.
bool is_power(const std::string& key) {
  const Parameter* parameter = find_parameter(key);
  return parameter && parameter->mean == ParameterMean::kPower;
}
double weigh(const std::string& key, double value) {
  return is_power(key) ? std::pow(10, value / 10) : value;
}
double mean_of(const std::string& key, const Summary& summary) {
  const Parameter* parameter = find_parameter(key);
  if (parameter && parameter->mean == ParameterMean::kGreatest) return summary.max;
  const double mean = summary.sum / summary.count;
  return is_power(key) ? 10 * std::log10(mean) : mean;
}

/// What the probes measured: by station, parameter and tap.
class Measured {
 public:
  void add(GVariant* bucket) {
    auto& taps = taps_[text_in(bucket, "station")];
    const std::string tap = text_in(bucket, "tap");
    if (std::find(taps.begin(), taps.end(), tap) == taps.end()) taps.push_back(tap);
    GVariant* metrics = g_variant_lookup_value(bucket, "metrics", G_VARIANT_TYPE_VARDICT);
    if (!metrics) return;
    GVariantIter iter;
    g_variant_iter_init(&iter, metrics);
    const char* key = nullptr;
    GVariant* metric = nullptr;
    while (g_variant_iter_loop(&iter, "{&sv}", &key, &metric)) {
      values_[text_in(bucket, "station")][key][tap].add(
          number_in(metric, "count", 0), weigh(key, number_in(metric, "avg", 0)),
          number_in(metric, "max", 0), number_in(metric, "last", 0));
    }
    g_variant_unref(metrics);
  }

  void print() const {
    for (const auto& [station, taps] : taps_) print_station(station, taps);
  }

 private:
  void print_station(const std::string& station, const std::vector<std::string>& taps) const {
    std::printf("\n%-28s", station.c_str());
    for (const std::string& tap : taps) std::printf("%12s%10s", (tap + " avg").c_str(), "max");
    std::printf("\n");
    const auto found = values_.find(station);
    if (found == values_.end()) return;
    for (const Parameter& parameter : parameters()) {
      const auto row = found->second.find(parameter.key);
      if (row == found->second.end()) continue;
      std::printf("  %-26s", parameter.key);
      for (const std::string& tap : taps) print_value(parameter, row->second, tap);
      std::printf("  %s\n", parameter.unit);
    }
  }

  static void print_value(const Parameter& parameter, const std::map<std::string, Summary>& row,
                          const std::string& tap) {
    const auto found = row.find(tap);
    if (found == row.end() || found->second.count == 0) {
      std::printf("%12s%10s", "-", "-");
    } else if (parameter.kind == ParameterKind::kCounted) {
      std::printf("%12.6g%10s", found->second.total, "in all");
    } else {
      std::printf("%12.2f%10.2f", mean_of(parameter.key, found->second), found->second.max);
    }
  }

  std::map<std::string, std::vector<std::string>> taps_;
  std::map<std::string, std::map<std::string, std::map<std::string, Summary>>> values_;
};

class TerminalOutput : public RunOutput {
 public:
  void message(const std::string& name, GVariant* fields) override {
    if (name == messages::kTranscript) {
      transcript(fields);
    } else if (name == messages::kTranslation) {
      ++translations_;
      line("%15s%s  %s\n", "", text_in(fields, "language").c_str(),
           text_in(fields, "text").c_str());
    } else if (name == messages::kSpoken) {
      line("%15s%s  spoken %.2f s after it was said\n", "", text_in(fields, "language").c_str(),
           number_in(fields, "delay-ms", 0) / 1000);
    } else if (name == messages::kBucket) {
      measured_.add(fields);
    } else if (name == messages::kSegment) {
      segment(fields);
    } else if (name == messages::kMediaStarted) {
      line("audio comes from %s\n", text_in(fields, "peer").c_str());
    } else if (name == messages::kProviderError) {
      const std::string next = text_in(fields, "next");
      warning(text_in(fields, "provider") + ": " + text_in(fields, "error") +
              (next.empty() ? "" : "; " + next + " takes over"));
    }
  }

  void warning(const std::string& text) override {
    clear_status();
    std::fflush(stdout);
    std::fprintf(stderr, "warning: %s\n", text.c_str());
  }

  void progress(double position, double duration) override {
    if (!terminal_ || !partial_.empty()) return;
    clear_status();
    if (duration > 0) {
      std::printf("%s of %s (%.0f %%)", clock_text(position).c_str(), clock_text(duration).c_str(),
                  100 * std::min(1.0, position / duration));
    } else {
      std::printf("%s", clock_text(position).c_str());
    }
    std::fflush(stdout);
    status_ = true;
  }

  void end(const std::string& reason, const std::string& detail) override {
    clear_status();
    if (finals_ || translations_) {
      std::printf("\n%u clauses heard, %u translated\n", finals_, translations_);
    }
    measured_.print();
    for (const auto& [folder, count] : files_) {
      std::printf("\n%u WAV file%s in %s", count, count == 1 ? "" : "s", folder.c_str());
    }
    if (!files_.empty()) std::printf("\n");
    std::fflush(stdout);
    if (reason == "error") std::fprintf(stderr, "dragoman run: %s\n", detail.c_str());
  }

 private:
  void transcript(GVariant* fields) {
    if (!true_in(fields, "is-final")) {
      partial_ = text_in(fields, "text");
      if (!terminal_) return;
      clear_status();
      std::printf("… %.100s", partial_.c_str());
      std::fflush(stdout);
      status_ = true;
      return;
    }
    partial_.clear();
    ++finals_;
    line("%s-%s  %s  %s\n", clock_text(number_in(fields, "start", 0)).c_str(),
         clock_text(number_in(fields, "end", 0)).c_str(), text_in(fields, "language").c_str(),
         text_in(fields, "text").c_str());
  }

  void segment(GVariant* fields) {
    const std::filesystem::path location = text_in(fields, "location");
    ++files_[location.parent_path().string()];
    const double dropped = number_in(fields, "dropped-ms", 0);
    if (dropped > dropped_) {
      dropped_ = dropped;
      warning("so far " + std::to_string(static_cast<int>(dropped)) + " ms were not written to " +
              location.parent_path().string());
    }
  }

  template <typename... Values>
  void line(const char* format, Values... values) {
    clear_status();
    std::printf(format, values...);
    std::fflush(stdout);
  }

  void clear_status() {
    if (status_) std::printf("\r\033[K");
    status_ = false;
  }

  const bool terminal_ = isatty(STDOUT_FILENO);
  bool status_ = false;  ///< an unfinished line stands on the terminal
  std::string partial_;
  unsigned finals_ = 0, translations_ = 0;
  double dropped_ = 0;
  Measured measured_;
  std::map<std::string, unsigned> files_;
};

}  // namespace

std::unique_ptr<RunOutput> make_terminal_output() { return std::make_unique<TerminalOutput>(); }

}  // namespace dragoman
