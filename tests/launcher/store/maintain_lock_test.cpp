// SPDX-License-Identifier: LGPL-2.1-or-later
// How long the maintenance keeps another writer of the journal waiting.
#include "launcher/store/maintain/maintain.h"
#include "tests/launcher/store/other_writer.h"

namespace dragoman {
namespace {

using std::chrono::milliseconds;
using MaintainLockTest = StoreTest;

TEST_F(MaintainLockTest, a_large_journal_is_maintained_without_holding_up_a_writer) {
  Journal::open(path())->append(trace_row());
  fill_metrics(path(), 1'000'000);
  // A log of many pages, and unused ones.
  Database database(path(), DatabaseAccess::kReadWrite);
  database.run("PRAGMA wal_autocheckpoint = 0; DELETE FROM metrics_agg_5s WHERE rowid % 2 = 0");
  MaintainOptions options{.backups = folder() + "/none", .now = kNoon};
  options.config.paths.data = folder();
  options.config.paths.audio = folder() + "/audio";
  OtherWriter writer(path());
  Witness witness;
  for (const MaintainPeriod period : {MaintainPeriod::kDaily, MaintainPeriod::kWeekly}) {
    run_steps(steps_of(period), options, false,
              [](const MaintainStep& step, const StepReport& report) {
                std::printf("%s: %.2f s %s\n", step.name, report.took.count(), report.text.c_str());
              });
  }
  writer.stop();
  const milliseconds stall = witness.stop();
  std::printf("longest wait of %lu writes %ld ms; the machine's own longest stall %ld ms\n",
              writer.written(), long{writer.longest().count()}, long{stall.count()});
  EXPECT_LE(writer.longest(), milliseconds(50) + stall);
  EXPECT_GT(writer.written(), 100u);
}

}  // namespace
}  // namespace dragoman
