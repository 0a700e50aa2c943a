// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman maintain`
#include <glib.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include "launcher/command.h"
#include "launcher/store/commands.h"
#include "launcher/store/file_owner.h"
#include "launcher/store/maintain/maintain.h"
#include "launcher/store/time_argument.h"

namespace dragoman {
namespace {

constexpr char kSummary[] =
    "Looks after the store, also while the launcher runs and as often as you like:\n\n"
    "  daily    journal's quick check, write-ahead log, statistics, logs, disk, retention, "
    "here and\n"
    "           in PostgreSQL, orphans, the figures of the day before\n"
    "  weekly   journal's full check, indexes, unused pages back to the disk, newest backup\n"
    "  monthly  summary of the month, old reports, PostgreSQL's VACUUM ANALYZE\n\n"
    "Prints what each step did. Exit status 1 if a check did not hold. data/systemd has timers.";

constexpr char kBackups[] = "/var/backups/dragoman", kBackupsVariable[] = "DRAGOMAN_BACKUPS";
constexpr int kNice = 10;  // a call goes first

class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Texts {
  char *config = nullptr, *data = nullptr, *backups = nullptr, *postgresql = nullptr;
  ~Texts() {
    for (char* text : {config, data, backups, postgresql}) g_free(text);
  }
};

struct Arguments {
  std::string name;
  MaintainPeriod period = MaintainPeriod::kDaily;
  MaintainOptions options;
  bool dry_run = false;
};

MaintainPeriod period_of(std::string_view name) {
  if (name == "daily") return MaintainPeriod::kDaily;
  if (name == "weekly") return MaintainPeriod::kWeekly;
  if (name == "monthly") return MaintainPeriod::kMonthly;
  throw UsageError("'" + std::string(name) + "': there are daily, weekly and monthly");
}

MaintainOptions options_of(const Texts& texts) {
  std::vector<Config::Override> overrides;
  if (texts.data) overrides.push_back({"paths", "data", texts.data, "option --data"});
  const char* backups = std::getenv(kBackupsVariable);
  MaintainOptions options{
      .config = Config::load(Config::file_in_use(texts.config ? texts.config : ""), overrides),
      .backups = texts.backups         ? texts.backups
                 : backups && *backups ? backups
                                       : kBackups,
      .now = utc_now()};
  if (texts.postgresql)
    options.postgresql = texts.postgresql;
  else if (options.config.store.ships())
    options.postgresql = options.config.store.postgresql;
  return options;
}

Arguments parse(int argc, char** argv) {
  Texts texts;
  gboolean dry_run = FALSE;
  const GOptionEntry entries[] = {
      {"dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run, "Check, but change nothing", nullptr},
      {"data", 'd', 0, G_OPTION_ARG_FILENAME, &texts.data,
       "The launcher's data folder (default: the configuration's)", "DIR"},
      {"backups", 'b', 0, G_OPTION_ARG_FILENAME, &texts.backups,
       "Where 'dragoman backup' writes (default: $DRAGOMAN_BACKUPS, /var/backups/dragoman)", "DIR"},
      {"postgresql", 0, 0, G_OPTION_ARG_STRING, &texts.postgresql,
       "The PostgreSQL that is shipped to: host=… user=… (password: PGPASSWORD)", "CONNINFO"},
      {"config", 'c', 0, G_OPTION_ARG_FILENAME, &texts.config,
       "The launcher's configuration (default: as 'dragoman serve')", "FILE"},
      {}};
  g_autoptr(GOptionContext) context = g_option_context_new("daily|weekly|monthly");
  g_option_context_set_summary(context, kSummary);
  g_option_context_add_main_entries(context, entries, nullptr);
  g_autoptr(GError) error = nullptr;
  if (!g_option_context_parse(context, &argc, &argv, &error)) throw UsageError(error->message);
  if (argc < 2) throw UsageError("say which: daily, weekly or monthly");
  if (argc > 2) throw UsageError("unexpected '" + std::string(argv[2]) + "'");
  return {argv[1], period_of(argv[1]), options_of(texts), dry_run != FALSE};
}

void tell(const MaintainStep& step, const StepReport& report) {
  constexpr const char* kWords[] = {"ok", "not done", "FAILED"};
  std::printf("  %-16s %-9s %.2f s  %s\n", step.name, kWords[static_cast<int>(report.outcome)],
              report.took.count(), report.text.c_str());
  std::fflush(stdout);
}

}  // namespace

int maintain_command(int argc, char** argv) {
  try {
    const Arguments arguments = parse(argc, argv);
    const std::string& data = arguments.options.config.paths.data;
    ::setpriority(PRIO_PROCESS, 0, kNice);
    become_owner_of(data);
    const MaintainLock lock(data);
    std::printf("%s maintenance of %s%s\n", arguments.name.c_str(), data.c_str(),
                arguments.dry_run ? " (nothing is changed)" : "");
    return run_steps(steps_of(arguments.period), arguments.options, arguments.dry_run, tell)
               ? kExitOk
               : kExitFailed;
  } catch (const UsageError& error) {
    std::fprintf(stderr, "dragoman maintain: %s ('dragoman maintain --help' tells more)\n",
                 error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dragoman maintain: %s\n", error.what());
    return kExitFailed;
  }
}

}  // namespace dragoman
