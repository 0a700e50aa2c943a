// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/tts/wav_stream.h"

#include <cstring>
#include <string_view>

namespace dragoman {
namespace {

constexpr size_t kRiffHeader = 12, kChunkHeader = 8, kFormatChunk = 16;
constexpr size_t kMaxHeader = 65536;
constexpr unsigned kPcm = 1, kExtensible = 0xfffe;
constexpr unsigned kMinRate = 4000, kMaxRate = 192000;

unsigned little_endian(const std::byte* at, size_t bytes) {
  unsigned value = 0;
  for (size_t i = 0; i < bytes; ++i) value |= std::to_integer<unsigned>(at[i]) << (8 * i);
  return value;
}

bool has_tag(const std::byte* at, std::string_view tag) {
  return std::memcmp(at, tag.data(), tag.size()) == 0;
}

}  // namespace

bool WavStream::feed(std::span<const std::byte> bytes) {
  samples_.clear();
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  if (!in_data_) {
    const Header header = parse_header();
    if (header != Header::kComplete) {
      return header == Header::kIncomplete && pending_.size() <= kMaxHeader;
    }
    in_data_ = true;
  }
  const size_t whole = pending_.size() / 2;
  samples_.reserve(whole);
  for (size_t i = 0; i < whole; ++i) {
    samples_.push_back(static_cast<int16_t>(little_endian(&pending_[2 * i], 2)));
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(2 * whole));
  return true;
}

// Leaves in pending_ what follows the header of the "data" chunk.
WavStream::Header WavStream::parse_header() {
  if (pending_.size() < kRiffHeader) return Header::kIncomplete;
  if (!has_tag(&pending_[0], "RIFF") || !has_tag(&pending_[8], "WAVE")) return Header::kWrong;
  size_t at = kRiffHeader;
  while (pending_.size() >= at + kChunkHeader) {
    const std::byte* chunk = &pending_[at];
    const size_t length = little_endian(chunk + 4, 4);
    at += kChunkHeader;
    if (has_tag(chunk, "data")) {
      pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(at));
      return sample_rate_ ? Header::kComplete : Header::kWrong;
    }
    const size_t padded = length + length % 2;
    if (padded > kMaxHeader) return Header::kWrong;
    if (pending_.size() < at + padded) return Header::kIncomplete;
    if (has_tag(chunk, "fmt ") && !take_format(std::span(pending_).subspan(at, length))) {
      return Header::kWrong;
    }
    at += padded;
  }
  return Header::kIncomplete;
}

bool WavStream::take_format(std::span<const std::byte> chunk) {
  if (chunk.size() < kFormatChunk) return false;
  const unsigned format = little_endian(&chunk[0], 2), channels = little_endian(&chunk[2], 2);
  const unsigned rate = little_endian(&chunk[4], 4), bits = little_endian(&chunk[14], 2);
  if ((format != kPcm && format != kExtensible) || channels != 1 || bits != 16) return false;
  if (rate < kMinRate || rate > kMaxRate) return false;
  sample_rate_ = rate;
  return true;
}

}  // namespace dragoman
