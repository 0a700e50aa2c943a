// SPDX-License-Identifier: LGPL-2.1-or-later
// What the processing between two taps did to speech and noise.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "plugins/station/bucket_board.h"
#include "plugins/station/spectral_distance.h"
#include "plugins/station/tap_log.h"

namespace dragoman {

/// * agc_gain_db: active speech level (ITU-T P.56) of POST's bucket less that of the same of PRE;
/// * noise_reduction_db: noise floor of PRE less POST's, likewise. One reading a bucket each,
/// absent
///   if either tap has no such level of it.
/// * log_spectral_distance_db: SpectralDistance of POST's audio to PRE's, laid side by side by
///   the lag of the content, a reading for each 32 ms (counted from 1970) in which PRE hears
///   speech. Absent while the lag is not known.
///
/// Allocates in set_rate() only. One thread.
class EnhancementMeter {
 public:
  void set_rate(int rate);

  /// Measures what both taps have by now; at least once in five seconds.
  void compare(const TapLog& pre, const TapLog& post, std::optional<int64_t> lag_ns,
               BucketBoard& board);

  /// POST's bucket ends.
  void end_bucket(const TapLog& pre, const BucketVoice& post, BucketBoard& board);

  void reset() { next_ = 0; }

 private:
  SpectralDistance distance_;
  std::vector<float> before_, after_;
  uint64_t next_ = 0;  ///< number of the next frame
};

}  // namespace dragoman
