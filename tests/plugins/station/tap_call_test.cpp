// SPDX-License-Identifier: LGPL-2.1-or-later
// The stations of one call: echo of what a caller hears, and two who speak at once.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include "tests/plugins/common/gst_environment.h"
#include "tests/plugins/station/synthetic_audio.h"
#include "tests/plugins/station/tap_pipeline.h"

namespace dragoman {
namespace {

using namespace dragoman::testing;

constexpr int kRate = 16000, kSeconds = 5;
constexpr size_t kCount = kRate * kSeconds;

std::string live(const char* name) {
  return "audiotestsrc is-live=true samplesperbuffer=320 num-buffers=250 ! "
         "audio/x-raw,format=F32LE,channels=1,rate=16000 ! identity name=" +
         std::string(name) + " ! ";
}

TEST(TapCall, hears_the_echo_of_what_the_caller_hears_and_how_much_is_taken_out) {
  auto far = babble(kCount, kRate, 5);
  for (float& sample : far) sample *= 0.05f / static_cast<float>(rms(far));
  auto echo = delayed(far, kRate / 10);
  for (float& sample : echo) sample *= 0.178f;  // 15 dB
  const std::string pre = "stationprobe station=St_3 tap=PRE trace=t ! ";
  for (const bool declared : {true, false}) {
    TapPipeline pipeline(live("far") + "stationprobe station=St_5 tap=PRE trace=t ! fakesink " +
                         live("in") + pre + "volume volume=0.25 ! stationprobe tap=POST trace=t " +
                         (declared ? "far-station=St_5" : "") + " ! fakesink");
    pipeline.on_buffer("far", "src", Player(far));
    pipeline.on_buffer("in", "src", Player(echo));
    auto found = pipeline.run(/*by_station=*/true);
    const TapFigures& post = found["St_3 POST"];
    EXPECT_EQ(post.has("echo_return_loss_db"), declared);
    EXPECT_EQ(post.has("echo_return_loss_enhancement_db"), declared);
    if (!declared) continue;
    EXPECT_NEAR(post.mean("echo_return_loss_db"), 15, 1);
    EXPECT_NEAR(post.mean("echo_return_loss_enhancement_db"), 12.04, 1);
    EXPECT_FALSE(found["St_3 PRE"].has("echo_return_loss_db"));
  }
}

TEST(TapCall, says_how_often_both_parties_speak_at_once) {
  const auto tap = [](const std::string& station, const std::string& partner) {
    return "stationprobe name=pre station=" + station +
           " tap=PRE trace=t partner-station=" + partner + " ! fakesink";
  };
  const auto voice = babble(kCount, kRate);
  for (const bool both : {true, false}) {
    // Two pipelines of a process, as the legs of a call are.
    TapPipeline first(live("in") + tap("St_3", "St_4")), second(live("in") + tap("St_4", "St_3"));
    first.on_buffer("in", "src", Player(voice));
    second.on_buffer("in", "src", Player(both ? voice : std::vector<float>()));
    set_pipeline_epoch(second.get(), kEdge);
    gst_element_set_state(second.get(), GST_STATE_PLAYING);
    const TapFigures figures = first.run()["PRE"];
    const double speaks = figures.mean("voice_activity_ratio");
    EXPECT_GT(speaks, 0.2);
    // Live streams do not begin at the very same time: a little less than all is together.
    EXPECT_LE(figures.mean("double_talk_ratio"), both ? speaks + 0.03 : 0);
    EXPECT_GE(figures.mean("double_talk_ratio"), both ? speaks / 2 : 0);
  }
}

TEST(TapCall, knows_no_double_talk_without_a_partner) {
  TapPipeline alone(live("in") + "stationprobe name=pre station=St_3 tap=PRE trace=t " +
                    "partner-station=St_4 ! fakesink");
  alone.on_buffer("in", "src", Player(babble(kCount, kRate)));
  const TapFigures figures = alone.run()["PRE"];
  EXPECT_TRUE(figures.has("voice_activity_ratio"));
  EXPECT_FALSE(figures.has("double_talk_ratio"));
}

}  // namespace
}  // namespace dragoman
