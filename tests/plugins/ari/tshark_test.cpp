// SPDX-License-Identifier: LGPL-2.1-or-later
// RtpAccount against tshark's RTP stream analysis of the same packets.
#include <glib.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>

#include "plugins/ari/stream_report.h"
#include "plugins/common/handles.h"

namespace dragoman {
namespace {

struct Arrival {
  int64_t at_ns;
  int index;
};

/// 10 % lost, 3 % twice, with jitter that reorders now and then, over the wrap of the sequence.
std::vector<Arrival> bad_network(int packets) {
  std::mt19937 random(5);
  std::exponential_distribution<double> jitter_ms(1 / 6.0);
  std::vector<Arrival> arrivals;
  for (int i = 0; i < packets; ++i) {
    const auto at = static_cast<int64_t>((20 * i + jitter_ms(random)) * 1e6);
    if (random() % 10 == 0) continue;
    arrivals.push_back({at, i});
    if (random() % 33 == 0) arrivals.push_back({at + 700'000, i});
  }
  std::ranges::stable_sort(arrivals, {}, &Arrival::at_ns);
  return arrivals;
}

RtpHeader header_of(int index) {
  return {.payload_type = 0,
          .sequence = static_cast<uint16_t>(65000 + index),
          .timestamp = 160u * static_cast<uint32_t>(index),
          .ssrc = 0x55,
          .payload_size = 160};
}

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// The packets as a capture of raw IP (pcap with ns).
void write_capture(const std::string& path, const std::vector<Arrival>& arrivals) {
  std::string out;
  for (const uint32_t word : {0xa1b23c4du, 0x00040002u, 0u, 0u, 65535u, 101u}) put(out, word);
  for (const Arrival& arrival : arrivals) {
    constexpr uint16_t kUdp = 8 + kRtpHeaderSize + 160, kIp = 20 + kUdp;
    put(out, static_cast<uint32_t>(arrival.at_ns / 1'000'000'000));
    put(out, static_cast<uint32_t>(arrival.at_ns % 1'000'000'000));
    put(out, uint32_t{kIp});
    put(out, uint32_t{kIp});
    const uint8_t ip[20] = {0x45, 0, kIp >> 8, kIp & 255, 0, 0, 0,   0, 64, 17,
                            0,    0, 127,      0,         0, 1, 127, 0, 0,  1};
    out.append(reinterpret_cast<const char*>(ip), sizeof ip);
    for (const uint16_t word : {uint16_t{40000}, uint16_t{40002}, kUdp, uint16_t{0}}) {
      put(out, GUINT16_TO_BE(word));
    }
    uint8_t rtp[kRtpHeaderSize];
    write_rtp_header(header_of(arrival.index), std::span<uint8_t, kRtpHeaderSize>(rtp));
    out.append(reinterpret_cast<const char*>(rtp), sizeof rtp).append(160, '\xff');
  }
  std::ofstream(path, std::ios::binary) << out;
}

/// The fields of tshark's line on the stream; empty if it could not be run.
std::vector<std::string> tshark(const std::string& path) {
  const std::string command =
      "tshark -r " + path + " -d udp.port==40002,rtp -q -z rtp,streams 2>/dev/null";
  const std::unique_ptr<FILE, Deleter<pclose>> pipe(popen(command.c_str(), "r"));
  std::vector<std::string> fields;
  for (char line[1000]; fgets(line, sizeof line, pipe.get());) {
    if (!strstr(line, "0x00000055")) continue;
    std::istringstream words(line);
    for (std::string word; words >> word;) fields.push_back(word);
  }
  return fields;
}

TEST(RtpAccountAndTshark, agree_on_a_bad_network) {
  if (!CharPtr(g_find_program_in_path("tshark"))) GTEST_SKIP() << "no tshark";
  const std::vector<Arrival> arrivals = bad_network(3000);
  const CharPtr folder(g_dir_make_tmp("rtp-account-XXXXXX", nullptr));
  const std::string path = std::string(folder.get()) + "/capture.pcap";
  write_capture(path, arrivals);
  const std::vector<std::string> fields = tshark(path);
  remove(path.c_str());
  rmdir(folder.get());

  RtpAccount account;
  double jitter_sum = 0;
  int jitters = 0;
  StreamReport report(PayloadFormat::kUlaw, 40'000'000);
  for (const Arrival& arrival : arrivals) {
    const RtpHeader header = header_of(arrival.index);
    const RtpAccount::Verdict verdict = account.update(header, arrival.at_ns, 8000);
    report.arrived(header, verdict, account, arrival.at_ns);
    if (!account.jitter_ms()) continue;
    jitter_sum += *account.jitter_ms();
    ++jitters;
  }
  // Start, end, address, port, address, port, SSRC, payload, packets, lost, (lost %), least, mean
  // and most delta, least, mean and most jitter, problems.
  ASSERT_GE(fields.size(), 17u);
  EXPECT_EQ(account.received(), std::stoull(fields[8]));
  EXPECT_EQ(account.lost(), std::stoll(fields[9]));
  EXPECT_NEAR(account.loss_pct(), std::stod(fields[10].substr(1)), 0.05);
  EXPECT_NEAR(jitter_sum / jitters, std::stod(fields[15]), 0.01);
  EXPECT_NEAR(account.jitter_max_ms(), std::stod(fields[16]), 0.01);
  EXPECT_NEAR(*report.longest_wait_ms(), std::stod(fields[13]), 0.01);
  EXPECT_GT(account.reordered(), 0u);
  EXPECT_GT(account.duplicated(), 0u);
}

}  // namespace
}  // namespace dragoman
