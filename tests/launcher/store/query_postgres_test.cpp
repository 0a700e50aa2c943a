// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include <cmath>

#include "launcher/store/pg_schema.h"
#include "tests/launcher/store/postgres_test.h"
#include "tests/launcher/store/query_fixture.h"
#include "tests/launcher/store/seed_queries.h"

namespace dragoman {
namespace {

using testing::HasSubstr;

/// The same rows in PostgreSQL and in a journal.
class QueryPostgresTest : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped()) return;
    PgConnection connection(PgTarget(server().conninfo(), ""), {});
    migrate(connection, known_pg_migrations());
    connection.run(kTwoCalls);
    Journal::open(path());
    Database(path(), DatabaseAccess::kReadWrite).run(kTwoCalls);
    shipped_ = open_postgres_source(server().conninfo());
    journal_ = open_journal_source(folder());
  }
  void TearDown() override { shipped_.reset(); }

  std::unique_ptr<QuerySource> shipped_, journal_;
};

/// Figures to nine digits: the databases add them up in orders of their own.
std::vector<CellRow> rounded(std::vector<CellRow> rows) {
  for (CellRow& cells : rows) {
    for (Cell& cell : cells) {
      const bool is_text = std::holds_alternative<std::string>(cell);
      if (const auto figure = is_text ? std::nullopt : real_of(cell))
        cell = std::round(*figure * 1e9) / 1e9;
    }
  }
  return rows;
}

TEST_F(QueryPostgresTest, every_report_says_the_same_of_both_databases) {
  QueryFilter narrow;
  narrow.since = kNoon, narrow.extension = "3333", narrow.call = "a";
  QueryFilter station;
  station.station = "St_3", station.limit = 2;
  for (const QueryFilter& filter : {QueryFilter(), narrow, station}) {
    const auto expect_same = [&](const std::function<ResultTable(QuerySource&)>& report) {
      const ResultTable shipped = report(*shipped_), journal = report(*journal_);
      EXPECT_EQ(rounded(shipped.rows), rounded(journal.rows))
          << result_csv(shipped) << result_csv(journal);
      EXPECT_EQ(shipped.more, journal.more);
      EXPECT_FALSE(shipped.rows.empty());
    };
    expect_same([&](QuerySource& source) { return recent_report(source, filter); });
    expect_same([&](QuerySource& source) { return calls_report(source, filter, 0); });
    expect_same([&](QuerySource& source) { return knobs_report(source, filter); });
    expect_same([&](QuerySource& source) { return stations_report(source, filter, folder()); });
    expect_same([&](QuerySource& source) { return utterances_report(source, filter); });
    expect_same([&](QuerySource& source) {
      return parameter_report(source, filter, "packets_late", folder());
    });
  }
}

TEST_F(QueryPostgresTest, the_old_queries_as_printed_have_the_same_numbers) {
  const std::string text = kReportQueries;
  const size_t second = text.find("-- Get call"), third = text.find("-- Check knobs");
  QueryFilter station;
  station.station = "St_3";
  auto recent = shipped_->select(text.substr(0, second), {});
  for (CellRow& row : recent) row.erase(row.begin() + 2);  // the time is not written alike
  EXPECT_THAT(rounded(columns_of(recent_report(*shipped_, station),
                                 {"call", "channel", "snr_db", "audio_level_dbfs"})),
              testing::UnorderedElementsAreArray(rounded(recent)));
  EXPECT_EQ(rounded(columns_of(calls_report(*shipped_, {}, 0),
                               {"date", "calls", "records", "avg_snr_db"})),
            rounded(shipped_->select(text.substr(second, third - second), {})));
  auto knobs = shipped_->select(text.substr(third), {});
  for (CellRow& row : knobs) row.erase(row.begin());  // nor is the JSON
  EXPECT_EQ(
      rounded(columns_of(knobs_report(*shipped_, {}), {"usage_count", "avg_audio_level_dbfs"})),
      rounded(knobs));
}

TEST_F(QueryPostgresTest, nothing_can_be_written) {
  EXPECT_THROW(shipped_->select("DELETE FROM utterances", {}), QueryError);
}

TEST_F(QueryPostgresTest, what_fails_is_named_with_the_cure) {
  const auto error_of = [](const std::string& conninfo, const char* sql) -> std::string {
    try {
      open_postgres_source(conninfo)->select(sql, {});
    } catch (const std::exception& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(error_of(server().conninfo("nowhere"), "SELECT 1"), HasSubstr("nowhere"));
  EXPECT_THAT(error_of(server().conninfo("postgres"), "SELECT 1 FROM traces"),
              HasSubstr("'dragoman serve' makes the tables"));
  server().make_database("older");
  server().run("CREATE TABLE traces (trace_id text)", "older");
  EXPECT_THAT(error_of(server().conninfo("older"), "SELECT 1"), HasSubstr("not our tables"));
  EXPECT_THAT(error_of("host=/nowhere dbname=a", "SELECT 1"), HasSubstr("PGPASSWORD or ~/.pgpass"));
}

}  // namespace
}  // namespace dragoman
