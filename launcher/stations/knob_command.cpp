// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman knob`
#include <glib.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "launcher/command.h"
#include "launcher/control/client.h"
#include "launcher/stations/commands.h"
#include "launcher/util/config.h"
#include "launcher/util/json.h"
#include "launcher/util/log.h"

namespace dragoman {
namespace {

constexpr char kSummary[] =
    "  list               what the knobs stand at, of running calls and of the next ones\n"
    "  set NAME VALUE     turn one, in running calls too\n"
    "  unset NAME         take away what was set there\n\n"
    "Without a selection all calls are meant, these and later ones. A closer setting counts:\n"
    "the call's, then the extension's, the station's, the default, the pipeline file's. What is "
    "set\n"
    "lasts until the call ends or the launcher stops; the configuration's groups [knobs], [knobs "
    "St_3]\nand the keys knob.… of an extension last.";

/// What was asked for cannot be done; what() is for the user.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Options {
  char *config = nullptr, *data = nullptr, *call = nullptr, *station = nullptr,
       *extension = nullptr, *by = nullptr;
  gboolean json = FALSE;
  std::vector<std::string> words;
  ~Options() {
    for (char* text : {config, data, call, station, extension, by}) g_free(text);
  }
};

/// A negative value must not be taken for an option: "-6" goes after "--".
std::vector<char*> protect_negative(int argc, char** argv) {
  static char end_of_options[] = "--";
  std::vector<char*> options, words;
  bool only_words = false;
  for (int i = 1; i < argc; ++i) {
    const char* text = argv[i];
    only_words = only_words || !std::strcmp(text, "--");
    const bool number = text[0] == '-' && (g_ascii_isdigit(text[1]) || text[1] == '.');
    (number || only_words ? words : options).push_back(argv[i]);
  }
  std::vector<char*> all = {argv[0]};
  all.insert(all.end(), options.begin(), options.end());
  if (!words.empty() && std::strcmp(words[0], "--")) all.push_back(end_of_options);
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

void parse(Options& options, int argc, char** argv) {
  const GOptionEntry entries[] = {
      {"call", 0, 0, G_OPTION_ARG_STRING, &options.call, "One running call", "TRACE"},
      {"station", 0, 0, G_OPTION_ARG_STRING, &options.station, "The audio of a station (St_3)",
       "NAME"},
      {"extension", 0, 0, G_OPTION_ARG_STRING, &options.extension, "A party (3333)", "NUMBER"},
      {"by", 0, 0, G_OPTION_ARG_STRING, &options.by, "Who turns it (default: the user)", "WHO"},
      {"json", 'j', 0, G_OPTION_ARG_NONE, &options.json, "The answer as JSON", nullptr},
      {"data", 'd', 0, G_OPTION_ARG_FILENAME, &options.data,
       "The launcher's data folder (default: the configuration's)", "DIR"},
      {"config", 'c', 0, G_OPTION_ARG_FILENAME, &options.config,
       "The launcher's configuration (default: as 'dragoman serve')", "FILE"},
      {}};
  g_autoptr(GOptionContext) context = g_option_context_new("list | set NAME VALUE | unset NAME");
  g_set_prgname("dragoman knob");
  g_option_context_set_summary(context, kSummary);
  g_option_context_add_main_entries(context, entries, nullptr);
  g_autoptr(GError) error = nullptr;
  std::vector<char*> arguments = protect_negative(argc, argv);
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  char** rest = arguments.data();
  if (!g_option_context_parse(context, &count, &rest, &error)) throw UsageError(error->message);
  for (int i = 1; i < count; ++i)
    if (std::strcmp(rest[i], "--")) options.words.push_back(rest[i]);
  const std::vector<std::string>& words = options.words;
  const size_t wanted = words.empty()         ? 0
                        : words[0] == "list"  ? 1
                        : words[0] == "set"   ? 3
                        : words[0] == "unset" ? 2
                                              : 0;
  if (words.empty()) throw UsageError("what to do? list, set NAME VALUE or unset NAME");
  if (!wanted) throw UsageError("unknown '" + words[0] + "': list, set NAME VALUE or unset NAME");
  if (words.size() != wanted)
    throw UsageError(words[0] == "list"  ? "list takes no name; give --call, --station, --extension"
                     : words[0] == "set" ? "write set NAME VALUE"
                                         : "write unset NAME");
}

std::string request_of(const Options& options) {
  std::string line = "{\"do\": " + json_string("knob." + options.words[0]);
  const auto add = [&line](const char* name, const std::string& value) {
    line += ", \"" + std::string(name) + "\": " + json_string(value);
  };
  if (options.words.size() > 1) add("name", options.words[1]);
  if (options.words.size() > 2) add("value", options.words[2]);
  if (options.call) add("call", options.call);
  if (options.station) add("station", options.station);
  if (options.extension) add("extension", options.extension);
  add("by", options.by ? options.by : g_get_user_name());
  return line + "}";
}

/// A member's value for a person: without quotes.
std::string shown(JsonObject* from, const char* name) {
  JsonNode* node = json_object_get_member(from, name);
  if (!node || JSON_NODE_HOLDS_NULL(node)) return "-";
  if (json_node_get_value_type(node) == G_TYPE_STRING)
    return log::printable(json_node_get_string(node));
  g_autofree char* text = json_to_string(node, FALSE);
  return text;
}

std::string range_of(JsonObject* knob) {
  if (shown(knob, "type") == "bool") return "true or false";
  return json_number(json_object_get_double_member(knob, "low")) + " to " +
         json_number(json_object_get_double_member(knob, "high"));
}

using Table = std::vector<std::vector<std::string>>;

/// Columns two spaces apart.
void print(const Table& table) {
  std::vector<int> widths(table[0].size());
  for (const auto& row : table)
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], static_cast<int>(g_utf8_strlen(row[i].c_str(), -1)));
  for (const auto& row : table) {
    for (size_t i = 0; i + 1 < row.size(); ++i) std::printf("%-*s  ", widths[i], row[i].c_str());
    std::printf("%s\n", row.back().c_str());
  }
}

void print_knobs(JsonArray* knobs) {
  Table table = {{"knob", "value", "from", "range", "unit", "extension", "station", "call"}};
  for (guint i = 0; i < json_array_get_length(knobs); ++i) {
    JsonObject* knob = json_array_get_object_element(knobs, i);
    const std::string unit = shown(knob, "unit"), call = shown(knob, "call");
    table.push_back({shown(knob, "name"), shown(knob, "value"), shown(knob, "from"), range_of(knob),
                     unit.empty() ? "-" : unit, shown(knob, "extension"), shown(knob, "station"),
                     call == "-" ? "next" : call});
  }
  print(table);
}

/// The exit status.
int print_changes(const std::string& name, JsonArray* changes) {
  int status = kExitOk;
  if (json_array_get_length(changes) == 0) std::printf("no running call is concerned\n");
  for (guint i = 0; i < json_array_get_length(changes); ++i) {
    JsonObject* change = json_array_get_object_element(changes, i);
    const std::string where =
        shown(change, "extension") + " in call " + shown(change, "call") + ": " + name;
    if (const std::string error = shown(change, "error"); error != "-") {
      std::fprintf(stderr, "dragoman knob: %s stays: %s\n", where.c_str(), error.c_str());
      status = kExitFailed;
    } else {
      std::printf("%s %s → %s\n", where.c_str(), shown(change, "old").c_str(),
                  shown(change, "new").c_str());
    }
  }
  return status;
}

int knob(const Options& options) {
  const std::string folder =
      options.data ? options.data
                   : Config::load(options.config ? options.config : "", {}).paths.data;
  const json::NodePtr node = ask_launcher(folder, request_of(options));
  JsonObject* answer = json::object(node.get());
  const bool list = options.words[0] == "list";
  JsonArray* items = json::array(json_object_get_member(answer, list ? "knobs" : "changes"));
  if (!items) throw std::runtime_error("the launcher's answer is not understood: is it older?");
  if (options.json) {
    g_autofree char* text =
        json_to_string(json_object_get_member(answer, list ? "knobs" : "changes"), FALSE);
    std::printf("%s\n", text);
    return kExitOk;
  }
  if (!list) return print_changes(options.words[1], items);
  print_knobs(items);
  return kExitOk;
}

}  // namespace

int knob_command(int argc, char** argv) {
  try {
    Options options;
    parse(options, argc, argv);
    return knob(options);
  } catch (const UsageError& error) {
    std::fprintf(stderr, "dragoman knob: %s ('dragoman knob --help' tells more)\n", error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dragoman knob: %s\n", error.what());
    return kExitFailed;
  }
}

}  // namespace dragoman
