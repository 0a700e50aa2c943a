// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/query/result_table.h"

#include <gtest/gtest.h>
#include <json-glib/json-glib.h>

#include "launcher/store/query/sorted_json.h"

namespace dragoman {
namespace {

ResultTable sample() {
  using enum Column::Kind;
  return {{{"time", "time (UTC)", "", kTime},
           {"text", "text", ""},
           {"level_dbfs", "level", "dBFS", kFigure, 1},
           {"count", "count", "", kFigure},
           {"knobs", "knobs", "", kJson}},
          {{"2026-03-01T12:00:05.250000Z", "¡Sí, \"claro\"!\nY…", -24.55, int64_t{7}, R"({"a":1})"},
           {Cell(), Cell(), Cell(), int64_t{12}, Cell()}},
          "nothing"};
}

TEST(ResultTable, is_aligned_text_with_units) {
  EXPECT_EQ(result_text(sample()),
            "time (UTC)           text              level (dBFS)  count  knobs\n"
            "2026-03-01 12:00:05  ¡Sí, \"claro\"! Y…         -24.6      7  {\"a\":1}\n"
            "–                    –                            –     12  –\n");
}

TEST(ResultTable, is_an_array_of_objects_in_json) {
  const std::string text = result_json(sample());
  g_autoptr(JsonNode) root = json_from_string(text.c_str(), nullptr);
  ASSERT_TRUE(root) << text;
  JsonArray* array = json_node_get_array(root);
  ASSERT_EQ(json_array_get_length(array), 2u);
  JsonObject* first = json_array_get_object_element(array, 0);
  EXPECT_STREQ(json_object_get_string_member(first, "text"), "¡Sí, \"claro\"!\nY…");
  EXPECT_EQ(json_object_get_double_member(first, "level_dbfs"), -24.55);
  EXPECT_EQ(json_object_get_int_member(json_object_get_object_member(first, "knobs"), "a"), 1);
  EXPECT_TRUE(json_object_get_null_member(json_array_get_object_element(array, 1), "time"));
}

TEST(ResultTable, is_rfc_4180_in_csv) {
  EXPECT_EQ(result_csv(sample()),
            "time,text,level_dbfs,count,knobs\r\n"
            "2026-03-01T12:00:05.250000Z,\"¡Sí, \"\"claro\"\"!\nY…\",-24.55,7,\"{\"\"a\"\":1}\"\r\n"
            ",,,12,\r\n");
}

TEST(ResultTable, without_rows_says_so) {
  ResultTable table = sample();
  table.rows.clear();
  EXPECT_EQ(result_text(table), "nothing\n");
  EXPECT_EQ(result_json(table), "[]\n");
  EXPECT_EQ(result_csv(table), "time,text,level_dbfs,count,knobs\r\n");
}

TEST(ResultTable, never_shows_a_negative_zero_or_a_terminal_code) {
  const ResultTable table{
      {{"a", "a", "", Column::Kind::kFigure, 1}, {"b", "b", ""}}, {{-0.01, "\x1b[31mred"}}, ""};
  EXPECT_EQ(result_text(table), "  a  b\n0.0   [31mred\n");
}

TEST(SortedJson, is_equal_for_equal_values) {
  EXPECT_EQ(sorted_json(R"({ "b": [1.0, null, "x"], "a": {"d": true, "c": -18} })"),
            R"({"a":{"c":-18,"d":true},"b":[1,null,"x"]})");
  EXPECT_EQ(sorted_json("no json"), "\"no json\"");
}

}  // namespace
}  // namespace dragoman
