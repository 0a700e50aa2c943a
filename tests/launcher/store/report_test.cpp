// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/report.h"

#include <json-glib/json-glib.h>

#include <fstream>

#include "launcher/command.h"
#include "launcher/store/commands.h"
#include "tests/launcher/store/store_fixture.h"

namespace dragoman {
namespace {

TEST(Percentile, is_the_nearest_rank) {
  std::vector<double> values;
  for (int i = 20; i >= 1; --i) values.push_back(i);
  EXPECT_EQ(percentile(values, 50), 10);
  EXPECT_EQ(percentile(values, 95), 19);
  EXPECT_EQ(percentile(values, 100), 20);
  EXPECT_EQ(percentile({7}, 50), 7);
  EXPECT_EQ(percentile({1, 2}, 50), 1);
  EXPECT_FALSE(percentile({}, 50));
}

class ReportTest : public StoreTest {
 protected:
  /// A call of both parties: `clauses` of 3333, heard with 1000, 1100, … ms, and one of 4444 that
  /// was not heard.
  void record_call(const std::string& trace, uint64_t started_at, int clauses) {
    auto journal = Journal::open(path());
    TraceRow row = trace_row(trace);
    row.started_at = started_at;
    row.dst_extension = "4444";
    journal->append(row);
    for (int clause = 0; clause < clauses; ++clause) {
      UtteranceRow heard = heard_row(clause);
      heard.trace_id = trace;
      journal->append(heard);
      UtteranceRow said = said_row("es", "buenos días", clause);
      said.trace_id = trace;
      said.first_audio_at = started_at + 2 * kSecondNs;
      said.delay_ms = 1000 + 100 * clause;
      journal->append(said);
    }
    UtteranceRow other = heard_row();
    other.trace_id = trace;
    other.channel = trace + "-4444";
    other.extension = "4444";
    other.language = "es";
    journal->append(other);
    for (uint64_t number = 0; number < 3; ++number) journal->append(metric_row(number, trace));
    journal->append(segment_row(0));
    SegmentRow segment = segment_row(1);
    segment.trace_id = trace;
    segment.file_path = folder() + "/there.wav";
    std::ofstream(segment.file_path) << "RIFF";
    journal->append(segment);
    segment.tap = "PRE";
    segment.file_path = folder() + "/gone.wav";
    journal->append(segment);
  }

  Report make(const ReportSelection& selection) {
    Database database(path(), DatabaseAccess::kReadOnly);
    return make_report(database, selection);
  }

  int run(std::vector<std::string> arguments) {
    std::vector<char*> argv;
    arguments.insert(arguments.begin(), "report");
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    return report_command(static_cast<int>(arguments.size()), argv.data());
  }
};

TEST_F(ReportTest, tells_of_the_last_call) {
  record_call("early", kNoon, 1);
  record_call("late", kNoon + 3600 * kSecondNs, 4);
  const Report report = make({});
  EXPECT_EQ(report.trace_ids, std::vector<std::string>{"late"});
  EXPECT_EQ(report.delay.utterances, 5u);
  EXPECT_EQ(report.delay.heard, 4u);
  EXPECT_EQ(report.delay.p50_ms, 1100);
  EXPECT_EQ(report.delay.p95_ms, 1300);
  EXPECT_EQ(report.buckets, 3);
  EXPECT_EQ(report.metric_rows, 3);
  EXPECT_EQ(report.wav_files, 1);
  EXPECT_EQ(report.wav_missing, 1);
  EXPECT_EQ(report.rows, 1 + 5 + 3 + 2);
  ASSERT_EQ(report.directions.size(), 2u);
  EXPECT_EQ(report.directions[0].direction, "en→es");
  EXPECT_EQ(report.directions[0].extension, "3333");
  EXPECT_EQ(report.directions[0].delay.p50_ms, 1100);
  EXPECT_EQ(report.directions[0].decode_ms, 200);
  EXPECT_EQ(report.directions[1].direction, "es");
  EXPECT_FALSE(report.directions[1].delay.p50_ms);
}

TEST_F(ReportTest, joins_the_calls_of_a_time_range) {
  record_call("early", kNoon, 1);
  record_call("late", kNoon + 3600 * kSecondNs, 4);
  ReportSelection selection;
  selection.kind = ReportSelection::Kind::kRange;
  EXPECT_EQ(make(selection).trace_ids.size(), 2u);
  EXPECT_EQ(make(selection).delay.utterances, 7u);
  selection.started_from = kNoon + kSecondNs;
  EXPECT_EQ(make(selection).trace_ids, std::vector<std::string>{"late"});
  selection.started_to = kNoon + 2 * kSecondNs;
  EXPECT_TRUE(make(selection).trace_ids.empty());
}

TEST_F(ReportTest, the_json_has_the_figures_and_every_utterance) {
  record_call("t1", kNoon, 3);
  const std::string file = folder() + "/report.json";
  testing::internal::CaptureStdout();
  EXPECT_EQ(run({"--data", folder(), "--json", file}), kExitOk);
  const std::string table = testing::internal::GetCapturedStdout();
  EXPECT_NE(table.find("en→es (3333)"), std::string::npos) << table;
  EXPECT_NE(table.find("1.10 s"), std::string::npos) << table;
  g_autoptr(JsonParser) parser = json_parser_new();
  ASSERT_TRUE(json_parser_load_from_file(parser, file.c_str(), nullptr));
  JsonObject* root = json_node_get_object(json_parser_get_root(parser));
  EXPECT_EQ(json_object_get_int_member(root, "utterances"), 4);
  EXPECT_EQ(json_object_get_double_member(root, "delay_p50_ms"), 1100);
  JsonArray* rows = json_object_get_array_member(root, "utterance_rows");
  ASSERT_EQ(json_array_get_length(rows), 4u);
  bool found = false;
  for (guint i = 0; i < 4; ++i) {
    JsonObject* row = json_array_get_object_element(rows, i);
    if (!json_object_get_null_member(row, "translation")) {
      EXPECT_STREQ(json_object_get_string_member(row, "translation"), "buenos días");
      EXPECT_STREQ(json_object_get_string_member(row, "start_at"), "2026-03-01T12:00:00.000000Z");
      found = true;
    }
  }
  EXPECT_TRUE(found);
}

TEST_F(ReportTest, finds_the_data_folder_in_the_configuration) {
  record_call("t1", kNoon, 1);
  std::ofstream(folder() + "/dragoman.conf") << "[paths]\ndata = " << folder() << "\n";
  testing::internal::CaptureStdout();
  EXPECT_EQ(run({"--config", folder() + "/dragoman.conf"}), kExitOk);
  EXPECT_NE(testing::internal::GetCapturedStdout().find("Trace t1"), std::string::npos);
}

TEST_F(ReportTest, names_the_party_that_was_not_heard) {
  record_call("t1", kNoon, 1);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_EQ(run({"--data", folder(), "--both-ways"}), kExitFailed);
  testing::internal::GetCapturedStdout();
  EXPECT_NE(testing::internal::GetCapturedStderr().find("4444"), std::string::npos);
}

TEST_F(ReportTest, refuses_what_it_cannot_do_and_says_why) {
  Journal::open(path());
  testing::internal::CaptureStderr();
  EXPECT_EQ(run({"--data", folder() + "/none"}), kExitFailed);
  EXPECT_EQ(run({"--data", folder()}), kExitFailed);
  EXPECT_EQ(run({"--data", folder(), "--trace", "unheard-of"}), kExitFailed);
  EXPECT_EQ(run({"--data", folder(), "--since", "yesterday"}), kExitUsage);
  EXPECT_EQ(run({"--data", folder(), "--last", "--trace", "t1"}), kExitUsage);
  EXPECT_EQ(run({"--data", folder(), "--nonsense"}), kExitUsage);
  const std::string messages = testing::internal::GetCapturedStderr();
  for (const char* part : {"/none/dragoman.db", "no such call", "unheard-of", "yesterday"}) {
    EXPECT_NE(messages.find(part), std::string::npos) << messages;
  }
}

}  // namespace
}  // namespace dragoman
