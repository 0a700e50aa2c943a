// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman restore`
#include <glib.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "launcher/command.h"
#include "launcher/store/backup/restore.h"
#include "launcher/store/commands.h"

namespace dragoman {
namespace {

constexpr char kSummary[] =
    "Brings back what 'dragoman backup' wrote to FILE, all of it or nothing. The whole file is\n"
    "checked first; the launcher must not be running. What is replaced is kept aside as\n"
    "NAME.before-restore-TIME; remove it when all is well.";

struct Options {
  char *config = nullptr, *data = nullptr;
  gboolean dry_run = FALSE, replace_postgresql = FALSE;
  RestoreOptions restore;
  ~Options() {
    g_free(config);
    g_free(data);
  }
};

class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

gboolean ask_for_postgresql(const char*, const char* conninfo, gpointer data, GError**) {
  auto* options = static_cast<RestoreOptions*>(data);
  options->postgresql = true;
  options->postgresql_conninfo = conninfo ? conninfo : "";
  return TRUE;
}

void parse(Options& options, int argc, char** argv) {
  const GOptionEntry entries[] = {
      {"data", 'd', 0, G_OPTION_ARG_FILENAME, &options.data,
       "The data folder to replace (default: the restored configuration's)", "DIR"},
      {"config", 'c', 0, G_OPTION_ARG_FILENAME, &options.config,
       "Where the configuration goes (default: /etc/dragoman/dragoman.conf)", "FILE"},
      {"postgresql", 'p', G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK,
       reinterpret_cast<gpointer>(ask_for_postgresql),
       "PostgreSQL, too, if it is in the backup (default: the restored configuration's)",
       "CONNECTION"},
      {"replace-postgresql", 0, 0, G_OPTION_ARG_NONE, &options.replace_postgresql,
       "Replace its tables if it has some", nullptr},
      {"dry-run", 'n', 0, G_OPTION_ARG_NONE, &options.dry_run,
       "Check the backup and tell what would be replaced, and replace nothing", nullptr},
      {}};
  g_autoptr(GOptionContext) context = g_option_context_new("FILE");
  g_option_context_set_summary(context, kSummary);
  GOptionGroup* group = g_option_group_new("restore", "", "", &options.restore, nullptr);
  g_option_group_add_entries(group, entries);
  g_option_context_set_main_group(context, group);
  g_autoptr(GError) error = nullptr;
  if (!g_option_context_parse(context, &argc, &argv, &error)) throw UsageError(error->message);
  if (argc != 2) throw UsageError("name one backup");
  options.restore.file = argv[1];
  options.restore.config_file = options.config ? options.config : "";
  options.restore.data = options.data ? options.data : "";
  options.restore.replace_postgresql = options.replace_postgresql != FALSE;
  options.restore.dry_run = options.dry_run != FALSE;
  options.restore.now_s = g_get_real_time() / G_USEC_PER_SEC;
}

void print(const RestoreResult& result, const RestoreOptions& options) {
  const char* would = options.dry_run ? "would be " : "";
  if (result.undone) std::printf("an earlier restore that was interrupted is undone\n");
  std::printf("%s: of %s, made by dragoman %s on %s, %zu files, all right\n", options.file.c_str(),
              result.manifest.header.created.c_str(), result.manifest.header.program.c_str(),
              result.manifest.header.host.c_str(), result.manifest.count());
  for (const std::string& path : result.written)
    std::printf("  %s %srestored\n", path.c_str(), would);
  if (result.unchanged) std::printf("  %zu files are the same already\n", result.unchanged);
  if (result.migrated_to)
    std::printf("  the journal's schema is brought from version %" G_GINT64_FORMAT
                " to %" G_GINT64_FORMAT "\n",
                result.manifest.header.schema, result.migrated_to);
  if (result.postgresql)
    std::printf("  PostgreSQL %srestored\n", would);
  else if (result.manifest.find(kPostgresEntry))
    std::printf("  PostgreSQL is in the backup, too; --postgresql restores it\n");
  if (result.audio_stays) std::printf("  the WAV segments are not in the backup and stay\n");
  for (const auto& [path, aside] : result.aside)
    std::printf("  what was %s %skept as %s\n", path.c_str(), options.dry_run ? would : "is ",
                aside.c_str());
}

}  // namespace

int restore_command(int argc, char** argv) {
  try {
    Options options;
    parse(options, argc, argv);
    print(restore(options.restore), options.restore);
    return kExitOk;
  } catch (const UsageError& error) {
    std::fprintf(stderr, "dragoman restore: %s ('dragoman restore --help' tells more)\n",
                 error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dragoman restore: %s\n", error.what());
    return kExitFailed;
  }
}

}  // namespace dragoman
