// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman serve`: the launcher as a program.
#include "launcher/serve.h"

#include <glib.h>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "launcher/app.h"
#include "launcher/command.h"
#include "launcher/store/backup/swap.h"
#include "launcher/util/config.h"
#include "launcher/util/log.h"

namespace dragoman {
namespace {

struct Option {
  const char *name, *group, *key, *value_name, *help;
};

/// Options that stand for a key of the configuration.
constexpr Option kOptions[] = {
    {"ari-url", "ari", "url", "URL", "Asterisk's ARI (http://127.0.0.1:8088/ari)"},
    {"ari-user", "ari", "user", "NAME", "user of ari.conf (dragoman)"},
    {"application", "ari", "application", "NAME", "Stasis application (dragoman)"},
    {"data", "paths", "data", "DIR", "folder of the journal"},
    {"audio", "paths", "audio", "DIR", "folder of the WAV segments"},
    {"pipelines", "paths", "pipelines", "DIR", "folder of the pipeline files"},
    {"memory", "speech", "memory", "FILE", "your own translation memory (TMX)"},
    {"media-address", "media", "address", "ADDRESS", "where Asterisk sends call audio (127.0.0.1)"},
    {"first-port", "media", "first-port", "PORT", "first UDP port of call audio (4000)"},
    {"last-port", "media", "last-port", "PORT", "last UDP port of call audio (4099)"},
    {"workers", "media", "workers", "N", "media worker processes (1)"},
};

struct Arguments {
  std::string config;
  int verbosity = 0;
  std::vector<Config::Override> overrides;
};

gboolean count_verbose(const char*, const char*, gpointer data, GError**) {
  ++static_cast<Arguments*>(data)->verbosity;
  return TRUE;
}

/// Null, with a message on stderr, if they are not understood.
std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  g_autofree char* config = nullptr;
  std::vector<char*> values(G_N_ELEMENTS(kOptions), nullptr);
  std::vector<GOptionEntry> entries = {
      {"config", 0, 0, G_OPTION_ARG_FILENAME, &config, "configuration file", "FILE"},
      {"verbose", 'v', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK,
       reinterpret_cast<gpointer>(count_verbose), "log more; twice: still more", nullptr}};
  for (size_t i = 0; i < values.size(); ++i)
    entries.push_back({kOptions[i].name, 0, 0, G_OPTION_ARG_STRING, &values[i], kOptions[i].help,
                       kOptions[i].value_name});
  entries.push_back({nullptr});

  g_set_prgname("dragoman serve");
  g_autoptr(GOptionContext) context = g_option_context_new("- answer calls and translate them");
  GOptionGroup* group = g_option_group_new("serve", "", "", &arguments, nullptr);
  g_option_group_add_entries(group, entries.data());
  g_option_context_set_main_group(context, group);
  g_option_context_set_description(
      context,
      "The password of the ARI user comes from the environment variable DRAGOMAN_ARI_PASSWORD.\n"
      "Every key of the configuration is described in data/dragoman.conf.");
  g_autoptr(GError) error = nullptr;
  const bool understood = g_option_context_parse(context, &argc, &argv, &error);
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i])
      arguments.overrides.push_back({kOptions[i].group, kOptions[i].key, values[i],
                                     std::string("option --") + kOptions[i].name});
    g_free(values[i]);
  }
  if (config) arguments.config = config;
  if (understood && argc == 1) return arguments;
  std::fprintf(stderr, "dragoman serve: %s; --help tells what there is\n",
               error ? error->message : (std::string("unexpected '") + argv[1] + "'").c_str());
  return std::nullopt;
}

}  // namespace

int serve_command(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(argc, argv);
  if (!arguments) return kExitUsage;
  log::start(arguments->verbosity);
  try {
    Config config = Config::load(arguments->config, arguments->overrides);
    if (undo_interrupted_swap(swap_plan_of(config.paths.data))) {
      log::warning("launcher",
                   "a restore that was interrupted is undone; run 'dragoman restore' again");
      config = Config::load(arguments->config, arguments->overrides);  // it may be another now
    }
    if (config.ari.password.empty())
      throw ConfigError(
          "the environment variable DRAGOMAN_ARI_PASSWORD is not set: put in it the password of "
          "the user '" +
          config.ari.user + "' of Asterisk's ari.conf");
    return run_app(config);
  } catch (const ConfigError& error) {
    log::error("configuration", error.what());
    return kExitFailed;
  } catch (const std::exception& error) {
    log::error("launcher", error.what());
    return kExitFailed;
  }
}

}  // namespace dragoman
