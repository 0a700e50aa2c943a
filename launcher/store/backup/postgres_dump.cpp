// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/postgres_dump.h"

#include <gio/gio.h>

#include <vector>

#include "launcher/store/backup/manifest.h"
#include "launcher/store/pg_schema.h"
#include "launcher/store/ship_sink.h"
#include "launcher/util/log.h"

namespace dragoman {
namespace {

constexpr char kPackage[] = "postgresql-client";

bool is_installed(const char* program) {
  g_autofree char* path = g_find_program_in_path(program);
  return path != nullptr;
}

/// `target` as one connection string, that gives up on a server which is not there.
std::string conninfo(const PgTarget& target) {
  std::string text = "connect_timeout=10 keepalives_idle=10 tcp_user_timeout=30000";
  for (const auto& [name, value] : target.parameters()) {
    if (value.empty()) continue;
    text += " " + name + "='";
    for (const char letter : value) {
      if (letter == '\'' || letter == '\\') text += '\\';
      text += letter;
    }
    text += "'";
  }
  return text;
}

void run(const PgTarget& target, const std::vector<std::string>& arguments) {
  if (!is_installed(arguments[0].c_str()))
    throw BackupError(arguments[0] + " is not installed; install the package " + kPackage);
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  argv.push_back(nullptr);
  g_autoptr(GError) error = nullptr;
  g_autoptr(GSubprocess) process =
      g_subprocess_newv(argv.data(),
                        static_cast<GSubprocessFlags>(G_SUBPROCESS_FLAGS_STDOUT_SILENCE |
                                                      G_SUBPROCESS_FLAGS_STDERR_PIPE),
                        &error);
  g_autofree char* said = nullptr;
  const bool ran =
      process && g_subprocess_communicate_utf8(process, nullptr, nullptr, nullptr, &said, &error);
  if (ran && g_subprocess_get_successful(process)) return;
  const std::string why = !ran ? error->message : said && *said ? said : "it failed";
  throw BackupError("PostgreSQL " + target.name() + ": " + arguments[0] + ": " +
                    log::printable(why, 500) +
                    "; see that the server runs and that the user may read and write there");
}

/// Another program's database is its own affair.
void require_store(const PgTarget& target) {
  try {
    PgConnection connection(target, {});
    if (has_store(connection)) return;
  } catch (const PgError& error) {
    throw BackupError(trouble(target, error));
  }
  throw BackupError("PostgreSQL " + target.name() +
                    ": it has not our tables; see that [store] postgresql and MONITORING_DB name "
                    "the database, 'dragoman serve' makes its tables");
}

}  // namespace

bool has_postgres_programs() { return is_installed("pg_dump") && is_installed("pg_restore"); }

void dump_postgres(const PgTarget& target, const std::string& file) {
  require_store(target);
  run(target, {"pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--no-password",
               "--lock-wait-timeout=60s", "--file=" + file, "--dbname=" + conninfo(target)});
}

int count_postgres_tables(const PgTarget& target) {
  try {
    PgConnection connection(target, {});
    return std::stoi(connection
                         .query("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = "
                                "c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm') AND "
                                "n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'")
                         .text(0, 0));
  } catch (const PgError& error) {
    throw BackupError("PostgreSQL " + target.name() + ": " + error.what() +
                      "; make the database (createdb), or name another with --postgresql=…");
  }
}

void restore_postgres(const PgTarget& target, const std::string& file) {
  run(target,
      {"pg_restore", "--single-transaction", "--exit-on-error", "--clean", "--if-exists",
       "--no-owner", "--no-privileges", "--no-password", "--dbname=" + conninfo(target), file});
}

}  // namespace dragoman
