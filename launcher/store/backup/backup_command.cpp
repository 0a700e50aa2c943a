// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman backup`
#include <glib.h>
#include <sys/resource.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "launcher/command.h"
#include "launcher/store/backup/backup.h"
#include "launcher/store/backup/manifest.h"
#include "launcher/store/commands.h"
#include "launcher/util/config.h"

namespace dragoman {
namespace {

constexpr char kSummary[] =
    "Writes DIR/dragoman-YYYYMMDDTHHMMSSZ.tar.zst, also while the launcher runs: the journal as "
    "it\n"
    "is at one instant, the configuration, the pipelines and stations in use, and what the\n"
    "configuration names, and PostgreSQL if rows are shipped to one. It is read back and checked "
    "before it gets its name. Secrets are never\n"
    "in it: they are in the environment, and the environment is not saved.\n"
    "'dragoman restore' brings it back.";

// A call goes first.
constexpr int kNice = 10;

struct Options {
  char *config = nullptr, *data = nullptr;
  gboolean audio = FALSE;
  int keep_days = 30;
  std::string directory;
  ~Options() {
    g_free(config);
    g_free(data);
  }
};

class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

void parse(Options& options, int argc, char** argv) {
  const GOptionEntry entries[] = {
      {"audio", 'a', 0, G_OPTION_ARG_NONE, &options.audio, "The WAV segments, too", nullptr},
      {"config", 'c', 0, G_OPTION_ARG_FILENAME, &options.config,
       "The launcher's configuration (default: as 'dragoman serve')", "FILE"},
      {"data", 'd', 0, G_OPTION_ARG_FILENAME, &options.data,
       "The launcher's data folder (default: the configuration's)", "DIR"},
      {"keep-days", 0, 0, G_OPTION_ARG_INT, &options.keep_days,
       "Remove older backups from DIR, but never the newest (default: 30)", "N"},
      {}};
  g_autoptr(GOptionContext) context = g_option_context_new("DIR");
  g_option_context_set_summary(context, kSummary);
  g_option_context_add_main_entries(context, entries, nullptr);
  g_autoptr(GError) error = nullptr;
  if (!g_option_context_parse(context, &argc, &argv, &error)) throw UsageError(error->message);
  if (argc != 2) throw UsageError("name one folder for the backup");
  if (options.keep_days < 1) throw UsageError("--keep-days takes a number from 1");
  options.directory = std::filesystem::absolute(argv[1]).lexically_normal().string();
}

void print(const BackupResult& result, int keep_days) {
  g_autofree char* bytes = g_format_size(result.bytes);
  g_autofree char* archive_bytes = g_format_size(result.archive_bytes);
  std::printf("%s: %zu files, %s, packed %s, read back and right, %.1f s\n", result.path.c_str(),
              result.files, bytes, archive_bytes, result.seconds);
  for (const std::string& note : result.notes) std::printf("  %s\n", note.c_str());
  if (result.cleaned)
    std::printf("  %d half-made backups that were left behind are removed\n", result.cleaned);
  for (const std::string& name : result.pruned)
    std::printf("  %s is older than %d days and removed\n", name.c_str(), keep_days);
}

}  // namespace

int backup_command(int argc, char** argv) {
  try {
    Options options;
    parse(options, argc, argv);
    ::setpriority(PRIO_PROCESS, 0, kNice);
    const std::string file = Config::file_in_use(options.config ? options.config : "");
    std::vector<Config::Override> overrides;
    if (options.data) overrides.push_back({"paths", "data", options.data, "option --data"});
    const Config config = Config::load(file, overrides);
    const BackupResult result = back_up({.config = config,
                                         .config_file = file,
                                         .directory = options.directory,
                                         .audio = options.audio != FALSE,
                                         .keep_days = options.keep_days,
                                         .now_s = g_get_real_time() / G_USEC_PER_SEC});
    print(result, options.keep_days);
    if (!result.incomplete) return kExitOk;
    std::fprintf(stderr, "dragoman backup: made without PostgreSQL\n");
    return kExitFailed;
  } catch (const UsageError& error) {
    std::fprintf(stderr, "dragoman backup: %s ('dragoman backup --help' tells more)\n",
                 error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dragoman backup: %s\n", error.what());
    return kExitFailed;
  }
}

}  // namespace dragoman
