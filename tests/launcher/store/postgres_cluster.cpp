// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/launcher/store/postgres_cluster.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <vector>

namespace dragoman {
namespace {

using Clock = std::chrono::steady_clock;

/// The folder of PostgreSQL's programs, of the newest version there is; empty if none.
std::string programs() {
  std::string newest;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/usr/lib/postgresql", error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string folder = entry->path().string() + "/bin";
    if (::access((folder + "/initdb").c_str(), X_OK) == 0) newest = std::max(newest, folder);
  }
  return newest;
}

/// Whom to run as: root may not.
const passwd* unprivileged() {
  if (::geteuid() != 0) return ::getpwuid(::geteuid());
  const passwd* user = ::getpwnam("postgres");
  return user ? user : ::getpwnam("nobody");
}

/// Forks and becomes `arguments` as the unprivileged user, its output in `log`.
pid_t spawn(const std::vector<std::string>& arguments, const std::string& log) {
  const passwd* user = unprivileged();
  const pid_t child = ::fork();
  if (child != 0) return child;
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  if (::geteuid() == 0 &&
      (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0))
    std::_Exit(1);
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // a test that dies leaves nothing behind
  ::unsetenv("LD_PRELOAD");
  std::vector<char*> argv;
  for (const std::string& each : arguments) argv.push_back(const_cast<char*>(each.c_str()));
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  std::_Exit(127);
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

bool eventually(const std::function<bool()>& condition, int seconds) {
  const Clock::time_point end = Clock::now() + std::chrono::seconds(seconds);
  for (;;) {
    if (condition()) return true;
    if (Clock::now() >= end) return false;
    ::poll(nullptr, 0, 10);
  }
}

std::optional<std::string> PostgresCluster::missing() {
  if (programs().empty()) return "no PostgreSQL in /usr/lib/postgresql; install postgresql";
  if (!unprivileged()) return "no user postgres or nobody to run PostgreSQL as";
  return {};
}

PostgresCluster::PostgresCluster(const Options& options)
    : options_(options), folder_(options.folder.empty() ? temporary_.path() : options.folder) {
  if (::geteuid() == 0) {
    const passwd* user = unprivileged();
    EXPECT_EQ(::chown(folder_.c_str(), user->pw_uid, user->pw_gid), 0) << folder_;
  }
  ::chmod(folder_.c_str(), 0755);
  run_initdb();
  start();
}

PostgresCluster::~PostgresCluster() { kill(); }

void PostgresCluster::run_initdb() {
  const std::string password = folder_ + "/password";
  std::ofstream(password) << kPassword << "\n";
  const pid_t child =
      spawn({programs() + "/initdb", "-D", folder_ + "/data", "-U", kUser, "--no-sync",
             "--locale=C.UTF-8", "--encoding=UTF8", "--wal-segsize=1", "--pwfile=" + password, "-A",
             options_.password ? "scram-sha-256" : "trust"},
            folder_ + "/log");
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << text_of(folder_ + "/log");
}

pid_t PostgresCluster::launch() {
  return spawn({programs() + "/postgres",
                "-D",
                folder_ + "/data",
                "-c",
                "listen_addresses=",
                "-c",
                "unix_socket_directories=" + folder_,
                "-c",
                "fsync=off",
                "-c",
                "shared_buffers=16MB",
                "-c",
                "max_connections=20",
                "-c",
                "autovacuum=off",
                "-c",
                "min_wal_size=2MB",
                "-c",
                "max_wal_size=8MB",
                "-c",
                "lc_messages=C"},
               folder_ + "/log");
}

bool PostgresCluster::is_running() {
  if (postmaster_ > 0 && ::waitpid(postmaster_, nullptr, WNOHANG) == postmaster_) postmaster_ = -1;
  return postmaster_ > 0;
}

void PostgresCluster::start() {
  const std::string ping = conninfo("postgres");
  // After a kill the server refuses to start until the last of its processes is gone.
  const bool up = eventually(
      [&] {
        if (!is_running()) postmaster_ = launch();
        return PQping(ping.c_str()) == PQPING_OK;
      },
      60);
  EXPECT_TRUE(up) << text_of(folder_ + "/log");
}

void PostgresCluster::kill() {
  if (!is_running()) return;
  ::kill(postmaster_, SIGKILL);
  ::waitpid(postmaster_, nullptr, 0);
  postmaster_ = -1;
}

std::string PostgresCluster::conninfo(const std::string& database) const {
  return "host=" + folder_ + " user=" + kUser + " dbname=" + database;
}

void PostgresCluster::make_database(const std::string& database) {
  run("DROP DATABASE IF EXISTS " + database + " WITH (FORCE)", "postgres");
  run("CREATE DATABASE " + database, "postgres");
}

std::string PostgresCluster::ask(const std::string& sql, const std::string& database) const {
  PgConnection connection(PgTarget(conninfo(database), ""), {});
  const PgRows rows = connection.query(sql);
  if (rows.size() == 0) return "no row";
  return rows.is_null(0, 0) ? "null" : rows.text(0, 0);
}

void PostgresCluster::run(const std::string& sql, const std::string& database) const {
  PgConnection(PgTarget(conninfo(database), ""), {}).run(sql);
}

}  // namespace dragoman
