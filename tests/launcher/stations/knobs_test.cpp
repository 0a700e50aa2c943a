// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/stations/knobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/main_loop.h"
#include "tests/fakes/media_workers.h"
#include "tests/fakes/memory_journal.h"

namespace dragoman {
namespace {

using testing::HasSubstr;
using Level = KnobSetting::Level;

KnobSpec known(const std::string& name, const std::string& station) {
  for (KnobSpec spec : known_knobs()) {
    spec.station = station;
    if (spec.name == name) return spec;
  }
  return {};
}

RouteKnobs two_routes() {
  RouteKnobs routes;
  for (const auto& [extension, station] : {std::pair("3333", "St_3"), std::pair("4444", "St_4")})
    routes[extension] = {known("agc.enabled", station), known("gain_db", station)};
  return routes;
}

class KnobsTest : public testing::Test {
 protected:
  void configure(const std::vector<KnobSetting>& settings) {
    knobs = std::make_unique<Knobs>(two_routes(), settings, workers, journal);
  }
  std::string refusal(const KnobSetting& setting) {
    try {
      configure({setting});
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "accepted";
  }
  void SetUp() override { configure({}); }

  /// Both parties of a call, playing.
  void call(const std::string& trace) {
    for (const char* extension : {"3333", "4444"}) {
      const std::string leg = trace + "-" + extension;
      PipelineRequest request{.id = leg, .file = "x", .parameters = {{"port", "4000"}}};
      request.knobs = knobs->begin(leg, trace, extension);
      workers.start(request, trace, [](const std::string&, int) {});
    }
    fakes::run_for(1);
  }
  std::string standing(const std::string& trace, const std::string& extension,
                       const std::string& name) {
    const auto& leg = workers.running.at(trace + "-" + extension).request.knobs;
    return leg.contains(name) ? leg.at(name) : "-";
  }
  Knobs::Outcome turn(const KnobSelection& selection, const std::string& name,
                      const std::optional<std::string>& value) {
    Knobs::Outcome result{"no answer", {}};
    knobs->turn(selection, name, value, "ana",
                [&](const Knobs::Outcome& outcome) { result = outcome; });
    return result;
  }
  std::string from(const KnobSelection& selection, const std::string& name) {
    std::string error, text;
    for (const KnobState& state : knobs->list(selection, error))
      if (state.spec.name == name) text += json_of(state.value) + " " + name_of(state.from) + " ";
    return text + error;
  }

  fakes::FakeWorkers workers;
  fakes::MemoryJournal journal;
  std::unique_ptr<Knobs> knobs;
};

TEST_F(KnobsTest, TheCloserSettingCounts) {
  configure({{Level::kDefault, "", "gain_db", "1", "f:1"}});
  call("t1");
  EXPECT_EQ(from({.call = "t1", .extension = "3333"}, "gain_db"), "1 default ");
  EXPECT_EQ(from({.call = "t1", .extension = "3333"}, "agc.enabled"), "true pipeline ");
  turn({.station = "St_3"}, "gain_db", "2");
  EXPECT_EQ(from({.call = "t1"}, "gain_db"), "2 station 1 default ");
  turn({.extension = "3333"}, "gain_db", "3");
  turn({.station = "St_3"}, "gain_db", "2.5");
  EXPECT_EQ(from({.call = "t1"}, "gain_db"), "3 extension 1 default ");
  turn({.call = "t1"}, "gain_db", "4");
  EXPECT_EQ(from({.call = "t1"}, "gain_db"), "4 call 4 call ");
  turn({.call = "t1", .station = "St_4"}, "gain_db", "5");
  EXPECT_EQ(from({.call = "t1"}, "gain_db"), "4 call 5 call ");
  turn({.call = "t1", .station = "St_4"}, "gain_db", std::nullopt);
  turn({.call = "t1"}, "gain_db", std::nullopt);
  turn({.extension = "3333"}, "gain_db", std::nullopt);
  EXPECT_EQ(from({.call = "t1"}, "gain_db"), "2.5 station 1 default ");
  EXPECT_EQ(standing("t1", "3333", "gain_db"), "1.33352143");
}

TEST_F(KnobsTest, ACallBeginsWithWhatIsSetAndNothingElse) {
  configure({{Level::kExtension, "3333", "agc.enabled", "no", "f:1"},
             {Level::kStation, "St_4", "gain_db", "-20", "f:2"}});
  call("t1");
  EXPECT_EQ(standing("t1", "3333", "agc.enabled"), "false");
  EXPECT_EQ(standing("t1", "4444", "agc.enabled"), "-");
  EXPECT_EQ(standing("t1", "4444", "gain_db"), "0.1");
  EXPECT_EQ(standing("t1", "3333", "gain_db"), "-");
}

TEST_F(KnobsTest, ASettingOfAllReachesEveryCallThatHasNoCloserOne) {
  call("t1");
  call("t2");
  turn({.call = "t2"}, "agc.enabled", "true");
  const Knobs::Outcome outcome = turn({}, "agc.enabled", "false");
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.changes.size(), 2u);
  EXPECT_EQ(standing("t1", "3333", "agc.enabled"), "false");
  EXPECT_EQ(standing("t1", "4444", "agc.enabled"), "false");
  EXPECT_EQ(standing("t2", "3333", "agc.enabled"), "true");
  call("t3");
  EXPECT_EQ(standing("t3", "3333", "agc.enabled"), "false");
}

TEST_F(KnobsTest, EachChangeOfACallIsARowWithOldAndNewAndWho) {
  call("t1");
  turn({.call = "t1", .extension = "3333"}, "gain_db", "-6");
  ASSERT_EQ(journal.knob_events.size(), 1u);
  const KnobEventRow& row = journal.knob_events[0];
  EXPECT_EQ(row.trace_id + row.station_key + row.knob_key, "t1St_3gain_db");
  EXPECT_EQ(row.old_value + "," + row.new_value, "0,-6");
  EXPECT_EQ(row.changed_by, "ana");
  EXPECT_GT(row.created_at, 0u);
  turn({.station = "St_3"}, "gain_db", "9");  // the call's own counts: no call is concerned
  ASSERT_EQ(journal.knob_events.size(), 2u);
  EXPECT_EQ(journal.knob_events[1].trace_id, "");
  EXPECT_EQ(journal.knob_events[1].old_value + "," + journal.knob_events[1].new_value, ",9");
}

TEST_F(KnobsTest, ASnapshotHasWhatTheKnobsOfTheStationStandAt) {
  call("t1");
  turn({.call = "t1", .extension = "4444"}, "gain_db", "1.5");
  EXPECT_EQ(knobs->values_at("t1", "St_4"), R"({"agc.enabled": true, "gain_db": 1.5})");
  EXPECT_EQ(knobs->values_at("t1", "St_3"), R"({"agc.enabled": true, "gain_db": 0})");
  EXPECT_EQ(knobs->values_at("t1", "St_9"), "{}");
  EXPECT_EQ(knobs->values_at("t2", "St_3"), "{}");
}

TEST_F(KnobsTest, WhatTheWorkerRefusesStaysAndIsNoRow) {
  call("t1");
  workers.refuse_knobs = "no element is named 'dsp'";
  const Knobs::Outcome outcome = turn({.call = "t1", .extension = "3333"}, "gain_db", "3");
  ASSERT_EQ(outcome.changes.size(), 1u);
  EXPECT_THAT(outcome.changes[0].error, HasSubstr("dsp"));
  EXPECT_TRUE(journal.knob_events.empty());
  EXPECT_THAT(knobs->values_at("t1", "St_3"), HasSubstr("\"gain_db\": 0"));
}

TEST_F(KnobsTest, WhatACallWasGivenIsGoneWithIt) {
  call("t1");
  turn({.call = "t1"}, "gain_db", "3");
  knobs->end("t1-3333");
  EXPECT_EQ(from({.call = "t1"}, "gain_db"), "3 call ");
  knobs->end("t1-4444");
  EXPECT_THAT(from({.call = "t1"}, "gain_db"), HasSubstr("no call 't1' is running"));
  call("t1");
  EXPECT_EQ(standing("t1", "3333", "gain_db"), "-");
}

TEST_F(KnobsTest, WhatIsWrongIsSaidWithTheCure) {
  call("t1");
  EXPECT_THAT(turn({}, "agc.enable", "true").error, HasSubstr("did you mean 'agc.enabled'"));
  EXPECT_THAT(turn({}, "gain_db", "99").error, HasSubstr("-100 to 20 dB"));
  EXPECT_THAT(turn({.call = "t9"}, "gain_db", "1").error, HasSubstr("there are: t1"));
  EXPECT_THAT(turn({.station = "St_9"}, "gain_db", "1").error, HasSubstr("St_3, St_4"));
  EXPECT_THAT(turn({.extension = "9"}, "gain_db", "1").error, HasSubstr("3333, 4444"));
  EXPECT_THAT(turn({.station = "St_3", .extension = "3333"}, "gain_db", "1").error,
              HasSubstr("not both"));
  EXPECT_THAT(turn({}, "gain_db", std::nullopt).error, HasSubstr("is not set there"));
  EXPECT_TRUE(journal.knob_events.empty());
}

TEST_F(KnobsTest, AConfigurationThatIsWrongStopsTheStartWithItsLine) {
  EXPECT_EQ(refusal({Level::kDefault, "", "gain_db", "3", "f:7"}), "accepted");
  EXPECT_THAT(refusal({Level::kDefault, "", "agc.enable", "true", "f:7"}),
              HasSubstr("f:7: no knob 'agc.enable'; did you mean 'agc.enabled'"));
  EXPECT_THAT(refusal({Level::kStation, "St_7", "gain_db", "3", "f:8"}),
              HasSubstr("f:8: no station"));
  EXPECT_THAT(refusal({Level::kExtension, "3333", "agc.enabled", "maybe", "f:9"}),
              HasSubstr("f:9: 'maybe' is not a value of agc.enabled; give true or false"));
}

TEST(KnobConfig, SettingsComeWithTheirLevelAndLine) {
  const Config config = Config::parse(
      "[knobs]\nagc.enabled = false\n[knobs St_3]\ngain_db = -3\n[extension 5555]\nlanguage = en\n"
      "knob.gain_db = 2\n",
      "x.conf", {});
  ASSERT_EQ(config.knobs.size(), 3u);
  EXPECT_EQ(config.knobs[0].name + config.knobs[0].value, "agc.enabledfalse");
  EXPECT_EQ(config.knobs[0].where, "x.conf:2");
  EXPECT_EQ(config.knobs[1].level, Level::kStation);
  EXPECT_EQ(config.knobs[1].key + config.knobs[1].where, "St_3x.conf:4");
  EXPECT_EQ(config.knobs[2].level, Level::kExtension);
  EXPECT_EQ(config.knobs[2].key + config.knobs[2].name + config.knobs[2].where,
            "5555gain_dbx.conf:7");
}

}  // namespace
}  // namespace dragoman
