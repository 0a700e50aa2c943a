// SPDX-License-Identifier: LGPL-2.1-or-later
// WAV files that are whole under their name, or not there: written as NAME.part, renamed when
// complete. Free of GStreamer.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace dragoman {

/// What a file is called until it is complete: its name and this.
inline constexpr char kPartSuffix[] = ".part";

/// Always 16-bit signed little-endian PCM.
struct WavFormat {
  uint32_t sample_rate = 16000;  ///< Hz
  uint16_t channels = 1;
  size_t frame_bytes() const { return size_t{channels} * sizeof(int16_t); }
};

/// Writes one file. All functions return 0 or an errno value. One thread, may block on the disk.
///
/// The .part file is locked (flock) while open, so that salvage_part_file() leaves it alone. What
/// is complete is never overwritten: where NAME.wav exists already, NAME-2.wav is written, and so
/// on.
///
/// Nothing waits for the disk: on finish() the data is handed to it (sync_file_range) ahead of the
/// rename. A killed process loses nothing that was appended; a power cut at most what the file
/// system had not committed (5 s with ext4's defaults), and with ordered data no file is left empty
/// under its final name.
class WavWriter {
 public:
  WavWriter() = default;
  ~WavWriter();  ///< discards what was not finished
  WavWriter(const WavWriter&) = delete;
  WavWriter& operator=(const WavWriter&) = delete;

  /// Begins `path`, which ends in ".wav"; makes its folders (mode 0750) where missing.
  int open(const std::string& path, WavFormat format);
  bool is_open() const { return fd_ >= 0; }

  /// Appends interleaved samples. After an error the file holds what had room.
  int append(std::span<const int16_t> samples);

  /// Completes the header, renames. On error the .part file is left to be salvaged.
  int finish();

  /// Removes the .part file.
  void discard();

  uint64_t frames() const { return frames_; }            ///< appended
  const std::string& location() const { return path_; }  ///< final name, once finished

 private:
  void close_file();

  int fd_ = -1;
  std::string path_;
  std::string part_;
  WavFormat format_;
  uint64_t frames_ = 0;
};

enum class SalvageOutcome {
  kSalvaged,  ///< `path` is a whole WAV file now
  kEmpty,     ///< there was no sample in it; it was removed
  kBusy,      ///< somebody is writing it; nothing was done
  kFailed     ///< see `error`; nothing was done
};

struct SalvageResult {
  SalvageOutcome outcome = SalvageOutcome::kFailed;
  std::string path;  ///< final name
  WavFormat format;
  uint64_t frames = 0;
  std::string error;  ///< names the file and the reason
};

/// Completes a file that a killed process left: mends the header by the file's size and renames
/// NAME.wav.part to NAME.wav (NAME-2.wav if that exists). `fallback` is taken where not even a
/// header was written. Any thread.
SalvageResult salvage_part_file(const std::string& part_path, WavFormat fallback = {});

}  // namespace dragoman
