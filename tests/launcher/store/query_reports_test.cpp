// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fstream>
#include <regex>

#include "launcher/store/iso_time.h"
#include "tests/launcher/store/query_fixture.h"
#include "tests/launcher/store/seed_queries.h"

namespace dragoman {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

const Cell kNone;

/// What SQLite answers to the operators' old query that begins with `comment`. Only the type's name
/// is PostgreSQL's.
std::vector<CellRow> answer(QuerySource& source, const std::string& comment) {
  const std::string text = kReportQueries;
  const size_t begin = text.find(comment);
  const std::string query = text.substr(begin, text.find(';', begin) - begin);
  return source.select(std::regex_replace(query, std::regex("::numeric"), ""), {});
}

TEST_F(QueryTest, recent_shows_the_latest_buckets_with_their_figures) {
  const ResultTable table = recent_report(*source(), {});
  EXPECT_THAT(
      columns_of(table,
                 {"time", "station", "call", "channel", "snr_db", "audio_level_dbfs", "mos"}),
      ElementsAre(row({"2026-03-02T10:00:05.000000Z", "St_3", "b", "PRE", kNone, -26.0, kNone}),
                  row({"2026-03-02T10:00:00.000000Z", "St_3", "b", "PRE", 16.0, -24.0, 4.4}),
                  row({"2026-03-02T00:00:00.000000Z", "St_4", "a", "PRE", 30.0, -25.0, 3.0}),
                  row({"2026-03-01T23:59:05.000000Z", "St_3", "a", "PRE", 12.0, -28.0, 4.0}),
                  row({"2026-03-01T23:59:05.000000Z", "St_3", "a", "POST", kNone, -18.0, kNone}),
                  row({"2026-03-01T23:59:00.000000Z", "St_3", "a", "PRE", 10.0, -30.0, kNone}),
                  row({"2026-03-01T23:59:00.000000Z", "St_3", "a", "POST", 20.0, -20.0, kNone})));
  EXPECT_FALSE(table.more);
}

TEST_F(QueryTest, recent_answers_as_the_old_query_of_station_3) {
  QueryFilter filter;
  filter.station = "St_3";
  const auto rows = columns_of(recent_report(*source(), filter),
                               {"call", "channel", "time", "snr_db", "audio_level_dbfs"});
  EXPECT_EQ(rows.size(), 6u);
  EXPECT_THAT(rows, UnorderedElementsAreArray(answer(*source(), "-- Check recent")));
}

TEST_F(QueryTest, recent_stops_at_the_limit_and_says_that_there_is_more) {
  QueryFilter filter;
  filter.limit = 2;
  const ResultTable table = recent_report(*source(), filter);
  EXPECT_EQ(table.rows.size(), 2u);
  EXPECT_TRUE(table.more);
  filter.limit = 7;
  EXPECT_FALSE(recent_report(*source(), filter).more);
}

TEST_F(QueryTest, recent_takes_the_start_of_the_time_and_not_its_end) {
  QueryFilter filter;
  filter.since = parse_iso_time("2026-03-01T23:59:05Z");
  filter.until = parse_iso_time("2026-03-02T10:00:00Z");
  EXPECT_THAT(columns_of(recent_report(*source(), filter), {"call", "station", "channel"}),
              ElementsAre(row({"a", "St_4", "PRE"}), row({"a", "St_3", "PRE"}),
                          row({"a", "St_3", "POST"})));
}

TEST_F(QueryTest, recent_of_an_extension_is_of_all_calls_it_was_in) {
  QueryFilter filter;
  filter.extension = "4444";
  EXPECT_EQ(recent_report(*source(), filter).rows.size(), 5u);
  filter.call = "b";
  const ResultTable none = recent_report(*source(), filter);
  EXPECT_THAT(none.rows, IsEmpty());
  EXPECT_EQ(none.if_empty, "no measurements of call b of extension 4444");
}

TEST_F(QueryTest, calls_are_counted_by_day) {
  EXPECT_THAT(figures(columns_of(calls_report(*source(), {}, 0),
                                 {"date", "calls", "minutes", "records", "avg_snr_db", "avg_mos",
                                  "utterances", "heard", "delay_p50_ms", "delay_p95_ms"})),
              ElementsAre(row({"2026-03-02", 2.0, 7.5, 3.0, 23.0, 3.7, 3.0, 3.0, 1500.0, 1700.0}),
                          row({"2026-03-01", 1.0, 1.0, 4.0, 14.0, 4.0, 3.0, 2.0, 1000.0, 2000.0})));
}

TEST_F(QueryTest, calls_answer_as_the_old_query) {
  EXPECT_EQ(figures(columns_of(calls_report(*source(), {}, 0),
                               {"date", "calls", "records", "avg_snr_db"})),
            figures(answer(*source(), "-- Get call")));
}

TEST_F(QueryTest, the_minutes_of_a_call_that_goes_on_count_up_to_now) {
  run("UPDATE traces SET ended_at = NULL WHERE trace_id = 'b'");
  const uint64_t now = *parse_iso_time("2026-03-02T10:03:00Z");
  EXPECT_EQ(columns_of(calls_report(*source(), {}, now), {"minutes"})[0], row({4.5}));
}

TEST_F(QueryTest, the_minutes_before_and_after_the_time_do_not_count) {
  QueryFilter filter;
  filter.since = parse_iso_time("2026-03-01T23:59:30Z");
  filter.until = parse_iso_time("2026-03-02T10:01:00Z");
  EXPECT_THAT(columns_of(calls_report(*source(), filter, 0), {"date", "minutes"}),
              ElementsAre(row({"2026-03-02", 2.5}), row({"2026-03-01", 0.5})));
}

TEST_F(QueryTest, knobs_are_compared_before_and_after_processing) {
  EXPECT_THAT(figures(columns_of(knobs_report(*source(), {}),
                                 {"usage_count", "avg_audio_level_dbfs", "avg_level_pre_dbfs",
                                  "avg_level_post_dbfs", "avg_snr_db", "avg_snr_pre_db",
                                  "avg_snr_post_db", "knobs_effective"})),
              ElementsAre(row({4.0, -24.0, -29.0, -19.0, 14.0, 11.0, 20.0,
                               R"({"agc.enabled":true,"gain_db":0})"}),
                          row({1.0, -24.0, -24.0, kNone, 16.0, 16.0, kNone,
                               R"({"agc.enabled":false,"gain_db":0})"})));
}

TEST_F(QueryTest, knobs_answer_as_the_old_query) {
  EXPECT_EQ(figures(columns_of(knobs_report(*source(), {}),
                               {"knobs_effective", "usage_count", "avg_audio_level_dbfs"})),
            figures(answer(*source(), "-- Check knobs")));
}

TEST_F(QueryTest, the_same_knobs_in_another_order_are_the_same) {
  run("UPDATE knob_snapshots_5s SET knob_values = '{\"gain_db\": 0.0, \"agc.enabled\": true}' "
      "WHERE bucket_ts = '2026-03-01T23:59:05.000000Z'");
  EXPECT_EQ(figures(columns_of(knobs_report(*source(), {}), {"usage_count"})),
            (std::vector<CellRow>{row({4.0}), row({1.0})}));
}

class StationQueryTest : public QueryTest {
 protected:
  void SetUp() override {
    QueryTest::SetUp();
    std::filesystem::create_directory(stations());
  }
  std::string stations() const { return folder() + "/stations"; }
  void write_station(const std::string& name, const std::string& text) {
    std::ofstream(stations() + "/" + name + ".conf") << text;
  }
};

constexpr char kNarrowStation[] =
    "[station]\nparameters = all\n[limits snr_db]\nnormal = 11 15\nwarning = 11 -\n"
    "critical = 6 -\n";

TEST_F(StationQueryTest, stations_are_judged_by_their_file_and_the_table) {
  write_station("St_3", kNarrowStation);
  const ResultTable table = stations_report(*source(), {}, stations());
  const auto rows = figures(columns_of(
      table, {"station", "channel", "parameter", "unit", "buckets", "average", "min", "max",
              "outside_normal_pct", "outside_warning_pct", "outside_critical_pct"}));
  ASSERT_EQ(rows.size(), 9u);
  EXPECT_EQ(rows[0], row({"St_3", "PRE", "audio_level_dbfs", "dBFS", 4.0, -27.0, -60.0, -9.0, 0.0,
                          0.0, 0.0}));
  EXPECT_EQ(rows[1], row({"St_3", "PRE", "snr_db", "dB", 3.0, 38.0 / 3, 5.0, 19.0, 200.0 / 3,
                          100.0 / 3, 0.0}));
  // A counted parameter: its totals were 2 and 0.
  EXPECT_EQ(rows[2],
            row({"St_3", "PRE", "packets_late", "count", 2.0, 1.0, 0.0, 2.0, 0.0, 0.0, 0.0}));
  EXPECT_EQ(columns_of(table, {"station", "channel", "parameter"}).back(),
            row({"St_4", "PRE", "mos"}));
}

TEST_F(StationQueryTest, a_figure_without_a_limit_has_no_share_outside_it) {
  run("UPDATE metrics_agg_5s SET metric_key = 'pitch_hz' WHERE metric_key = 'snr_db'");
  QueryFilter filter;
  filter.station = "St_4";
  const auto rows = columns_of(stations_report(*source(), filter, stations()),
                               {"parameter", "outside_warning_pct", "outside_critical_pct"});
  EXPECT_THAT(rows, testing::Contains(row({"pitch_hz", kNone, kNone})));
}

TEST_F(StationQueryTest, a_parameter_of_another_program_is_shown_without_unit_and_limits) {
  run("UPDATE metrics_agg_5s SET metric_key = 'it''s new' WHERE metric_key = 'mos'");
  const auto rows = columns_of(stations_report(*source(), {}, stations()),
                               {"station", "parameter", "unit", "average", "outside_normal_pct"});
  EXPECT_THAT(rows, testing::Contains(row({"St_4", "it's new", kNone, 3.0, kNone})));
}

TEST_F(StationQueryTest, a_station_file_that_cannot_be_read_is_named) {
  write_station("St_3", "[limits snr_db]\n");
  try {
    stations_report(*source(), {}, stations());
    FAIL() << "it was read";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(stations() + "/St_3.conf: "));
  }
}

TEST_F(StationQueryTest, a_parameter_is_followed_over_time_with_its_state) {
  write_station("St_3", kNarrowStation);
  EXPECT_THAT(
      columns_of(parameter_report(*source(), {}, "snr_db", stations()),
                 {"time", "station", "channel", "figure", "min", "max", "state"}),
      ElementsAre(row({"2026-03-01T23:59:00.000000Z", "St_3", "PRE", 10.0, 5.0, 15.0, "warning"}),
                  row({"2026-03-01T23:59:00.000000Z", "St_3", "POST", 20.0, 15.0, 25.0, "unusual"}),
                  row({"2026-03-01T23:59:05.000000Z", "St_3", "PRE", 12.0, 6.0, 18.0, "normal"}),
                  row({"2026-03-02T00:00:00.000000Z", "St_4", "PRE", 30.0, 20.0, 40.0, "normal"}),
                  row({"2026-03-02T10:00:00.000000Z", "St_3", "PRE", 16.0, 9.0, 19.0, "unusual"})));
}

TEST_F(StationQueryTest, the_latest_of_a_parameter_stay_within_the_limit) {
  QueryFilter filter;
  filter.limit = 2;
  const ResultTable table = parameter_report(*source(), filter, "packets_late", stations());
  EXPECT_FALSE(table.more);
  EXPECT_EQ(columns_of(table, {"figure"}), (std::vector<CellRow>{row({2.0}), row({0.0})}));
  filter.limit = 1;
  EXPECT_EQ(columns_of(parameter_report(*source(), filter, "packets_late", stations()), {"time"}),
            std::vector<CellRow>{row({"2026-03-01T23:59:05.000000Z"})});
}

TEST_F(QueryTest, utterances_are_both_texts_in_the_order_spoken) {
  QueryFilter filter;
  filter.call = "a";
  EXPECT_THAT(
      columns_of(utterances_report(*source(), filter),
                 {"extension", "language", "text", "target_language", "translation", "delay_ms",
                  "decode_ms"}),
      ElementsAre(row({"3333", "en", "Good evening.", "es", "Buenas noches.", 1000.0, 80.0}),
                  row({"3333", "en", "Is that you?", "es", "¿Es usted?", 2000.0, 90.0}),
                  row({"4444", "es", "Sí, soy yo.", kNone, kNone, kNone, kNone})));
}

TEST_F(QueryTest, utterances_of_an_extension_are_what_it_said) {
  QueryFilter filter;
  filter.extension = "4444";
  EXPECT_EQ(utterances_report(*source(), filter).rows.size(), 1u);
  filter.extension = "3333";
  filter.limit = 1;
  const ResultTable table = utterances_report(*source(), filter);
  EXPECT_EQ(columns_of(table, {"text"}), std::vector<CellRow>{row({"Four."})});
  EXPECT_TRUE(table.more);
}

}  // namespace
}  // namespace dragoman
