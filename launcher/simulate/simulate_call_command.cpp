// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman simulate-call`: a whole call without a phone system.
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "launcher/command.h"
#include "launcher/simulate/audio_files.h"
#include "launcher/simulate/commands.h"
#include "launcher/simulate/simulated_call.h"
#include "launcher/util/paths.h"

namespace dragoman {
namespace {

constexpr char kSummary[] =
    "Starts a launcher and a stand-in for Asterisk on free ports of loopback, calls EXTENSION and\n"
    "its partner with real RTP, says FILE to EXTENSION, waits until all of it was heard in\n"
    "translation, and hangs up. Each utterance is printed as it happens, at the end a table.\n"
    "Exit status 0 only if a translation was heard.";

constexpr int kExitInterrupted = 128 + SIGINT;

struct Options {
  char *speech = nullptr, *partner_speech = nullptr, *heard = nullptr, *caller_heard = nullptr,
       *config = nullptr, *keep = nullptr;
  gboolean json = FALSE;
  std::string extension;
  ~Options() {
    for (char* text : {speech, partner_speech, heard, caller_heard, config, keep}) g_free(text);
  }
};

class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What stands before the call itself failed; what() is for the user.
class StartError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

void parse(Options& options, int argc, char** argv) {
  const GOptionEntry entries[] = {
      {"speech", 's', 0, G_OPTION_ARG_FILENAME, &options.speech,
       "What the caller says: any audio file", "FILE"},
      {"partner-speech", 'p', 0, G_OPTION_ARG_FILENAME, &options.partner_speech,
       "What the partner says (default: nothing)", "FILE"},
      {"heard", 'o', 0, G_OPTION_ARG_FILENAME, &options.heard,
       "Write what the partner heard, from pick-up to hang-up", "OUT.wav"},
      {"caller-heard", 0, 0, G_OPTION_ARG_FILENAME, &options.caller_heard,
       "Write what the caller heard", "OUT.wav"},
      {"json", 'j', 0, G_OPTION_ARG_NONE, &options.json, "One JSON object a line", nullptr},
      {"config", 'c', 0, G_OPTION_ARG_FILENAME, &options.config,
       "The launcher's configuration (default: as 'dragoman serve')", "FILE"},
      {"keep", 'k', 0, G_OPTION_ARG_FILENAME, &options.keep,
       "Keep the journal, the WAV files and the log in DIR", "DIR"},
      {}};
  g_autoptr(GOptionContext) context = g_option_context_new("EXTENSION");
  g_option_context_set_summary(context, kSummary);
  g_option_context_add_main_entries(context, entries, nullptr);
  g_autoptr(GError) error = nullptr;
  if (!g_option_context_parse(context, &argc, &argv, &error)) throw UsageError(error->message);
  if (argc != 2) throw UsageError("name one extension to call, such as 3333");
  if (!options.speech) throw UsageError("name what the caller says with --speech FILE");
  options.extension = argv[1];
}

/// The caller's route, if it is there and has a partner that is there.
const Route& find_route(const Config& config, const std::string& extension) {
  const auto found = config.routes.find(extension);
  if (found == config.routes.end()) {
    std::string known;
    for (const auto& [name, route] : config.routes) known += (known.empty() ? "" : ", ") + name;
    throw StartError("extension '" + extension + "' is not in the configuration, which has " +
                     (known.empty() ? "none" : known));
  }
  const Route& route = found->second;
  if (route.partner.empty() || !config.routes.contains(route.partner)) {
    throw StartError("extension " + extension +
                     " has no partner in the configuration, so nobody would hear the translation:"
                     " add 'partner = …' to [extension " +
                     extension + "]");
  }
  return route;
}

/// The launcher's data: the folder to keep, or one that is gone at the end.
class DataFolder {
 public:
  explicit DataFolder(const char* keep) : temporary_(!keep) {
    g_autoptr(GError) error = nullptr;
    if (keep) {
      path_ = std::filesystem::absolute(keep).string();
      if (g_mkdir_with_parents(keep, 0750) != 0 || ::access(keep, W_OK) != 0) {
        throw StartError(path_ + ": " + g_strerror(errno) + ": name a folder that can be written");
      }
      return;
    }
    g_autofree char* made = g_dir_make_tmp("dragoman-call-XXXXXX", &error);
    if (!made) throw StartError(error->message);
    path_ = made;
  }
  ~DataFolder() {
    std::error_code ignored;
    if (temporary_) std::filesystem::remove_all(path_, ignored);
  }
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  const bool temporary_;
  std::string path_;
};

gboolean on_signal(gpointer data) {
  auto* call = static_cast<SimulatedCall*>(data);
  if (call->is_interrupted()) call->kill();  // the second time, at once
  call->interrupt();
  return G_SOURCE_CONTINUE;
}

/// Ends the call at Ctrl-C, for as long as it lives.
class SignalWatch {
 public:
  explicit SignalWatch(SimulatedCall& call) {
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
      sources_.push_back(g_unix_signal_add(number, on_signal, &call));
    }
  }
  ~SignalWatch() {
    for (const guint source : sources_) g_source_remove(source);
  }

 private:
  std::vector<guint> sources_;
};

int make_call(const Options& options) {
  const std::string config_file =
      options.config ? std::filesystem::absolute(options.config).string() : "";
  const Config config = Config::load(config_file, {});
  const Route& route = find_route(config, options.extension);
  SimulatedCallOptions call_options{.program = executable_path(),
                                    .config_file = config_file,
                                    .folder = {},
                                    .extension = route.extension,
                                    .partner = route.partner,
                                    .speech = read_speech(options.speech),
                                    .partner_speech = {}};
  if (options.partner_speech) call_options.partner_speech = read_speech(options.partner_speech);
  const DataFolder folder(options.keep);
  call_options.folder = folder.path();
  const auto output = options.json ? make_simulate_json_output() : make_simulate_text_output();
  SimulatedCall call(std::move(call_options), config, *output);
  const SignalWatch signals(call);
  const std::optional<std::string> failure = call.run();
  if (options.heard) write_heard(options.heard, call.heard_by_partner());
  if (options.caller_heard) write_heard(options.caller_heard, call.heard_by_caller());
  const char* reason = call.is_interrupted() ? "interrupted" : failure ? "error" : "eos";
  output->end(reason, failure.value_or(""), call.report());
  if (call.is_interrupted()) return kExitInterrupted;
  return failure ? kExitFailed : kExitOk;
}

}  // namespace

int simulate_call_command(int argc, char** argv) {
  try {
    Options options;
    parse(options, argc, argv);
    gst_init(nullptr, nullptr);
    return make_call(options);
  } catch (const UsageError& error) {
    std::fprintf(stderr,
                 "dragoman simulate-call: %s ('dragoman simulate-call --help' tells more)\n",
                 error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dragoman simulate-call: %s\n", error.what());
    return kExitFailed;
  }
}

}  // namespace dragoman
