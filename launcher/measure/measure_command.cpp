// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman measure`: the parameters of a recording, or of two.
#include <glib.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "launcher/command.h"
#include "launcher/measure/commands.h"
#include "launcher/measure/figures_output.h"
#include "launcher/measure/measurement.h"
#include "launcher/measure/plot.h"
#include "launcher/pipeline/gstreamer_use.h"

namespace dragoman {
namespace {

/// A difference of two recordings' lengths.
constexpr double kWorthSayingS = 0.01;

constexpr char kSummary[] =
    "Prints the parameters of a recording, measured as a station measures a call: one figure for\n"
    "the whole recording, or for every INTERVAL of it. With two files, FILE is PRE (before\n"
    "processing) and FILE2 POST (after it): both, their difference, and what the processing "
    "did.\n\n"
    "The figure is a sampled parameter's mean (of levels that of their power, of peaks the\n"
    "greatest) and a counted one's total. After the unit stands how it lies in the limits, unless\n"
    "it is normal: unusual, warning or critical.";

struct Options {
  char *format = nullptr, *plot = nullptr, *station = nullptr;
  char** files = nullptr;
  double interval = 0;
  ~Options() {
    for (char* text : {format, plot, station}) g_free(text);
    g_strfreev(files);
  }
  size_t file_count() const { return files ? g_strv_length(files) : 0; }
  std::string_view format_name() const { return format ? format : "table"; }
};

/// What was asked for cannot be done; what() is for the user.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

gboolean take_interval(const char*, const char* value, gpointer data, GError** error) {
  auto& options = *static_cast<Options*>(data);
  char* end = nullptr;
  const double seconds = g_ascii_strtod(value, &end);
  const double tenths = seconds * 10;
  const bool fits = end != value && !*end && seconds >= kMinIntervalS && seconds <= kMaxIntervalS;
  if (fits && std::abs(tenths - std::round(tenths)) < 1e-6) {
    options.interval = std::round(tenths) / 10;
    return TRUE;
  }
  g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
              "--interval '%s': give seconds, from 0.1 to 86400 in steps of 0.1", value);
  return FALSE;
}

void check(const Options& options) {
  const size_t files = options.file_count();
  if (files < 1) throw UsageError("name a recording");
  if (files > 2) throw UsageError("name one recording, or two: PRE and POST");
  const std::string_view format = options.format_name();
  if (format != "table" && format != "json" && format != "csv") {
    throw UsageError("--format '" + std::string(format) + "': it is table, json or csv");
  }
  if (options.plot && !g_str_has_suffix(options.plot, ".png")) {
    throw UsageError("--plot '" + std::string(options.plot) +
                     "': the picture is a PNG, name it so: " + options.plot + ".png");
  }
}

void parse(Options& options, int argc, char** argv) {
  const GOptionEntry entries[] = {
      {"format", 'f', 0, G_OPTION_ARG_STRING, &options.format, "table (the default), json or csv",
       "FORMAT"},
      {"interval", 'i', 0, G_OPTION_ARG_CALLBACK, reinterpret_cast<gpointer>(take_interval),
       "Figures for every so many seconds instead of the whole recording", "SECONDS"},
      {"plot", 'p', 0, G_OPTION_ARG_FILENAME, &options.plot,
       "Also draw waveform, spectrogram, level and SNR over time; of two files side by side",
       "OUT.png"},
      {"station", 's', 0, G_OPTION_ARG_STRING, &options.station,
       "Measure what this station measures, within its limits (default: everything)", "NAME"},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.files, nullptr,
       "FILE [FILE2]"},
      {}};
  g_autoptr(GOptionContext) context = g_option_context_new(nullptr);
  g_option_context_set_summary(context, kSummary);
  GOptionGroup* group = g_option_group_new("measure", "", "", &options, nullptr);
  g_option_group_add_entries(group, entries);
  g_option_context_set_main_group(context, group);
  g_autoptr(GError) error = nullptr;
  if (!g_option_context_parse(context, &argc, &argv, &error)) throw UsageError(error->message);
  check(options);
}

void warn(const std::string& text) { std::fprintf(stderr, "dragoman measure: %s\n", text.c_str()); }

/// What the figures do not tell by themselves.
void warn_of(const Measurement& measurement) {
  char text[128];
  for (const MeasuredFile& file : measurement.files) {
    if (file.broken_off.empty()) continue;
    std::snprintf(text, sizeof text, "was measured up to %.2f s; then it ", file.seconds);
    warn("'" + file.path + "' " + text + file.broken_off);
  }
  for (const MeasuredFile& file : measurement.files) {
    const double rest = file.seconds - measurement.seconds;
    if (rest < kWorthSayingS) continue;
    std::snprintf(text, sizeof text,
                  "is %.2f s longer than the other: measured are the first %.2f s", rest,
                  measurement.seconds);
    warn("'" + file.path + "' " + text + " of both");
  }
}

int run(const Options& options) {
  if (options.plot) {
    if (const auto reason = unwritable_reason(options.plot); !reason.empty()) {
      throw std::runtime_error(reason);
    }
  }
  const GstreamerUse gstreamer;
  std::vector<Recording> recordings;
  for (size_t i = 0; i < options.file_count(); ++i) recordings.emplace_back(options.files[i]);
  std::vector<SoundView> views;
  MeasureOptions how{.interval_s = options.interval};
  if (options.station) how.station = options.station;
  if (options.plot) {
    how.course = true;
    for (const Recording& recording : recordings) views.emplace_back(recording.format());
    how.on_audio = [&](size_t i, std::span<const uint8_t> samples) { views[i].add(samples); };
  }
  const Measurement measurement = measure(recordings, how);
  for (SoundView& view : views) view.finish();
  if (options.plot) write_plot(options.plot, measurement, views);
  const std::string_view format = options.format_name();
  const std::string text = format == "json"  ? figures_json(measurement)
                           : format == "csv" ? figures_csv(measurement)
                                             : figures_table(measurement);
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    throw std::runtime_error(std::string("cannot write the figures: ") + std::strerror(errno));
  }
  warn_of(measurement);
  return kExitOk;
}

}  // namespace

int measure_command(int argc, char** argv) {
  try {
    Options options;
    parse(options, argc, argv);
    return run(options);
  } catch (const UsageError& error) {
    std::fprintf(stderr, "dragoman measure: %s ('dragoman measure --help' tells more)\n",
                 error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    warn(error.what());
    return kExitFailed;
  }
}

}  // namespace dragoman
