// SPDX-License-Identifier: LGPL-2.1-or-later
// PostgreSQL as C++ values: a connection that waits no longer than it is told. One thread.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dragoman {

/// What PostgreSQL or the way to it refused.
class PgError : public std::runtime_error {
 public:
  PgError(std::string sqlstate, const std::string& message, std::string constraint = {})
      : std::runtime_error(message),
        sqlstate_(std::move(sqlstate)),
        constraint_(std::move(constraint)) {}
  /// The five letters of PostgreSQL's appendix A; empty if no server said it.
  const std::string& sqlstate() const { return sqlstate_; }
  /// True for a failure of the rows that were sent: the same rows would fail again.
  bool is_of_data() const;

 private:
  std::string sqlstate_, constraint_;
};

/// The wait was ended by the stop descriptor.
class PgInterrupted : public std::runtime_error {
 public:
  PgInterrupted() : std::runtime_error("interrupted") {}
};

/// Where to connect to. What it does not name comes from libpq's environment (PGHOST, PGUSER, …).
class PgTarget {
 public:
  /// `conninfo` is a connection string or URI of libpq without a password, or empty; `database`, if
  /// not empty, is the name of the database whatever the string says. Throws std::invalid_argument
  /// with what is wrong and the cure.
  PgTarget(const std::string& conninfo, const std::string& database);

  const std::vector<std::pair<std::string, std::string>>& parameters() const { return parameters_; }
  /// What the string or the environment sets; empty if neither does.
  std::string parameter(const std::string& name) const;
  std::string database() const;  ///< as libpq will name it
  std::string user() const;
  std::string host() const;  ///< or the folder of the socket
  /// "monitoring_v2 on db.example.org", for messages.
  std::string name() const { return database() + " on " + host(); }

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

struct PgTimeouts {
  std::chrono::milliseconds connect{10'000};
  std::chrono::milliseconds statement{30'000};
};

/// What a query answered.
class PgRows {
 public:
  explicit PgRows(PGresult* result) : result_(result) {}
  int size() const { return PQntuples(result_.get()); }
  int columns() const { return PQnfields(result_.get()); }
  /// The number of the column's type in pg_type.
  Oid type(int column) const { return PQftype(result_.get(), column); }
  std::string text(int row, int column) const { return PQgetvalue(result_.get(), row, column); }
  bool is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

/// A connection in UTC, with keepalives. Each call throws PgError when the server refuses, does not
/// answer in time or is gone, and PgInterrupted when `stop_fd`, if given, is readable. (The lookup
/// of a host's name is the resolver's and is bounded by its own timeouts.) After a timeout or an
/// interruption the connection is of no use.
class PgConnection {
 public:
  PgConnection(const PgTarget& target, const PgTimeouts& timeouts, int stop_fd = -1);

  /// Runs one or more statements that answer nothing. `timeout`, if given, for each instead of the
  /// usual one.
  void run(const std::string& sql, std::optional<std::chrono::milliseconds> timeout = {});
  /// Runs one statement with its parameters $1, $2, …
  PgRows query(const std::string& sql, const std::vector<std::string>& parameters = {});
  /// Runs `sql`, the last statement of which is COPY … FROM STDIN, with `data` in its text format.
  void copy_in(const std::string& sql, std::string_view data);
  /// Ends a transaction that failed; does not throw.
  void rollback() noexcept;
  /// `text` as a literal with its quotes.
  std::string literal(const std::string& text);

 private:
  using Clock = std::chrono::steady_clock;
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  void connect(const PgTarget& target);
  [[noreturn]] void fail(const PGresult* result = nullptr);
  void check_sent(int sent);
  void begin(std::chrono::milliseconds timeout) { deadline_ = Clock::now() + timeout; }
  void wait(short events);
  void flush();
  PGresult* next_result();
  PgRows finish_results();

  const PgTimeouts timeouts_;
  const int stop_fd_;
  Clock::time_point deadline_;
  std::unique_ptr<PGconn, Finish> connection_;
};

}  // namespace dragoman
