// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/calls/traces.h"

#include <gtest/gtest.h>

namespace dragoman {
namespace {

const Route kEnglish{.extension = "3333", .partner = "4444"};
const Route kSpanish{.extension = "4444", .partner = "3333"};
const Route kAlone{.extension = "5555"};

class TracesTest : public testing::Test {
 protected:
  int made = 0;
  Traces traces{[this] { return "t" + std::to_string(++made); }};
};

TEST_F(TracesTest, WhoeverCallsFirstOpensTheTraceAndThePartnerJoins) {
  const Traces::Joined first = traces.join(kSpanish, 10);
  EXPECT_TRUE(first.opened);
  EXPECT_EQ(first.row.src_extension, "4444");
  EXPECT_EQ(first.row.started_at, 10u);
  EXPECT_FALSE(first.row.dst_extension);
  const Traces::Joined second = traces.join(kEnglish, 20);
  EXPECT_FALSE(second.opened);
  EXPECT_EQ(second.row.trace_id, first.row.trace_id);
  EXPECT_EQ(second.row.dst_extension, "3333");
  EXPECT_EQ(second.row.started_at, 10u);
}

TEST_F(TracesTest, SeveralPairsAtOnceAreMadeInTheOrderOfTheCalls) {
  EXPECT_EQ(traces.join(kEnglish, 1).row.trace_id, "t1");
  EXPECT_EQ(traces.join(kEnglish, 2).row.trace_id, "t2");
  EXPECT_EQ(traces.join(kEnglish, 3).row.trace_id, "t3");
  EXPECT_EQ(traces.join(kSpanish, 4).row.trace_id, "t1");
  EXPECT_EQ(traces.join(kSpanish, 5).row.trace_id, "t2");
  EXPECT_EQ(traces.join(kSpanish, 6).row.trace_id, "t3");
  EXPECT_EQ(traces.join(kSpanish, 7).row.trace_id, "t4");
  EXPECT_EQ(traces.open(), 4u);
}

TEST_F(TracesTest, ATraceEndsWithItsLastParty) {
  traces.join(kEnglish, 1);
  traces.join(kSpanish, 2);
  std::optional<Traces::Left> left = traces.leave("t1", "3333", 8);
  ASSERT_TRUE(left);
  EXPECT_FALSE(left->closed);
  EXPECT_FALSE(left->row.ended_at);
  left = traces.leave("t1", "4444", 9);
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->closed);
  EXPECT_EQ(left->row.ended_at, 9u);
  EXPECT_EQ(left->row.dst_extension, "4444");
  EXPECT_EQ(traces.open(), 0u);
}

TEST_F(TracesTest, APartyMayComeBackWhileTheOtherWaits) {
  traces.join(kEnglish, 1);
  traces.join(kSpanish, 2);
  traces.leave("t1", "3333", 3);
  const Traces::Joined again = traces.join(kEnglish, 4);
  EXPECT_FALSE(again.opened);
  EXPECT_EQ(again.row.trace_id, "t1");
  EXPECT_EQ(again.leg, 2);
  EXPECT_EQ(again.row.dst_extension, "4444");
}

TEST_F(TracesTest, AnExtensionWithoutPartnerIsAlwaysAlone) {
  EXPECT_TRUE(traces.join(kAlone, 1).opened);
  EXPECT_TRUE(traces.join(kAlone, 2).opened);
  EXPECT_EQ(traces.open(), 2u);
}

TEST_F(TracesTest, LeavingTwiceIsLeavingOnce) {
  traces.join(kEnglish, 1);
  EXPECT_TRUE(traces.leave("t1", "3333", 2));
  EXPECT_FALSE(traces.leave("t1", "3333", 3));
  EXPECT_FALSE(traces.leave("no such", "3333", 3));
}

}  // namespace
}  // namespace dragoman
