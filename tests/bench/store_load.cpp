// SPDX-License-Identifier: LGPL-2.1-or-later
// What bench.py store times: store-load journal FOLDER ROWS writes metric rows through the journal
// and prints, as JSON, the rows, the seconds and the CPU seconds that took; store-load ship FOLDER
// CONNINFO ships them to PostgreSQL.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "launcher/store/journal.h"
#include "launcher/store/shipper.h"

namespace dragoman {
namespace {

constexpr uint64_t kNoon = 1'772'366'400'000'000'000;
constexpr uint64_t kBucketNs = 5'000'000'000;
constexpr int kParameters = 70, kStations = 6, kCalls = 20;
/// Of a flush: about a second of a hundred calls.
constexpr uint64_t kRowsPerFlush = 32768;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// The rows in the order in which they come: bucket, call, station, tap, parameter.
MetricRow row_at(uint64_t number) {
  MetricRow row;
  row.metric_key = "parameter_" + std::to_string(number % kParameters);
  number /= kParameters;
  row.tap = number % 2 ? "POST" : "PRE";
  number /= 2;
  row.station_key = "St_" + std::to_string(3 + number % kStations);
  number /= kStations;
  row.trace_id = "2026-03-01-call-" + std::to_string(number % kCalls);
  number /= kCalls;
  row.bucket_ts = kNoon + number * kBucketNs;
  row.count = 250;
  row.min = -0.125 * static_cast<double>(number % 97);
  row.max = row.min + 3;
  row.avg = row.min + 1.0 / 3;
  row.last = row.min + 1;
  return row;
}

int load_journal(const std::string& folder, uint64_t rows) {
  auto journal = Journal::open(journal_path(folder));
  const auto start = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  for (uint64_t number = 0; number < rows; ++number) {
    journal->append(row_at(number));
    if ((number + 1) % kRowsPerFlush == 0) journal->flush();
  }
  journal->flush();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("{\"rows\": %lu, \"seconds\": %.3f, \"cpu_seconds\": %.3f, \"dropped\": %lu}\n", rows,
              took.count(), cpu_seconds() - cpu, journal->dropped());
  return journal->dropped() == 0 ? 0 : 1;
}

int ship(const std::string& folder, const std::string& conninfo) {
  const auto start = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  Shipper shipper(journal_path(folder), PgTarget(conninfo, ""));
  bool all = false;
  // Until it is connected there is nothing to wait for.
  while (!(all = shipper.finish(std::chrono::minutes(30))) &&
         shipper.status().state == ShipperState::kConnecting) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("{\"rows\": %lu, \"seconds\": %.3f, \"cpu_seconds\": %.3f}\n",
              shipper.status().rows_shipped, took.count(), cpu_seconds() - cpu);
  return all ? 0 : 1;
}

}  // namespace
}  // namespace dragoman

int main(int argc, char** argv) {
  if (argc == 4 && !std::strcmp(argv[1], "journal"))
    return dragoman::load_journal(argv[2], std::strtoull(argv[3], nullptr, 10));
  if (argc == 4 && !std::strcmp(argv[1], "ship")) return dragoman::ship(argv[2], argv[3]);
  std::fprintf(stderr, "usage: store-load journal FOLDER ROWS | ship FOLDER CONNINFO\n");
  return 2;
}
