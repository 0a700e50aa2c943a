// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fstream>

#include "launcher/command.h"
#include "launcher/store/commands.h"
#include "tests/launcher/store/query_fixture.h"

namespace dragoman {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class QueryCommandTest : public QueryTest {
 protected:
  int query(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "query");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = query_command(static_cast<int>(arguments.size()), argv.data());
    output_ = testing::internal::GetCapturedStdout();
    errors_ = testing::internal::GetCapturedStderr();
    return status;
  }
  int query_here(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--data", folder()});
    return query(std::move(arguments));
  }
  void expect_usage_error(std::vector<std::string> arguments, const std::string& says) {
    EXPECT_EQ(query_here(std::move(arguments)), kExitUsage);
    EXPECT_THAT(output_, IsEmpty());
    EXPECT_THAT(errors_, HasSubstr(says));
  }

  std::string output_, errors_;
};

TEST_F(QueryCommandTest, prints_a_table_json_or_csv) {
  EXPECT_EQ(query_here({"calls"}), kExitOk);
  EXPECT_THAT(output_, StartsWith("date (UTC)  calls"));
  EXPECT_EQ(query_here({"calls", "--format", "json"}), kExitOk);
  EXPECT_THAT(output_, HasSubstr("\"avg_snr_db\": 23,"));
  EXPECT_EQ(query_here({"calls", "--format=csv"}), kExitOk);
  EXPECT_THAT(output_, HasSubstr("\r\n2026-03-01,1,1,4,14,4,3,2,1000,2000\r\n"));
  EXPECT_THAT(errors_, IsEmpty());
}

TEST_F(QueryCommandTest, an_empty_answer_says_so_and_is_no_failure) {
  EXPECT_EQ(query_here({"recent", "--station", "St_9"}), kExitOk);
  EXPECT_EQ(output_, "no measurements at station St_9\n");
  EXPECT_EQ(query_here({"recent", "--station", "St_9", "--format", "json"}), kExitOk);
  EXPECT_EQ(output_, "[]\n");
  EXPECT_THAT(errors_, HasSubstr("no measurements at station St_9"));
}

TEST_F(QueryCommandTest, takes_a_station_by_its_old_name) {
  EXPECT_EQ(query_here({"recent", "--station", "STATION_4", "-f", "csv"}), kExitOk);
  EXPECT_THAT(output_, HasSubstr("\r\n2026-03-02T00:00:00.000000Z,St_4,a,PRE,30,-25,"));
}

TEST_F(QueryCommandTest, tells_when_the_limit_left_rows_out) {
  EXPECT_EQ(query_here({"recent", "--limit", "1"}), kExitOk);
  EXPECT_THAT(errors_, HasSubstr("there are more"));
}

TEST_F(QueryCommandTest, names_what_it_does_not_understand_and_what_there_is) {
  expect_usage_error({}, "name a report; there are recent, calls, knobs");
  expect_usage_error({"recnt"}, "there is no report 'recnt'; there are recent");
  expect_usage_error({"recent", "calls"}, "unexpected 'calls'");
  expect_usage_error({"recent", "--since", "yesterday"}, "--since 'yesterday' is no time: write");
  expect_usage_error({"recent", "--since", "2026-03-02", "--until", "2026-03-01"}, "not before");
  expect_usage_error({"recent", "--limit", "0"}, "--limit '0': give a number of rows");
  expect_usage_error({"recent", "--limit", "all"}, "--limit 'all'");
  expect_usage_error({"recent", "--format", "xml"}, "there are table, json and csv");
  expect_usage_error({"recent", "--colour"}, "--colour");
}

TEST_F(QueryCommandTest, each_report_prints_something) {
  for (const char* report : {"recent", "calls", "knobs", "stations", "utterances"}) {
    EXPECT_EQ(query_here({report}), kExitOk);
    EXPECT_THAT(output_, HasSubstr("\n")) << report;
    EXPECT_THAT(errors_, IsEmpty()) << report;
  }
  EXPECT_EQ(query_here({"parameters", "snr_db"}), kExitOk);
  EXPECT_THAT(output_, HasSubstr("snr_db (dB)"));
}

TEST_F(QueryCommandTest, a_parameter_and_a_station_are_checked) {
  expect_usage_error({"parameters"}, "name a parameter");
  expect_usage_error({"parameters", "snr"}, "there is no parameter 'snr'; 'dragoman parameters'");
  expect_usage_error({"parameters", "snr_db", "mos"}, "unexpected 'mos'");
  expect_usage_error({"utterances", "--station", "St_3"}, "has no station: choose with");
}

TEST_F(QueryCommandTest, a_database_elsewhere_is_named_without_its_password) {
  EXPECT_EQ(query({"calls", "--postgresql", "host=/nowhere password=secret"}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("PGPASSWORD"));
  EXPECT_THAT(errors_, testing::Not(HasSubstr("secret")));
  EXPECT_EQ(query({"calls", "--postgresql", "host=/nowhere"}), kExitFailed);
  EXPECT_THAT(errors_, HasSubstr("PostgreSQL monitoring_v2 on /nowhere: "));
  expect_usage_error({"calls", "--postgresql", ""}, "--data and --postgresql exclude each other");
}

TEST_F(QueryCommandTest, a_missing_or_foreign_database_is_named_with_the_cure) {
  EXPECT_EQ(query({"recent", "--data", folder() + "/nowhere"}), kExitFailed);
  EXPECT_THAT(errors_, HasSubstr("there is no journal at " + folder() + "/nowhere/dragoman.db: "));
  std::filesystem::create_directory(folder() + "/other");
  Database(folder() + "/other/dragoman.db", DatabaseAccess::kReadWrite).run("CREATE TABLE a (b)");
  EXPECT_EQ(query({"recent", "--data", folder() + "/other"}), kExitFailed);
  EXPECT_THAT(errors_, HasSubstr("no 'dragoman serve' made it"));
  std::ofstream(folder() + "/other/dragoman.db") << std::string(8192, 'x');
  EXPECT_EQ(query({"recent", "--data", folder() + "/other"}), kExitFailed);
  EXPECT_THAT(errors_, HasSubstr("it is damaged"));
}

TEST_F(QueryCommandTest, a_journal_of_an_older_program_is_named_with_the_cure) {
  run("DELETE FROM schema_migrations WHERE version > 1");
  EXPECT_EQ(query_here({"recent"}), kExitFailed);
  EXPECT_THAT(errors_, HasSubstr("is of an older program: 'dragoman serve' brings it up to date"));
}

TEST_F(QueryCommandTest, a_launcher_that_writes_is_not_disturbed_nor_waited_for) {
  Database writer(path(), DatabaseAccess::kReadWrite);
  writer.run("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; DELETE FROM traces");
  EXPECT_EQ(query_here({"calls"}), kExitOk);
  EXPECT_THAT(output_, HasSubstr("2026-03-02      2"));
  const auto reader = source();
  reader->select("SELECT count(*) FROM traces", {});
  writer.run("COMMIT; BEGIN IMMEDIATE; DELETE FROM utterances; COMMIT");  // throws if it is locked
  EXPECT_EQ(integer_of(reader->select("SELECT count(*) FROM traces", {})[0][0]), 2);
  EXPECT_THROW(reader->select("DELETE FROM utterances", {}), QueryError);
}

}  // namespace
}  // namespace dragoman
