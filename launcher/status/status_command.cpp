// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman status`
#include <glib.h>

#include <cstdio>
#include <stdexcept>

#include "launcher/ari/json.h"
#include "launcher/command.h"
#include "launcher/control/client.h"
#include "launcher/status/commands.h"
#include "launcher/status/status.h"
#include "launcher/util/config.h"

namespace dragoman {
namespace {

constexpr char kRequest[] = R"({"do": "status"})";
constexpr char kSummary[] =
    "Exit status: 0 all is well, 3 something is wrong now, 4 all is well again but rows or audio\n"
    "were lost since the launcher's start, 1 no launcher answers, 2 the command is not understood.";

struct Options {
  char *config = nullptr, *data = nullptr;
  gboolean json = FALSE;
  ~Options() {
    g_free(config);
    g_free(data);
  }
};

/// False, with a message on stderr, if they are not understood.
bool parse(Options& options, int argc, char** argv) {
  const GOptionEntry entries[] = {
      {"json", 0, 0, G_OPTION_ARG_NONE, &options.json, "One JSON object on one line", nullptr},
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &options.data,
       "The launcher's data folder (default: the configuration's)", "DIR"},
      {"config", 'c', 0, G_OPTION_ARG_FILENAME, &options.config,
       "The launcher's configuration (default: as 'dragoman serve')", "FILE"},
      {}};
  g_set_prgname("dragoman status");
  g_autoptr(GOptionContext) context = g_option_context_new("- how the running launcher stands");
  g_option_context_set_summary(context, kSummary);
  g_option_context_add_main_entries(context, entries, nullptr);
  g_autoptr(GError) error = nullptr;
  if (g_option_context_parse(context, &argc, &argv, &error) && argc == 1) return true;
  const std::string what = error ? error->message : std::string("unexpected '") + argv[1] + "'";
  std::fprintf(stderr, "dragoman status: %s ('dragoman status --help' tells more)\n", what.c_str());
  return false;
}

int exit_status_of(JsonObject* status) {
  JsonArray* problems = json::array(json_object_get_member(status, "problems"));
  if (!problems) throw std::runtime_error("the launcher's answer is not understood: is it older?");
  int result = kExitOk;
  for (guint i = 0; i < json_array_get_length(problems); ++i) {
    JsonObject* problem = json::object(json_array_get_element(problems, i));
    if (json::text(problem, "kind") != "loss") return kExitTrouble;
    result = kExitLoss;
  }
  return result;
}

int ask(const Options& options) {
  const std::string folder =
      options.data ? options.data
                   : Config::load(options.config ? options.config : "", {}).paths.data;
  const json::NodePtr answer = ask_launcher(folder, kRequest);
  JsonObject* status = json::member(json::object(answer.get()), "status");
  if (!status) throw std::runtime_error("the launcher's answer is not understood: is it older?");
  if (options.json) {
    JsonNode* node = json_object_get_member(json::object(answer.get()), "status");
    g_autofree char* text = json_to_string(node, FALSE);
    std::printf("%s\n", text);
  } else {
    std::fputs(text_of(status).c_str(), stdout);
  }
  return exit_status_of(status);
}

}  // namespace

int status_command(int argc, char** argv) {
  Options options;
  if (!parse(options, argc, argv)) return kExitUsage;
  try {
    return ask(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dragoman status: %s\n", error.what());
    return kExitFailed;
  }
}

}  // namespace dragoman
