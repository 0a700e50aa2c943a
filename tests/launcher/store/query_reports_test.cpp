// SPDX-License-Identifier: LGPL-2.1-or-later
#include <regex>

#include "launcher/store/iso_time.h"
#include "tests/launcher/store/query_fixture.h"

namespace dragoman {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

const Cell kNone;

/// What SQLite answers to a query written for PostgreSQL.
std::vector<CellRow> answer(QuerySource& source, const char* query) {
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
                  row({"2026-03-01T23:59:05.000000Z", "St_3", "a", "POST", kNone, -18.0, kNone}),
                  row({"2026-03-01T23:59:05.000000Z", "St_3", "a", "PRE", 12.0, -28.0, 4.0}),
                  row({"2026-03-01T23:59:00.000000Z", "St_3", "a", "POST", 20.0, -20.0, kNone}),
                  row({"2026-03-01T23:59:00.000000Z", "St_3", "a", "PRE", 10.0, -30.0, kNone})));
  EXPECT_FALSE(table.more);
}

TEST_F(QueryTest, recent_answers_as_the_old_query_of_station_3) {
  QueryFilter filter;
  filter.station = "St_3";
  const auto rows = columns_of(recent_report(*source(), filter),
                               {"call", "channel", "time", "snr_db", "audio_level_dbfs"});
  EXPECT_EQ(rows.size(), 6u);
  EXPECT_THAT(rows, UnorderedElementsAreArray(answer(*source(), kOldRecentQuery)));
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
              ElementsAre(row({"a", "St_4", "PRE"}), row({"a", "St_3", "POST"}),
                          row({"a", "St_3", "PRE"})));
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
            figures(answer(*source(), kOldCallsQuery)));
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
            figures(answer(*source(), kOldKnobsQuery)));
}

TEST_F(QueryTest, the_same_knobs_in_another_order_are_the_same) {
  run("UPDATE knob_snapshots_5s SET knob_values = '{\"gain_db\": 0.0, \"agc.enabled\": true}' "
      "WHERE bucket_ts = '2026-03-01T23:59:05.000000Z'");
  EXPECT_EQ(figures(columns_of(knobs_report(*source(), {}), {"usage_count"})),
            (std::vector<CellRow>{row({4.0}), row({1.0})}));
}

}  // namespace
}  // namespace dragoman
