// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/stations/knob_registry.h"

#include <gmock/gmock.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include "launcher/util/values.h"
#include "plugins/common/handles.h"

namespace dragoman {
namespace {

using testing::HasSubstr;

constexpr char kFile[] = R"([pipeline]
description = test
[parameters]
station = string St_3      station
other   = string St_5      station
gain-db = decibel -6       gain
agc     = bool false       agc
[knobs]
gain_db = gain.volume
hears_gain_db = hears.volume
agc.enabled = dsp.gain-control
agc.target_level_dbfs = dsp.target-level-dbfs
tone.frequency = tone.freq
tone.live = tone.is-live
[launch]
audiotestsrc name=tone freq=880 ! stationprobe station=${station} tap=PRE !
  volume name=gain volume=${gain-db} ! webrtcdsp name=dsp gain-control=${agc} target-level-dbfs=18 !
  stationprobe station=${other} ! volume name=hears ! fakesink
)";

std::vector<KnobSpec> knobs_in(const std::string& text, Problems& problems) {
  const auto file = PipelineFile::parse(text, "test.pipeline", problems);
  return file ? knobs_of(*file, {}, problems) : std::vector<KnobSpec>();
}

KnobSpec knob_named(const std::string& name) {
  Problems problems;
  for (const KnobSpec& spec : knobs_in(kFile, problems))
    if (spec.name == name) return spec;
  ADD_FAILURE() << name << " is not there; " << text_of(problems);
  return {};
}

std::string error_of(const KnobSpec& spec, const std::string& text) {
  std::string error;
  EXPECT_FALSE(parse_knob_value(spec, text, error)) << text;
  return error;
}

TEST(KnobRegistry, AKnobStandsAtWhatThePipelineFileStartsWith) {
  EXPECT_EQ(json_of(knob_named("gain_db").fallback), "-6");
  EXPECT_EQ(json_of(knob_named("hears_gain_db").fallback), "0");
  EXPECT_EQ(json_of(knob_named("agc.enabled").fallback), "false");
  EXPECT_EQ(json_of(knob_named("agc.target_level_dbfs").fallback), "-18");
  EXPECT_EQ(json_of(knob_named("tone.frequency").fallback), "880");
}

TEST(KnobRegistry, AKnobActsAtTheStationBeforeIt) {
  EXPECT_EQ(knob_named("gain_db").station, "St_3");
  EXPECT_EQ(knob_named("agc.enabled").station, "St_3");
  EXPECT_EQ(knob_named("hears_gain_db").station, "St_5");
  EXPECT_EQ(knob_named("tone.frequency").station, "");
}

TEST(KnobRegistry, ValuesBecomeTheProperties) {
  std::string error;
  const KnobSpec gain = knob_named("gain_db"), level = knob_named("agc.target_level_dbfs");
  EXPECT_EQ(property_text(gain, *parse_knob_value(gain, "-20", error)), "0.1");
  EXPECT_EQ(property_text(gain, *parse_knob_value(gain, "0", error)), "1");
  EXPECT_EQ(property_text(level, *parse_knob_value(level, "-18", error)), "18");
  const KnobSpec agc = knob_named("agc.enabled");
  EXPECT_EQ(property_text(agc, *parse_knob_value(agc, "ON", error)), "true");
}

TEST(KnobRegistry, ABadValueIsRefusedWithTheRange) {
  EXPECT_THAT(error_of(knob_named("gain_db"), "20.5"), HasSubstr("-100 to 20 dB"));
  EXPECT_THAT(error_of(knob_named("gain_db"), "loud"), HasSubstr("'loud'"));
  EXPECT_THAT(error_of(knob_named("gain_db"), "nan"), HasSubstr("gain_db"));
  EXPECT_THAT(error_of(knob_named("gain_db"), ""), HasSubstr("gain_db"));
  EXPECT_THAT(error_of(knob_named("agc.target_level_dbfs"), "18"), HasSubstr("-31 to 0 dBFS"));
  EXPECT_THAT(error_of(knob_named("agc.target_level_dbfs"), "-3.5"), HasSubstr("a whole number"));
  EXPECT_THAT(error_of(knob_named("agc.enabled"), "2"), HasSubstr("true or false"));
}

TEST(KnobRegistry, AnyOtherKnobHasTheTypeAndRangeOfItsProperty) {
  const KnobSpec frequency = knob_named("tone.frequency");
  EXPECT_EQ(frequency.type, KnobType::kNumber);
  EXPECT_THAT(range_text(frequency), HasSubstr("0 to "));
  EXPECT_EQ(knob_named("tone.live").type, KnobType::kBool);
  EXPECT_EQ(json_of(knob_named("tone.live").fallback), "false");
}

TEST(KnobRegistry, AKnobOnSomethingElseIsAProblemOfItsLine) {
  Problems problems;
  knobs_in(
      "[knobs]\nshape = tone.wave\nnone = tone.nothing\n[launch]\naudiotestsrc name=tone ! "
      "fakesink\n",
      problems);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_THAT(problems[0].text(), HasSubstr("test.pipeline:2: knob 'shape'"));
  EXPECT_THAT(problems[1].text(), HasSubstr("has no property 'nothing'"));
}

TEST(KnobRegistry, TheKnownRangesFitTheElements) {
  gst_init(nullptr, nullptr);
  const GstObjectPtr<GstElement> dsp(gst_element_factory_make("webrtcdsp", nullptr)),
      volume(gst_element_factory_make("volume", nullptr));
  ASSERT_TRUE(dsp && volume);
  for (const KnobSpec& spec : known_knobs()) {
    GstElement* element = spec.property == "volume" ? volume.get() : dsp.get();
    GParamSpec* property =
        g_object_class_find_property(G_OBJECT_GET_CLASS(element), spec.property.c_str());
    ASSERT_TRUE(property) << spec.property;
    std::vector<KnobValue> ends;
    if (spec.type == KnobType::kBool)
      ends = {false, true};
    else if (spec.type == KnobType::kInt)
      ends = {static_cast<int64_t>(spec.low), static_cast<int64_t>(spec.high)};
    else
      ends = {spec.low, spec.high};
    for (const KnobValue& end : ends) {
      GValue value = G_VALUE_INIT;
      std::string error;
      EXPECT_TRUE(value_from_text(property_text(spec, end), property, &value, error)) << error;
      if (G_IS_VALUE(&value)) g_value_unset(&value);
    }
  }
}

}  // namespace
}  // namespace dragoman
