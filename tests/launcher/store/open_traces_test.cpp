// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/open_traces.h"

#include "launcher/store/iso_time.h"
#include "tests/launcher/store/store_fixture.h"

namespace dragoman {
namespace {

class OpenTraces : public StoreTest {};

TEST_F(OpenTraces, a_trace_without_an_end_ends_with_the_last_that_is_known_of_it) {
  const auto journal = Journal::open(path());
  journal->append(trace_row("measured"));
  SegmentRow segment;
  segment.trace_id = "measured";
  segment.station_key = "St_3";
  segment.tap = "PRE";
  segment.bucket_ts = kNoon + 15 * kSecondNs;
  segment.file_path = "/a.wav";
  journal->append(segment);
  journal->append(trace_row("silent"));
  TraceRow whole = trace_row("whole");
  whole.ended_at = kNoon + 3 * kSecondNs;
  journal->append(whole);
  journal->flush();

  EXPECT_EQ(end_open_traces(path()), 2u);
  const auto end_of = [this](const std::string& id) {
    return ask("SELECT ended_at FROM traces WHERE trace_id = '" + id + "'");
  };
  EXPECT_EQ(end_of("measured"), iso_time(kNoon + 15 * kSecondNs));
  EXPECT_EQ(end_of("silent"), iso_time(kNoon));
  EXPECT_EQ(end_of("whole"), iso_time(kNoon + 3 * kSecondNs));
  EXPECT_EQ(end_open_traces(path()), 0u);
}

}  // namespace
}  // namespace dragoman
