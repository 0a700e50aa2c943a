// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/calls/ports.h"

#include <gtest/gtest.h>

namespace dragoman {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

TEST(Ports, GivesEvenPortsOfTheRangeLowestFirst) {
  Ports ports(4001, 4005);
  EXPECT_EQ(ports.take(), 4002);
  EXPECT_EQ(ports.take(), 4004);
  EXPECT_EQ(ports.take(), std::nullopt);
  ports.release(4002);
  EXPECT_EQ(ports.take(), 4002);
}

TEST(Ports, ARoutesOwnPortComesFirstEvenOutsideTheRange) {
  Ports ports(4000, 4010);
  EXPECT_EQ(ports.take(6000), 6000);
  EXPECT_EQ(ports.take(6000), 4000);
}

TEST(Ports, APortOfAnotherProgramIsLeftAloneForAWhile) {
  steady_clock::time_point now{};
  Ports ports(4000, 4003, [&] { return now; });
  EXPECT_EQ(ports.take(), 4000);
  ports.avoid(4000);
  EXPECT_EQ(ports.taken(), 0u);
  EXPECT_EQ(ports.take(4000), 4002);
  now += Ports::kAvoid;
  EXPECT_EQ(ports.take(4000), 4000);
}

}  // namespace
}  // namespace dragoman
