// SPDX-License-Identifier: LGPL-2.1-or-later
// Loudness by ITU-R BS.1770-4 and EBU R 128.
#pragma once

#include <ebur128.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "plugins/station/meter.h"

namespace dragoman {

/// In LUFS, of all channels, measured by libebur128 every 100 ms of what has been heard since
/// set_format() (not of the bucket, whose ends mean nothing to loudness):
///
/// * loudness_momentary_lufs: of the last 400 ms, every 100 ms (EBU Tech 3341, section 2.2)
/// * loudness_short_term_lufs: of the last 3 s, every second
/// * loudness_integrated_lufs: since set_format(), gated at -70 LUFS and at 10 LU under the mean
///   (BS.1770-4 annex 1); one reading a bucket. Kept as a histogram of steps of 0.1 LU, however
///   long it is.
///
/// A window that lies within silence (under -100 LUFS), and an integrated loudness when all was
/// gated, is absent. Behind a hole momentary and short-term begin anew; the integrated goes on.
/// Allocates in set_format() only. One thread.
class LoudnessMeter : public Meter {
 public:
  /// Spends time and memory on what `board` wants now only.
  explicit LoudnessMeter(const BucketBoard& board);

  void set_format(int rate, size_t channels) override;
  void frame(const AudioFrame& frame, BucketBoard& board) override;
  void end_bucket(BucketBoard& board) override;
  void reset() override;

 private:
  struct StateDeleter {
    void operator()(ebur128_state* state) const { ebur128_destroy(&state); }
  };

  void read_windows(BucketBoard& board) const;

  bool wants_momentary_, wants_short_term_, wants_integrated_;
  std::unique_ptr<ebur128_state, StateDeleter> state_;
  size_t step_ = 0;          ///< sample frames of 100 ms
  size_t in_step_ = 0;       ///< of them, heard since the last step
  uint64_t steps_ = 0;       ///< since set_format()
  uint64_t heard_ = 0;       ///< sample frames since the last hole
  bool unreported_ = false;  ///< audio since the last reading of the integrated loudness
};

}  // namespace dragoman
