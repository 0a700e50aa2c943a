// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/iso_time.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace dragoman {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

/// Reads `digits` decimal digits from the front of `text`; nothing if there are fewer.
std::optional<int> take_number(std::string_view& text, size_t digits) {
  if (text.size() < digits) return {};
  int value = 0;
  for (char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return {};
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

/// The decimals after the point, as ns; `text` is left at what follows them.
std::optional<uint64_t> take_fraction(std::string_view& text) {
  uint64_t nanoseconds = 0, unit = kSecond;
  size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
    unit /= 10;
    nanoseconds += unit * static_cast<uint64_t>(text.front() - '0');
    ++digits;
  }
  if (digits == 0 || digits > 9) return {};
  return nanoseconds;
}

}  // namespace

std::string iso_time(uint64_t utc_ns) {
  const time_t seconds = static_cast<time_t>(utc_ns / kSecond);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 80> text;
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%06uZ",
                parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                parts.tm_sec, static_cast<unsigned>(utc_ns % kSecond / 1000));
  return text.data();
}

std::optional<uint64_t> parse_iso_time(std::string_view text) {
  std::tm parts{};
  const auto year = take_number(text, 4);
  if (!year || *year < 1970 || !take(text, '-')) return {};
  const auto month = take_number(text, 2);
  if (!month || *month < 1 || *month > 12 || !take(text, '-')) return {};
  const auto day = take_number(text, 2);
  if (!day || *day < 1 || *day > 31) return {};
  parts.tm_year = *year - 1900;
  parts.tm_mon = *month - 1;
  parts.tm_mday = *day;
  uint64_t fraction = 0;
  if (!text.empty()) {
    if (!take(text, 'T') && !take(text, ' ')) return {};
    const auto hour = take_number(text, 2);
    if (!hour || *hour > 23 || !take(text, ':')) return {};
    const auto minute = take_number(text, 2);
    if (!minute || *minute > 59 || !take(text, ':')) return {};
    const auto second = take_number(text, 2);
    if (!second || *second > 60) return {};
    parts.tm_hour = *hour;
    parts.tm_min = *minute;
    parts.tm_sec = *second;
    if (take(text, '.')) {
      const auto decimals = take_fraction(text);
      if (!decimals) return {};
      fraction = *decimals;
    }
    take(text, 'Z');
    if (!text.empty()) return {};
  }
  return static_cast<uint64_t>(timegm(&parts)) * kSecond + fraction;
}

}  // namespace dragoman
