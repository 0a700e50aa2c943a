// SPDX-License-Identifier: LGPL-2.1-or-later
// A WAV file that comes in pieces, of unknown length.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace dragoman {

/// Takes the bytes of a RIFF WAVE stream (mono, 16-bit little-endian PCM) in pieces of any size and
/// gives its samples. The lengths in the header are not believed beyond skipping chunks before
/// "data": a program that writes to a pipe cannot know them.
class WavStream {
 public:
  /// More bytes; false: this is no such stream, and feed() must not be called again.
  bool feed(std::span<const std::byte> bytes);

  /// The whole samples that the last feed() completed; valid until the next.
  std::span<const int16_t> samples() const { return samples_; }
  bool has_header() const { return in_data_; }
  unsigned sample_rate() const { return sample_rate_; }

 private:
  enum class Header { kIncomplete, kComplete, kWrong };
  Header parse_header();
  bool take_format(std::span<const std::byte> chunk);

  std::vector<std::byte> pending_;  // bytes not yet understood
  std::vector<int16_t> samples_;
  bool in_data_ = false;
  unsigned sample_rate_ = 0;
};

}  // namespace dragoman
