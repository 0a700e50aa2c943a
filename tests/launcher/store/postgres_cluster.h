// SPDX-License-Identifier: LGPL-2.1-or-later
// A real PostgreSQL of a test's own: a temporary cluster on a socket in its folder, no TCP.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "launcher/store/pg_connection.h"
#include "tests/launcher/store/store_fixture.h"

namespace dragoman {

/// True as soon as `condition` is; false after `seconds`.
bool eventually(const std::function<bool()>& condition, int seconds = 30);

/// Runs initdb and postgres as an unprivileged user (root may not) and ends them by their ids.
/// What fails is told by a failure of the test.
class PostgresCluster {
 public:
  struct Options {
    bool password = false;  ///< scram-sha-256 for all, kPassword; else anyone is trusted
    std::string folder;     ///< made by the test, for instance on a small disk; empty: a new one
  };
  static constexpr char kUser[] = "dragoman";
  static constexpr char kPassword[] = "a good password";

  /// Why there can be no cluster here, if so.
  static std::optional<std::string> missing();

  PostgresCluster() : PostgresCluster(Options{}) {}
  explicit PostgresCluster(const Options& options);
  ~PostgresCluster();
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;

  void start();  ///< until it answers
  void kill();   ///< kill -9
  bool is_running();

  std::string conninfo(const std::string& database = "monitoring_v2") const;
  /// Makes a database, deleting one of that name.
  void make_database(const std::string& database = "monitoring_v2");
  /// The first column of the first row, as text; "null" for NULL.
  std::string ask(const std::string& sql, const std::string& database = "monitoring_v2") const;
  void run(const std::string& sql, const std::string& database = "monitoring_v2") const;

 private:
  void run_initdb();
  pid_t launch();

  const Options options_;
  TempFolder temporary_;
  const std::string folder_;
  pid_t postmaster_ = -1;
};

}  // namespace dragoman
