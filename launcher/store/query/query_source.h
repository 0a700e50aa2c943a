// SPDX-License-Identifier: LGPL-2.1-or-later
// The database that a query reads: the journal, or the PostgreSQL it was shipped to. One definition
// of a report serves both; what their SQL does not have in common is asked of the source.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "launcher/store/query/query_filter.h"
#include "launcher/store/query/result_table.h"

namespace dragoman {

/// The database cannot be read; what() names it and the cure.
class QueryError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Reads only, all of one report from one state of the database; a writer is never held up.
class QuerySource {
 public:
  virtual ~QuerySource() = default;

  /// The rows of `sql`, in which $1, $2, … stand for `values`. Throws QueryError.
  virtual std::vector<CellRow> select(const std::string& sql,
                                      const std::vector<std::string>& values) = 0;
  /// An expression: the time in `column` as ISO 8601 text with microseconds and 'Z', UTC.
  virtual std::string time_text(const std::string& column) const = 0;
  /// A SELECT of the buckets that meet `conditions`, each once: trace_id, station_key, tap,
  /// bucket_ts.
  virtual std::string buckets(const Conditions& conditions) const = 0;
};

/// The journal in `data_folder`. Throws QueryError if there is none or it is not readable.
std::unique_ptr<QuerySource> open_journal_source(const std::string& data_folder);

/// PostgreSQL by libpq's connection string; what it does not name comes from libpq's environment,
/// the database from MONITORING_DB, or it is monitoring_v2. Throws QueryError, and
/// std::invalid_argument if the string is none or holds a password.
std::unique_ptr<QuerySource> open_postgres_source(const std::string& conninfo);

}  // namespace dragoman
