// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/pg_connection.h"

#include <glib.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <regex>

namespace dragoman {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

/// Time for the server's own timeout to arrive before ours cuts the connection.
constexpr std::chrono::seconds kGrace{5};

/// One line: libpq's messages have several, the last of them often a repetition.
std::string one_line(std::string text) {
  text = text.substr(0, text.find("\nLOCATION:"));
  while (!text.empty() && g_ascii_isspace(text.back())) text.pop_back();
  for (char& c : text)
    if (g_ascii_iscntrl(c)) c = ' ';
  return text;
}

/// The error of a connection that was not made. Only in the verbose form does libpq tell its code.
PgError connect_error(const std::string& text) {
  static const std::regex coded(R"(([A-Z]+):  ([0-9A-Z]{5}): )");
  std::smatch match;
  if (!std::regex_search(text, match, coded)) return PgError("", one_line(text));
  return PgError(match[2],
                 one_line(match.prefix().str() + match[1].str() + ": " + match.suffix().str()));
}

}  // namespace

bool PgError::is_of_data() const {
  // Data exception; a row larger than PostgreSQL takes. Of the integrity constraints only those
  // that the row itself breaks: a missing partition or referenced row is for the operator to add.
  return sqlstate_.starts_with("22") || sqlstate_ == "54000" || sqlstate_ == "23502" ||
         (sqlstate_ == "23514" && !constraint_.empty());
}

PgTarget::PgTarget(const std::string& conninfo, const std::string& database) {
  char* message = nullptr;
  const Options options(PQconninfoParse(conninfo.c_str(), &message));
  if (!options) {
    // libpq's message may quote the string, and that may hold a password.
    PQfreemem(message);
    throw std::invalid_argument(
        "not a connection string; write dbname=monitoring_v2 host=… user=…, or "
        "postgresql://USER@HOST/monitoring_v2");
  }
  for (const PQconninfoOption* option = options.get(); option->keyword; ++option) {
    if (!option->val || !*option->val) continue;
    if (!std::strcmp(option->keyword, "password") || !std::strcmp(option->keyword, "sslpassword")) {
      throw std::invalid_argument(
          "a password does not belong here; put it in the environment variable PGPASSWORD or in "
          "~/.pgpass and remove it");
    }
    parameters_.emplace_back(option->keyword, option->val);
  }
  if (database.empty()) return;
  std::erase_if(parameters_, [](const auto& each) { return each.first == "dbname"; });
  parameters_.emplace_back("dbname", database);
}

std::string PgTarget::parameter(const std::string& name) const {
  for (const auto& [keyword, value] : parameters_)
    if (keyword == name) return value;
  const Options defaults(PQconndefaults());
  for (const PQconninfoOption* option = defaults.get(); option && option->keyword; ++option)
    if (name == option->keyword && option->val) return option->val;
  return {};
}

std::string PgTarget::user() const {
  const std::string user = parameter("user");
  return user.empty() ? g_get_user_name() : user;
}

std::string PgTarget::database() const {
  const std::string name = parameter("dbname");
  return name.empty() ? user() : name;
}

std::string PgTarget::host() const {
  for (const char* name : {"host", "hostaddr"})
    if (const std::string host = parameter(name); !host.empty()) return host;
  return "the local socket";
}

PgConnection::PgConnection(const PgTarget& target, const PgTimeouts& timeouts, int stop_fd)
    : timeouts_(timeouts), stop_fd_(stop_fd) {
  connect(target);
  const std::string limit = std::to_string(timeouts.statement.count());
  run("SET TimeZone = 'UTC'; SET client_encoding = 'UTF8'; SET client_min_messages = warning; "
      "SET DateStyle = 'ISO'; SET standard_conforming_strings = on; SET statement_timeout = " +
      limit + "; SET lock_timeout = " + limit +
      "; SET idle_in_transaction_session_timeout = " + limit);
}

void PgConnection::connect(const PgTarget& target) {
  begin(timeouts_.connect);
  std::vector<const char*> names, values;
  const auto add = [&](const char* name, const char* value) {
    names.push_back(name);
    values.push_back(value);
  };
  // The user's own settings come later and so win.
  add("application_name", "dragoman");
  add("keepalives", "1");
  add("keepalives_idle", "30");
  add("keepalives_interval", "10");
  add("keepalives_count", "3");
  add("tcp_user_timeout", "60000");
  for (const auto& [name, value] : target.parameters()) add(name.c_str(), value.c_str());
  add(nullptr, nullptr);
  connection_.reset(PQconnectStartParams(names.data(), values.data(), 0));
  if (!connection_) throw PgError("", "no memory for a connection");
  PQsetErrorVerbosity(connection_.get(), PQERRORS_VERBOSE);
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
  if (PQstatus(connection_.get()) == CONNECTION_BAD)
    throw connect_error(PQerrorMessage(connection_.get()));
  for (PostgresPollingStatusType status = PGRES_POLLING_WRITING; status != PGRES_POLLING_OK;
       status = PQconnectPoll(connection_.get())) {
    if (status == PGRES_POLLING_FAILED) throw connect_error(PQerrorMessage(connection_.get()));
    wait(status == PGRES_POLLING_READING ? POLLIN : POLLOUT);
  }
  PQsetErrorVerbosity(connection_.get(), PQERRORS_TERSE);
  PQsetnonblocking(connection_.get(), 1);
}

void PgConnection::fail(const PGresult* result) {
  const char* state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
  std::string text = one_line(result ? PQresultErrorMessage(result) : "");
  if (text.empty()) text = one_line(PQerrorMessage(connection_.get()));
  const char* constraint = result ? PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME) : nullptr;
  throw PgError(state ? state : "", text.empty() ? "the connection is lost" : text,
                constraint ? constraint : "");
}

void PgConnection::wait(short events) {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    if (left <= 0) throw PgError("", "the server does not answer in time");
    pollfd each[] = {{PQsocket(connection_.get()), events, 0}, {stop_fd_, POLLIN, 0}};
    const int ready = ::poll(each, 2, static_cast<int>(std::min<int64_t>(left, 60'000)));
    if (ready < 0 && errno != EINTR) throw PgError("", std::strerror(errno));
    if (ready <= 0) continue;
    if (each[1].revents) throw PgInterrupted();
    return;
  }
}

void PgConnection::check_sent(int sent) {
  if (!sent) fail();
}

void PgConnection::flush() {
  for (int state; (state = PQflush(connection_.get())) != 0;) {
    if (state < 0) fail();
    wait(POLLIN | POLLOUT);
    // What the server sends meanwhile (an error, a notice) must be taken, or both would wait.
    if (!PQconsumeInput(connection_.get())) fail();
  }
}

PGresult* PgConnection::next_result() {
  flush();
  while (PQisBusy(connection_.get())) {
    wait(POLLIN);
    if (!PQconsumeInput(connection_.get())) fail();
  }
  return PQgetResult(connection_.get());
}

/// Takes all results; answers with the last, or throws the first error.
PgRows PgConnection::finish_results() {
  PgRows last(nullptr);
  std::optional<PgError> error;
  while (PGresult* result = next_result()) {
    PgRows held(result);
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) {
      try {
        fail(result);
      } catch (const PgError& failure) {
        if (!error) error = failure;
      }
    }
    last = std::move(held);
  }
  if (error) throw *error;
  if (PQstatus(connection_.get()) == CONNECTION_BAD) fail();
  return last;
}

void PgConnection::run(const std::string& sql, std::optional<std::chrono::milliseconds> timeout) {
  begin(timeout.value_or(timeouts_.statement) + kGrace);
  check_sent(PQsendQuery(connection_.get(), sql.c_str()));
  finish_results();
}

PgRows PgConnection::query(const std::string& sql, const std::vector<std::string>& parameters) {
  begin(timeouts_.statement + kGrace);
  std::vector<const char*> values;
  for (const std::string& value : parameters) values.push_back(value.c_str());
  check_sent(PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()),
                               nullptr, values.data(), nullptr, nullptr, 0));
  return finish_results();
}

void PgConnection::copy_in(const std::string& sql, std::string_view data) {
  begin(timeouts_.statement + kGrace);
  check_sent(PQsendQuery(connection_.get(), sql.c_str()));
  for (;;) {
    PGresult* result = next_result();
    if (!result) throw PgError("", "the server took no rows");
    const PgRows held(result);
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COPY_IN) break;
    if (status == PGRES_COMMAND_OK) continue;
    try {
      fail(result);
    } catch (const PgError&) {
      while (PGresult* rest = next_result()) PQclear(rest);
      throw;
    }
  }
  constexpr size_t kPiece = 256 * 1024;
  for (size_t at = 0; at < data.size(); at += kPiece) {
    const std::string_view piece = data.substr(at, kPiece);
    check_sent(PQputCopyData(connection_.get(), piece.data(), static_cast<int>(piece.size())) == 1);
    flush();
  }
  check_sent(PQputCopyEnd(connection_.get(), nullptr) == 1);
  finish_results();
}

void PgConnection::rollback() noexcept {
  try {
    if (PQtransactionStatus(connection_.get()) != PQTRANS_IDLE) run("ROLLBACK");
  } catch (const std::exception&) {
    // The connection is of no use then, as the next call will say.
  }
}

std::string PgConnection::literal(const std::string& text) {
  char* quoted = PQescapeLiteral(connection_.get(), text.data(), text.size());
  if (!quoted) fail();
  std::string literal = quoted;
  PQfreemem(quoted);
  return literal;
}

}  // namespace dragoman
