// SPDX-License-Identifier: LGPL-2.1-or-later
// The audio of a file, piece by piece, as the taps of a station take it.
#pragma once

#include <gst/audio/audio.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace dragoman {

/// A recording that cannot be measured; what() names the file, what is wrong and the cure.
class RecordingError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct RecordingFormat {
  GstAudioFormat sample = GST_AUDIO_FORMAT_UNKNOWN;  ///< S16LE or F32LE
  int rate = 0;                                      ///< Hz
  size_t channels = 0;                               ///< 1 or 2

  size_t frame_bytes() const { return channels * (sample == GST_AUDIO_FORMAT_S16LE ? 2 : 4); }
};

/// Decodes while it is read, in bounded memory: neither resampled nor mixed nor dithered. Samples
/// of 16 bits or less come as S16LE, others as F32LE. Needs gst_init(). One thread; calls block.
class Recording {
 public:
  /// Decodes up to the first samples. Throws RecordingError if there are none, or none that a tap
  /// takes (1 or 2 channels, 8000 to 48000 Hz).
  explicit Recording(const std::string& path);
  ~Recording();
  Recording(Recording&&) noexcept;

  const std::string& path() const;
  const RecordingFormat& format() const;

  /// What the file says of its length, in ns; nothing if it does not.
  std::optional<uint64_t> announced_ns() const;

  /// The next `frames` into `samples`, interleaved, which it replaces; fewer at the end only.
  /// Throws RecordingError if the format changes.
  size_t read(size_t frames, std::vector<uint8_t>& samples);

  /// Frames read so far.
  uint64_t position() const;

  /// Why the decoder stopped before the file's end; empty if it did not.
  const std::string& broken_off() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dragoman
