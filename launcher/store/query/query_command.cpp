// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman query`: the reports an operator asks for, from the journal or from PostgreSQL.
#include <glib.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include "launcher/command.h"
#include "launcher/store/commands.h"
#include "launcher/store/query/reports.h"
#include "launcher/store/time_argument.h"
#include "launcher/util/config.h"
#include "launcher/util/paths.h"
#include "plugins/common/parameters.h"

namespace dragoman {
namespace {

constexpr char kOldStationPrefix[] = "STATION_";  // of the view station_snapshots

/// What was asked for cannot be done; what() is for the user.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Arguments;

struct QueryReport {
  const char *name, *argument, *summary;
  bool has_station;
  ResultTable (*make)(QuerySource& source, const Arguments& arguments);
};

enum class Format { kTable, kJson, kCsv };

struct Arguments {
  const QueryReport* report = nullptr;
  std::string key;  ///< of a parameter, for the report that takes one
  QueryFilter filter;
  Format format = Format::kTable;
  std::string data;
  std::optional<std::string> postgresql;  ///< instead of the journal
};

std::string stations_folder() { return data_folder() + "/stations"; }

constexpr QueryReport kReports[] = {
    {"recent", "", "the latest buckets: level, SNR, network, MOS (20, the last first)", true,
     [](QuerySource& source, const Arguments& arguments) {
       return recent_report(source, arguments.filter);
     }},
    {"calls", "", "by day: calls, minutes, buckets (records), SNR, MOS, delay of the translation",
     true,
     [](QuerySource& source, const Arguments& arguments) {
       return calls_report(source, arguments.filter, utc_now());
     }},
    {"knobs", "", "by settings of the knobs: how often, level and SNR before and after processing",
     true,
     [](QuerySource& source, const Arguments& arguments) {
       return knobs_report(source, arguments.filter);
     }},
    {"stations", "",
     "by station and parameter: mean, range, share outside normal, warning, critical", true,
     [](QuerySource& source, const Arguments& arguments) {
       return stations_report(source, arguments.filter, stations_folder());
     }},
    {"utterances", "", "what was said, its translation, the delay and its parts (the latest 100)",
     false,
     [](QuerySource& source, const Arguments& arguments) {
       return utterances_report(source, arguments.filter);
     }},
    {"parameters", "KEY", "one parameter over time (the latest 100 buckets)", true,
     [](QuerySource& source, const Arguments& arguments) {
       return parameter_report(source, arguments.filter, arguments.key, stations_folder());
     }},
};

struct Texts {
  char *config = nullptr, *data = nullptr, *since = nullptr, *until = nullptr, *station = nullptr,
       *call = nullptr, *extension = nullptr, *limit = nullptr, *format = nullptr,
       *postgresql = nullptr;
  ~Texts() {
    for (char* text :
         {config, data, since, until, station, call, extension, limit, format, postgresql})
      g_free(text);
  }
};

std::string summary() {
  std::string text =
      "Prints a report from the launcher's journal, or from the PostgreSQL it ships to:\n\n";
  for (const QueryReport& report : kReports) {
    char line[160];
    g_snprintf(line, sizeof line, "  %-10s %-4s %s\n", report.name, report.argument,
               report.summary);
    text += line;
  }
  return text +
         "\nTIME is 2026-03-01 or 2026-03-01T12:00:00Z (UTC), or 30m, 24h or 7d (ago). A bucket is "
         "5 s of one\ntap (channel) of a station. Percentiles are nearest-rank.";
}

std::optional<uint64_t> time_of(const char* name, const char* text) {
  if (!text) return {};
  const std::optional<uint64_t> time = parse_time_argument(text, utc_now());
  if (!time) throw UsageError(std::string(name) + " '" + text + "' is no time: " + kTimeHelp);
  return time;
}

std::optional<size_t> limit_of(const char* text) {
  if (!text) return {};
  guint64 limit = 0;
  if (!g_ascii_string_to_unsigned(text, 10, 1, 1'000'000, &limit, nullptr))
    throw UsageError("--limit '" + std::string(text) + "': give a number of rows, 1 to 1000000");
  return limit;
}

Format format_of(const char* text) {
  const std::string_view name = text ? text : "table";
  if (name == "table") return Format::kTable;
  if (name == "json") return Format::kJson;
  if (name == "csv") return Format::kCsv;
  throw UsageError("--format '" + std::string(name) + "': there are table, json and csv");
}

const QueryReport* report_of(const char* name) {
  std::string names;
  for (const QueryReport& report : kReports) {
    if (name && !std::strcmp(name, report.name)) return &report;
    names += (names.empty() ? "" : ", ") + std::string(report.name);
  }
  throw UsageError((name ? "there is no report '" + std::string(name) + "'" : "name a report") +
                   "; there are " + names);
}

std::string key_of(const char* text) {
  if (text && find_parameter(text)) return text;
  throw UsageError((text ? "there is no parameter '" + std::string(text) + "'"
                         : std::string("name a parameter, such as snr_db")) +
                   "; 'dragoman parameters' lists them");
}

std::string station_of(const char* text) {
  const std::string name = text ? text : "";
  return name.starts_with(kOldStationPrefix)
             ? "St_" + name.substr(std::string_view(kOldStationPrefix).size())
             : name;
}

QueryFilter filter_of(const Texts& texts) {
  QueryFilter filter{time_of("--since", texts.since),
                     time_of("--until", texts.until),
                     station_of(texts.station),
                     texts.call ? texts.call : "",
                     texts.extension ? texts.extension : "",
                     limit_of(texts.limit)};
  if (filter.since && filter.until && *filter.since >= *filter.until)
    throw UsageError("--since is not before --until: nothing is between them");
  return filter;
}

Arguments parse(int argc, char** argv) {
  Texts texts;
  const GOptionEntry entries[] = {
      {"since", 's', 0, G_OPTION_ARG_STRING, &texts.since, "What was at or after TIME", "TIME"},
      {"until", 'u', 0, G_OPTION_ARG_STRING, &texts.until, "What was before TIME", "TIME"},
      {"station", 0, 0, G_OPTION_ARG_STRING, &texts.station, "One station", "St_3"},
      {"call", 0, 0, G_OPTION_ARG_STRING, &texts.call, "One call, by its trace id", "TRACE"},
      {"extension", 'e', 0, G_OPTION_ARG_STRING, &texts.extension,
       "Calls in which this extension was; what this extension said", "3333"},
      {"limit", 'n', 0, G_OPTION_ARG_STRING, &texts.limit, "At most so many rows", "N"},
      {"format", 'f', 0, G_OPTION_ARG_STRING, &texts.format, "How to print it (default: table)",
       "table|json|csv"},
      {"data", 'd', 0, G_OPTION_ARG_FILENAME, &texts.data,
       "The launcher's data folder, which holds the journal (default: the configuration's)", "DIR"},
      {"postgresql", 0, 0, G_OPTION_ARG_STRING, &texts.postgresql,
       "Ask this PostgreSQL instead of the journal: host=… user=… (password: PGPASSWORD)",
       "CONNINFO"},
      {"config", 'c', 0, G_OPTION_ARG_FILENAME, &texts.config,
       "The launcher's configuration (default: as 'dragoman serve')", "FILE"},
      {}};
  g_autoptr(GOptionContext) context = g_option_context_new("REPORT [KEY]");
  g_option_context_set_summary(context, summary().c_str());
  g_option_context_add_main_entries(context, entries, nullptr);
  g_autoptr(GError) error = nullptr;
  if (!g_option_context_parse(context, &argc, &argv, &error)) throw UsageError(error->message);
  Arguments arguments;
  arguments.report = report_of(argc > 1 ? argv[1] : nullptr);
  const bool takes_key = *arguments.report->argument;
  if (takes_key) arguments.key = key_of(argc > 2 ? argv[2] : nullptr);
  const int used = takes_key ? 3 : 2;
  if (argc > used) throw UsageError("unexpected '" + std::string(argv[used]) + "'");
  arguments.filter = filter_of(texts);
  if (!arguments.report->has_station && !arguments.filter.station.empty())
    throw UsageError("what was said has no station: choose with --extension or --call");
  arguments.format = format_of(texts.format);
  if (texts.postgresql && texts.data)
    throw UsageError("--data and --postgresql exclude each other");
  if (texts.postgresql) {
    arguments.postgresql = texts.postgresql;
  } else {
    arguments.data =
        texts.data ? texts.data : Config::load(texts.config ? texts.config : "", {}).paths.data;
  }
  return arguments;
}

void print(const ResultTable& table, Format format) {
  const auto make = format == Format::kTable  ? result_text
                    : format == Format::kJson ? result_json
                                              : result_csv;
  std::fputs(make(table).c_str(), stdout);
  if (table.rows.empty() && format != Format::kTable)
    std::fprintf(stderr, "dragoman query: %s\n", table.if_empty.c_str());
  if (table.more)
    std::fprintf(stderr, "dragoman query: %zu rows are shown, there are more: --limit N\n",
                 table.rows.size());
}

std::unique_ptr<QuerySource> open_source(const Arguments& arguments) {
  if (!arguments.postgresql) return open_journal_source(arguments.data);
  try {
    return open_postgres_source(*arguments.postgresql);
  } catch (const std::invalid_argument& error) {
    throw UsageError("--postgresql: " + std::string(error.what()));
  }
}

}  // namespace

int query_command(int argc, char** argv) {
  try {
    const Arguments arguments = parse(argc, argv);
    const auto source = open_source(arguments);
    print(arguments.report->make(*source, arguments), arguments.format);
    return kExitOk;
  } catch (const UsageError& error) {
    std::fprintf(stderr, "dragoman query: %s ('dragoman query --help' tells more)\n", error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dragoman query: %s\n", error.what());
    return kExitFailed;
  }
}

}  // namespace dragoman
