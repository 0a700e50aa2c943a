// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/time_argument.h"

#include <charconv>
#include <chrono>

#include "launcher/store/iso_time.h"

namespace dragoman {
namespace {

constexpr uint64_t kMinuteNs = 60'000'000'000;

uint64_t unit_ns(char unit) {
  switch (unit) {
    case 'm':
      return kMinuteNs;
    case 'h':
      return 60 * kMinuteNs;
    case 'd':
      return 24 * 60 * kMinuteNs;
    default:
      return 0;
  }
}

}  // namespace

uint64_t utc_now() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count());
}

std::optional<uint64_t> parse_time_argument(std::string_view text, uint64_t now) {
  if (text.size() < 2 || !unit_ns(text.back())) return parse_iso_time(text);
  uint64_t number = 0;
  const char* end = text.data() + text.size() - 1;
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end || number > now / unit_ns(text.back())) return {};
  return now - number * unit_ns(text.back());
}

}  // namespace dragoman
