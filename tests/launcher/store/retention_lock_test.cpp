// SPDX-License-Identifier: LGPL-2.1-or-later
// How long the retention keeps another writer of the journal waiting.
#include "launcher/store/removal.h"
#include "tests/launcher/store/other_writer.h"

namespace dragoman {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using RetentionLockTest = StoreTest;

TEST_F(RetentionLockTest, a_million_rows_go_without_holding_up_a_writer) {
  Journal::open(path())->append(trace_row());
  fill_metrics(path(), 1'000'000);
  OtherWriter writer(path());
  Witness witness;
  Removal remover(path(), {.audio_folder = folder(), .pause = [](std::chrono::nanoseconds time) {
                             std::this_thread::sleep_for(time);
                             return true;
                           }});
  const Clock::time_point begin = Clock::now();
  EXPECT_EQ(remover.remove(RowKind::kMetric, Removal::kAnyAge), 1'000'000u);
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
  writer.stop();
  const milliseconds stall = witness.stop();
  const auto held = std::chrono::duration_cast<milliseconds>(remover.take().longest_lock);
  std::printf(
      "1 000 000 rows in %ld ms; longest lock %ld ms; longest wait of %lu writes %ld ms; "
      "the machine's own longest stall %ld ms\n",
      long{took.count()}, long{held.count()}, writer.written(), long{writer.longest().count()},
      long{stall.count()});
  EXPECT_LE(held, milliseconds(50) + stall);
  EXPECT_LE(writer.longest(), milliseconds(50) + stall);
  EXPECT_GT(writer.written(), 100u);
}

}  // namespace
}  // namespace dragoman
