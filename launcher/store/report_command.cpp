// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman report`: the end table of a call or a time range, from the journal.
#include <glib.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

#include "launcher/command.h"
#include "launcher/store/commands.h"
#include "launcher/store/journal.h"
#include "launcher/store/report.h"
#include "launcher/store/time_argument.h"
#include "launcher/util/config.h"

namespace dragoman {
namespace {

constexpr char kSummary[] =
    "Prints what a call came to: utterances, delay, buckets, WAV files, rows. Without a "
    "selection,\n"
    "the last call.\n\n"
    "The delay is from the end of a clause's speech to the first sample of its translation.\n"
    "p50 and p95 are nearest-rank percentiles: the smallest measured delay that at least 50 % (95 "
    "%)\n"
    "of the delays do not exceed.";

struct Options {
  char *config = nullptr, *data = nullptr, *trace = nullptr, *since = nullptr, *until = nullptr,
       *json = nullptr;
  gboolean last = FALSE, utterances = FALSE, both_ways = FALSE;
  ~Options() {
    for (char* text : {config, data, trace, since, until, json}) g_free(text);
  }
};

/// What was asked for cannot be done; what() is for the user.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

void parse(Options& options, int argc, char** argv) {
  const GOptionEntry entries[] = {
      {"data", 'd', 0, G_OPTION_ARG_FILENAME, &options.data,
       "The launcher's data folder, which holds the journal (default: the configuration's)", "DIR"},
      {"config", 'c', 0, G_OPTION_ARG_FILENAME, &options.config,
       "The launcher's configuration (default: as 'dragoman serve')", "FILE"},
      {"trace", 't', 0, G_OPTION_ARG_STRING, &options.trace, "One call, by its trace id", "ID"},
      {"last", 'l', 0, G_OPTION_ARG_NONE, &options.last, "The last call (the default)", nullptr},
      {"since", 0, 0, G_OPTION_ARG_STRING, &options.since,
       "All calls begun at or after TIME, UTC: 2026-03-01, 2026-03-01T12:00:00Z or 24h (ago)",
       "TIME"},
      {"until", 0, 0, G_OPTION_ARG_STRING, &options.until, "All calls begun before TIME", "TIME"},
      {"utterances", 'u', 0, G_OPTION_ARG_NONE, &options.utterances, "List every utterance, too",
       nullptr},
      {"json", 'j', 0, G_OPTION_ARG_FILENAME, &options.json,
       "Also write the report to FILE as JSON; '-': only that, to standard output", "FILE"},
      {"both-ways", 0, 0, G_OPTION_ARG_NONE, &options.both_ways,
       "Exit status 1 unless a translation of each party was heard", nullptr},
      {}};
  g_autoptr(GOptionContext) context = g_option_context_new(nullptr);
  g_option_context_set_summary(context, kSummary);
  g_option_context_add_main_entries(context, entries, nullptr);
  g_autoptr(GError) error = nullptr;
  if (!g_option_context_parse(context, &argc, &argv, &error)) throw UsageError(error->message);
  if (argc > 1) throw UsageError("unexpected '" + std::string(argv[1]) + "'");
  if (!!options.trace + !!options.last + (options.since || options.until) > 1) {
    throw UsageError("--trace, --last and --since/--until exclude each other");
  }
}

std::optional<uint64_t> time_option(const char* name, const char* text) {
  if (!text) return {};
  const std::optional<uint64_t> time = parse_time_argument(text, utc_now());
  if (!time) throw UsageError(std::string(name) + " '" + text + "' is no time: " + kTimeHelp);
  return time;
}

ReportSelection selection_of(const Options& options) {
  ReportSelection selection;
  if (options.trace) {
    selection.kind = ReportSelection::Kind::kTrace;
    selection.trace_id = options.trace;
  } else if (options.since || options.until) {
    selection.kind = ReportSelection::Kind::kRange;
    selection.started_from = time_option("--since", options.since);
    selection.started_to = time_option("--until", options.until);
  }
  return selection;
}

Report read_report(const std::string& path, const Options& options) {
  const ReportSelection selection = selection_of(options);
  if (::access(path.c_str(), F_OK) != 0) {
    throw std::runtime_error("there is no journal at " + path +
                             ": name the folder that 'dragoman serve' has as its data");
  }
  try {
    Database database(path, DatabaseAccess::kReadOnly);
    Report report = make_report(database, selection);
    if (!report.trace_ids.empty()) return report;
  } catch (const DatabaseError& error) {
    throw std::runtime_error("journal '" + path + "': " + error.what());
  }
  throw std::runtime_error(options.trace
                               ? "no call has the trace id '" + std::string(options.trace) +
                                     "': 'dragoman report --since 1970-01-01' lists all"
                               : "the journal at " + path + " has no such call");
}

void write_json(const Report& report, const std::string& file) {
  const std::string text = report_json(report);
  if (file == "-") {
    std::fputs(text.c_str(), stdout);
    return;
  }
  g_autoptr(GError) error = nullptr;
  if (!g_file_set_contents(file.c_str(), text.data(), static_cast<gssize>(text.size()), &error)) {
    throw std::runtime_error(error->message);
  }
}

/// Why not each party was heard in translation; empty if each was.
std::string one_way_reason(const Report& report) {
  for (const std::string& extension : report.extensions) {
    bool heard = false;
    for (const DirectionReport& direction : report.directions) {
      heard |= direction.extension == extension && direction.delay.heard > 0;
    }
    if (!heard) return "nothing that " + extension + " said was heard in translation";
  }
  return report.extensions.size() < 2 ? "the other party never came" : "";
}

std::string data_folder_of(const Options& options) {
  if (options.data) return options.data;
  return Config::load(options.config ? options.config : "", {}).paths.data;
}

int report(const Options& options) {
  const Report report = read_report(journal_path(data_folder_of(options)), options);
  const bool only_json = options.json && std::string(options.json) == "-";
  if (!only_json) std::fputs(report_text(report, options.utterances).c_str(), stdout);
  if (options.json) write_json(report, options.json);
  if (!options.both_ways) return kExitOk;
  const std::string reason = one_way_reason(report);
  if (reason.empty()) return kExitOk;
  std::fprintf(stderr, "dragoman report: %s\n", reason.c_str());
  return kExitFailed;
}

}  // namespace

int report_command(int argc, char** argv) {
  try {
    Options options;
    parse(options, argc, argv);
    return report(options);
  } catch (const UsageError& error) {
    std::fprintf(stderr, "dragoman report: %s ('dragoman report --help' tells more)\n",
                 error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dragoman report: %s\n", error.what());
    return kExitFailed;
  }
}

}  // namespace dragoman
