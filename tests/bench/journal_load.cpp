// SPDX-License-Identifier: LGPL-2.1-or-later
// What the journal costs: journal-load rows|calls|commits|empty FOLDER. Prints one JSON object;
// empty only makes the file. The rows are those of 100 calls: 4 taps, 22 parameters, every 5 s.
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "launcher/store/database.h"
#include "launcher/store/journal.h"
#include "launcher/store/row_queue.h"
#include "launcher/store/row_writer.h"

namespace dragoman {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kCalls = 100, kTaps = 4, kParameters = 22, kBucketSeconds = 5;
constexpr uint64_t kRowsPerBucket = kCalls * kTaps * kParameters;
constexpr uint64_t kStart = 1'772'366'400'000'000'000, kSecond = 1'000'000'000;

/// Row `number` of the load, in the order in which taps report.
MetricRow row(uint64_t number) {
  MetricRow row;
  const uint64_t in_bucket = number % kRowsPerBucket, tap = in_bucket / kParameters;
  row.trace_id = "5f0c2e7a-3f1b-4d55-9b1e-" + std::to_string(100'000'000'000 + tap / kTaps);
  row.station_key = tap % kTaps < 2 ? "St_3" : "St_4";
  row.tap = tap % 2 ? "POST" : "PRE";
  row.metric_key = "audio_parameter_" + std::to_string(in_bucket % kParameters);
  row.bucket_ts = kStart + number / kRowsPerBucket * kBucketSeconds * kSecond;
  row.count = 250;
  row.min = -60.25;
  row.max = -12.5;
  row.avg = -24.123456;
  row.last = -30.5;
  return row;
}

double seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

struct Meter {
  double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC);
  double cpu_taken() const { return seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu; }
  double wall_taken() const { return seconds(CLOCK_MONOTONIC) - wall; }
};

/// As many rows as fit through, and nothing dropped.
void measure_rows(const std::string& folder, uint64_t rows) {
  auto journal = Journal::open(journal_path(folder));
  const Meter meter;
  for (uint64_t number = 0; number < rows; ++number) {
    journal->append(row(number));
    if (number % 32768 == 32767) journal->flush();
  }
  journal->flush();
  const double cpu = meter.cpu_taken(), wall = meter.wall_taken();
  std::printf(
      "{\"rows\": %lu, \"rows_per_cpu_second\": %.0f, \"rows_per_second\": %.0f, "
      "\"dropped\": %lu}\n",
      rows, static_cast<double>(rows) / cpu, static_cast<double>(rows) / wall, journal->dropped());
}

/// The rows of 100 calls as they come, for `duration` seconds after a history of five minutes.
void measure_calls(const std::string& folder, int duration) {
  auto journal = Journal::open(journal_path(folder));
  uint64_t number = 0;
  for (; number < 300 / kBucketSeconds * kRowsPerBucket; ++number) {
    if (number % 32768 == 0) journal->flush();
    journal->append(row(number));
  }
  journal->flush();
  const Meter meter;
  for (int bucket = 0; bucket < duration / kBucketSeconds; ++bucket) {
    const Clock::time_point next = Clock::now() + std::chrono::seconds(kBucketSeconds);
    for (uint64_t i = 0; i < kRowsPerBucket; ++i) journal->append(row(number++));
    std::this_thread::sleep_until(next);
  }
  std::printf("{\"calls\": %d, \"cpu_pct_of_a_core\": %.2f, \"dropped\": %lu}\n", kCalls,
              100 * meter.cpu_taken() / meter.wall_taken(), journal->dropped());
}

/// Milliseconds of each of `count` transactions with a second's rows of 100 calls.
std::vector<double> commits(const std::string& path, const char* synchronous, int count) {
  Journal::open(path);
  Database database(path, DatabaseAccess::kReadWrite);
  database.run(std::string("PRAGMA synchronous = ") + synchronous);
  RowWriter writer(database);
  std::vector<double> taken;
  uint64_t number = 0;
  for (int i = 0; i < count; ++i) {
    Rows rows;
    for (uint64_t j = 0; j < kRowsPerBucket / kBucketSeconds; ++j) {
      rows.metrics.push_back(row(number++));
    }
    const Meter meter;
    writer.write(rows);
    taken.push_back(1000 * meter.wall_taken());
  }
  std::sort(taken.begin(), taken.end());
  return taken;
}

void measure_commits(const std::string& folder) {
  std::printf("{");
  for (const char* synchronous : {"FULL", "NORMAL", "OFF"}) {
    const std::vector<double> taken = commits(folder + "/" + synchronous + ".db", synchronous, 100);
    std::printf("%s\"%s\": {\"p50_ms\": %.1f, \"p95_ms\": %.1f}",
                synchronous == std::string("FULL") ? "" : ", ", synchronous,
                taken[taken.size() / 2], taken[taken.size() * 95 / 100]);
  }
  std::printf("}\n");
}

}  // namespace
}  // namespace dragoman

int main(int argc, char** argv) {
  const std::string what = argc == 3 ? argv[1] : "";
  if (what == "rows") {
    dragoman::measure_rows(argv[2], 300'000);
  } else if (what == "calls") {
    dragoman::measure_calls(argv[2], 30);
  } else if (what == "commits") {
    dragoman::measure_commits(argv[2]);
  } else if (what == "empty") {
    dragoman::Journal::open(dragoman::journal_path(argv[2]));
  } else {
    std::fprintf(stderr, "journal-load rows|calls|commits|empty FOLDER\n");
    return 2;
  }
}
