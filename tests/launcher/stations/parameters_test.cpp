// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <json-glib/json-glib.h>

#include <algorithm>
#include <set>
#include <string>

#include "launcher/stations/parameter_lists.h"

namespace dragoman {
namespace {

using testing::HasSubstr;

std::string data(const char* file) { return std::string(DRAGOMAN_DATA_DIR) + "/" + file; }

TEST(Parameters, AreSeventyFiveOneALine) {
  const std::string text = parameters_text(Station());
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 75);
  EXPECT_THAT(text, HasSubstr("\n47  mos "));
}

TEST(Parameters, KeysAreUniqueAndLimitsLieWithinEachOther) {
  std::set<std::string> keys;
  for (const Parameter& parameter : parameters()) {
    EXPECT_TRUE(keys.insert(parameter.key).second) << parameter.key;
    const Limits& limits = parameter.limits;
    EXPECT_GE(limits.normal.low, limits.warning.low) << parameter.key;
    EXPECT_GE(limits.warning.low, limits.critical.low) << parameter.key;
    EXPECT_LE(limits.normal.high, limits.warning.high) << parameter.key;
    EXPECT_LE(limits.warning.high, limits.critical.high) << parameter.key;
  }
}

TEST(Parameters, TheDocumentInTheTreeIsTheTable) {
  g_autofree char* text = nullptr;
  ASSERT_TRUE(g_file_get_contents(data("parameters.md").c_str(), &text, nullptr, nullptr));
  EXPECT_EQ(parameters_markdown(Station()), text)
      << "make it anew: dragoman parameters --markdown > data/parameters.md";
}

TEST(Parameters, JsonIsAnArrayOfAllWithOpenEndsAsNull) {
  g_autoptr(JsonParser) parser = json_parser_new();
  g_autoptr(GError) error = nullptr;
  ASSERT_TRUE(json_parser_load_from_data(parser, parameters_json(Station()).c_str(), -1, &error))
      << error->message;
  JsonArray* all = json_node_get_array(json_parser_get_root(parser));
  ASSERT_EQ(json_array_get_length(all), 75u);
  JsonObject* loss = json_array_get_object_element(all, 34);
  EXPECT_STREQ(json_object_get_string_member(loss, "key"), "packet_loss_pct");
  JsonArray* normal = json_object_get_array_member(loss, "normal");
  EXPECT_TRUE(json_array_get_null_element(normal, 0));
  EXPECT_EQ(json_array_get_double_element(normal, 1), 1);
}

TEST(Parameters, StationThreeHasExactlyTheTwentyTwo) {
  const Station station = read_station(data("stations/St_3.conf"));
  const char* keys[] = {"audio_level_dbfs",
                        "peak_dbfs",
                        "snr_db",
                        "noise_floor_dbfs",
                        "active_speech_level_dbfs",
                        "clipping_ratio",
                        "dc_offset",
                        "silence_ratio",
                        "voice_activity_ratio",
                        "talk_spurt_count",
                        "pitch_hz",
                        "spectral_centroid_hz",
                        "spectral_flatness",
                        "jitter_ms",
                        "packet_loss_pct",
                        "packets_late",
                        "buffer_usage_pct",
                        "buffer_underruns",
                        "processing_latency_ms",
                        "agc_gain_db",
                        "noise_reduction_db",
                        "mos"};
  std::set<std::string> has;
  for (size_t i = 0; i < parameters().size(); ++i)
    if (station.wanted[i]) has.insert(parameters()[i].key);
  EXPECT_EQ(has, std::set<std::string>(std::begin(keys), std::end(keys)));
  EXPECT_EQ(station.interval_ns, kBucketNs);
}

}  // namespace
}  // namespace dragoman
