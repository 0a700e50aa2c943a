// SPDX-License-Identifier: LGPL-2.1-or-later
#include <unistd.h>

#include "launcher/store/database.h"
#include "launcher/store/journal.h"
#include "launcher/store/query/query_source.h"

namespace dragoman {
namespace {

/// The schema that first had what the reports ask for (data/migrations/sqlite).
constexpr int64_t kLeastSchema = 2;

/// $1 as SQLite numbers its parameters: ?1.
std::string numbered(std::string sql) {
  for (size_t i = 0; i + 1 < sql.size(); ++i) {
    if (sql[i] == '$' && sql[i + 1] >= '1' && sql[i + 1] <= '9') sql[i] = '?';
  }
  return sql;
}

Cell cell_at(const Statement& statement, int column) {
  switch (statement.type(column)) {
    case SQLITE_NULL:
      return {};
    case SQLITE_INTEGER:
      return statement.number(column);
    case SQLITE_FLOAT:
      return statement.real(column);
    default:
      return statement.text(column);
  }
}

class JournalSource : public QuerySource {
 public:
  explicit JournalSource(std::string path)
      : path_(std::move(path)), database_(path_, DatabaseAccess::kReadOnly) {
    // In WAL mode a reader's transaction is a picture of the moment; the writer goes on.
    database_.run("BEGIN");
    const int64_t schema = database_.number("SELECT max(version) FROM schema_migrations");
    if (schema < kLeastSchema)
      throw QueryError("the journal " + path_ +
                       " is of an older program: 'dragoman serve' brings it up to date when it "
                       "starts with this data folder");
  }

  std::vector<CellRow> select(const std::string& sql,
                              const std::vector<std::string>& values) override {
    try {
      Statement statement = database_.prepare(numbered(sql));
      for (size_t i = 0; i < values.size(); ++i) statement.bind(static_cast<int>(i) + 1, values[i]);
      std::vector<CellRow> rows;
      while (statement.step()) {
        CellRow& row = rows.emplace_back();
        for (int i = 0; i < statement.columns(); ++i) row.push_back(cell_at(statement, i));
      }
      return rows;
    } catch (const DatabaseError& error) {
      throw QueryError("the journal " + path_ + ": " + error.what());
    }
  }

  std::string time_text(const std::string& column) const override { return column; }
  std::string buckets(const Conditions& conditions) const override {
    return "SELECT DISTINCT trace_id, station_key, tap, bucket_ts FROM metrics_agg_5s" +
           conditions.text();
  }

 private:
  const std::string path_;
  Database database_;
};

std::string cure_of(const DatabaseError& error) {
  switch (error.primary_code()) {
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return "; run this as the user that 'dragoman serve' runs as";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "; it is damaged: 'dragoman maintain daily' tells more, a backup has the last good "
             "one";
    case SQLITE_ERROR:
      return "; no 'dragoman serve' made it: name the folder that it has as its data";
    default:
      return "";
  }
}

}  // namespace

std::unique_ptr<QuerySource> open_journal_source(const std::string& data_folder) {
  const std::string path = journal_path(data_folder);
  if (::access(path.c_str(), F_OK) != 0) {
    throw QueryError("there is no journal at " + path +
                     ": name the folder that 'dragoman serve' has as its data with --data");
  }
  try {
    return std::make_unique<JournalSource>(path);
  } catch (const DatabaseError& error) {
    throw QueryError("the journal " + path + ": " + error.what() + cure_of(error));
  }
}

}  // namespace dragoman
