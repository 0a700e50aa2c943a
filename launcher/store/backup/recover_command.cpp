// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman recover`
#include <glib.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

#include "launcher/command.h"
#include "launcher/store/backup/recover.h"
#include "launcher/store/commands.h"
#include "launcher/store/data_folder_lock.h"
#include "launcher/store/file_owner.h"
#include "launcher/store/journal.h"
#include "launcher/store/mend.h"
#include "launcher/store/open_traces.h"
#include "launcher/util/config.h"

namespace dragoman {
namespace {

constexpr char kSummary[] =
    "Checks every page of the journal. If it is damaged, the file is kept aside as\n"
    "dragoman.db.damaged-TIME, what can be read of it is put into a new journal, and the WAV "
    "files\n"
    "that lost their row get it back. The launcher must not be running; it does the same by "
    "itself\n"
    "at its start.";

class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

Config parse(int argc, char** argv) {
  g_autofree char *config = nullptr, *data = nullptr;
  const GOptionEntry entries[] = {
      {"data", 'd', 0, G_OPTION_ARG_FILENAME, &data,
       "The launcher's data folder (default: the configuration's)", "DIR"},
      {"config", 'c', 0, G_OPTION_ARG_FILENAME, &config,
       "The launcher's configuration (default: as 'dragoman serve')", "FILE"},
      {}};
  g_autoptr(GOptionContext) context = g_option_context_new(nullptr);
  g_option_context_set_summary(context, kSummary);
  g_option_context_add_main_entries(context, entries, nullptr);
  g_autoptr(GError) error = nullptr;
  if (!g_option_context_parse(context, &argc, &argv, &error)) throw UsageError(error->message);
  if (argc != 1) throw UsageError(std::string("unexpected '") + argv[1] + "'");
  std::vector<Config::Override> overrides;
  if (data) overrides.push_back({"paths", "data", data, "option --data"});
  return Config::load(config ? config : "", overrides);
}

void recover(const Config& config) {
  const std::string path = journal_path(config.paths.data);
  become_owner_of(config.paths.data);
  const DataFolderLock lock(config.paths.data);
  if (const std::optional<std::string> damage = find_damage(path)) {
    const std::string aside = set_aside(path);
    std::printf("%s: damaged (%s); it is kept as %s\n", path.c_str(), damage->c_str(),
                aside.c_str());
  }
  const std::vector<std::string> damaged = damaged_journals(path);
  const std::unique_ptr<Journal> journal = Journal::open(path);
  if (damaged.empty()) {
    std::printf("%s: every page is sound\n", path.c_str());
    return;
  }
  const std::atomic<bool> never = false;
  for (const std::string& file : damaged)
    std::printf("%s: %s\n", file.c_str(), salvage_into(file, path, never).text().c_str());
  end_open_traces(path);
  const MendResult mended = mend_segments(config.paths.audio, {}, path, *journal);
  std::printf("%" G_GUINT64_FORMAT " WAV files got their row back; the files of %" G_GUINT64_FORMAT
              " rows are gone\n",
              mended.rows_added, mended.rows_without_file);
}

}  // namespace

int recover_command(int argc, char** argv) {
  try {
    recover(parse(argc, argv));
    return kExitOk;
  } catch (const UsageError& error) {
    std::fprintf(stderr, "dragoman recover: %s ('dragoman recover --help' tells more)\n",
                 error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dragoman recover: %s\n", error.what());
    return kExitFailed;
  }
}

}  // namespace dragoman
