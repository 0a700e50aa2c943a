// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/pipeline/pipeline_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher/pipeline/element_packages.h"
#include "launcher/pipeline/launch_text.h"

namespace dragoman {
namespace {

using testing::HasSubstr;

class PipelineBuilderTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }

  /// The problems of a file whose [launch] begins on line 5.
  static std::string problems_of(const std::string& body, const std::string& knob = "") {
    Problems problems;
    const auto file = PipelineFile::parse(
        "[parameters]\nport = int 0\n[knobs]" + knob + "\n[launch]\n" + body, "x", problems);
    EXPECT_TRUE(file) << text_of(problems);
    const auto pipeline = build_pipeline(*file, {}, problems);
    EXPECT_EQ(pipeline != nullptr, problems.empty());
    return text_of(problems);
  }
};

TEST_F(PipelineBuilderTest, AGoodBodyHasNoProblem) {
  EXPECT_EQ(problems_of("audiotestsrc name=t is-live=true !\n audio/x-raw, rate=8000 !\n"
                        "tee name=x ! queue ! fakesink  x. ! queue ! fakesink",
                        "\nfreq = t.freq"),
            "");
  EXPECT_EQ(problems_of("udpsrc port=${port} caps=\"audio/x-raw, rate=8000\" ! fakesink"), "");
  EXPECT_EQ(problems_of("fakesrc"), "");
  EXPECT_EQ(problems_of("audiotestsrc volume = 0.5 ! fakesink"), "");
}

TEST_F(PipelineBuilderTest, AMissingElementNamesTheDebianPackageAndTheLine) {
  EXPECT_EQ(problems_of("fakesrc !\n x264enc ! fakesink"),
            "x:6: no element 'x264enc'; apt-get install gstreamer1.0-plugins-ugly");
  EXPECT_THAT(problems_of("fakesrc ! avdec_h264 ! fakesink"), HasSubstr("gstreamer1.0-libav"));
  EXPECT_THAT(problems_of("fakesrc ! audioconvrt ! fakesink"),
              HasSubstr("did you mean 'audioconvert'?"));
  EXPECT_THAT(problems_of("fakesrc ! livesync ! fakesink"), HasSubstr("Debian 12 has no package"));
  EXPECT_THAT(cure_for_missing_element("sttsink"), HasSubstr("GST_PLUGIN_PATH"));
  EXPECT_THAT(cure_for_missing_element("pipewiresrc"), HasSubstr("gstreamer1.0-pipewire"));
}

TEST_F(PipelineBuilderTest, AllMissingElementsAreNamedAtOnce) {
  const std::string problems = problems_of("x264enc !\n siddec");
  EXPECT_THAT(problems, HasSubstr("x:5: no element 'x264enc'"));
  EXPECT_THAT(problems, HasSubstr("x:6: no element 'siddec'"));
}

TEST_F(PipelineBuilderTest, AnUnknownPropertyGetsTheNearestName) {
  EXPECT_EQ(problems_of("fakesrc !\n volume volum=1 ! fakesink"),
            "x:6: no property 'volum' in element 'volume'; did you mean 'volume'?");
}

TEST_F(PipelineBuilderTest, AValueOutOfRangeIsRefusedInsteadOfClamped) {
  EXPECT_THAT(problems_of("udpsrc port=70000 ! fakesink"), HasSubstr("it takes 0 to 65535"));
  EXPECT_THAT(problems_of("audiotestsrc wave=sinus ! fakesink"), HasSubstr("it takes one of sine"));
  EXPECT_THAT(problems_of("audiotestsrc is-live=perhaps ! fakesink"), HasSubstr("true or false"));
}

TEST_F(PipelineBuilderTest, WhatDoesNotParseOrLinkHasItsLine) {
  EXPECT_THAT(problems_of("fakesrc !\n\n! fakesink"), HasSubstr("gst-launch-1.0's syntax"));
  EXPECT_THAT(problems_of("audiotestsrc !\nvideoconvert ! fakesink"),
              HasSubstr("x:5: could not link"));
}

TEST_F(PipelineBuilderTest, AKnobMustNameAnElementAndAPropertyOfIt) {
  EXPECT_THAT(problems_of("volume name=v", "\nloud = w.volume"),
              HasSubstr("x:4: knob 'loud': no element is named 'w'; give one name=w"));
  EXPECT_THAT(
      problems_of("volume name=v", "\nloud = v.volum"),
      HasSubstr("x:4: knob 'loud': 'v' has no property 'volum' that can be set; did you mean"));
}

class AnyValueTest : public testing::TestWithParam<std::string> {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }
};

TEST_P(AnyValueTest, ArrivesAsItIsAndCannotAddElements) {
  Problems problems;
  const auto file = PipelineFile::parse(
      "[parameters]\nout = string\n[launch]\nfakesrc ! filesink name=s location=${out} "
      "async=false\n"
      "fakesrc ! filesink name=t location=/tmp/${out}.wav",
      "x", problems);
  ASSERT_TRUE(file) << text_of(problems);
  const auto pipeline = build_pipeline(*file, {{"out", GetParam()}}, problems);
  ASSERT_TRUE(pipeline) << text_of(problems);
  EXPECT_EQ(GST_BIN_NUMCHILDREN(pipeline.get()), 4);
  char* location = nullptr;
  const GstObjectPtr<GstElement> sink(gst_bin_get_by_name(GST_BIN(pipeline.get()), "s"));
  g_object_get(sink.get(), "location", &location, nullptr);
  EXPECT_EQ(location ? location : "", GetParam());
  g_free(location);
  const GstObjectPtr<GstElement> part(gst_bin_get_by_name(GST_BIN(pipeline.get()), "t"));
  g_object_get(part.get(), "location", &location, nullptr);
  EXPECT_EQ(location ? location : "", "/tmp/" + GetParam() + ".wav");
  g_free(location);
}

INSTANTIATE_TEST_SUITE_P(Values, AnyValueTest,
                         testing::Values("plain", "two words", "a  b", " lead", "trail ",
                                         "x ! fakesink", "\"quoted\"", "\"", "'", "it's",
                                         "back\\slash", "end\\", "end\\\\", "\\", "a=b", "a;b",
                                         "(x)", "#", "$HOME", "${out}", "`x`", "*", "-x", "a -b",
                                         "é ñ 漢", "%d", "a,b", "\"a\" \"b\"", "t. ! fakesink",
                                         "\\\" ! fakesink name=\\\""));

TEST(LaunchTextTest, FindsElementsAndTheirProperties) {
  const auto words =
      launch_words("a p=1 ! audio/x-raw, rate=8000 ! b q=\"x ! y\"\n r=a\\ b x. ! c");
  std::string seen;
  for (const LaunchWord& word : words) {
    seen += word.element + "." + word.property + "=" + word.value + ";";
  }
  EXPECT_EQ(seen, "a.=;a.p=1;b.=;b.q=\"x ! y\";b.r=a\\ b;c.=;");
}

TEST(LaunchTextTest, SuggestsOnlyWhatIsAlike) {
  EXPECT_EQ(did_you_mean("prot", {"port", "peer"}), "did you mean 'port'?");
  EXPECT_EQ(did_you_mean("volume", {"port", "peer"}), "");
}

}  // namespace
}  // namespace dragoman
