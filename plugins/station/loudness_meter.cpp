// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/loudness_meter.h"

#include <algorithm>

namespace dragoman {
namespace {

constexpr double kSilenceLufs = -100;
constexpr uint64_t kMomentarySteps = 4, kShortTermSteps = 30, kShortTermEvery = 10;

struct Indices {
  size_t momentary = BucketBoard::index_of("loudness_momentary_lufs"),
         short_term = BucketBoard::index_of("loudness_short_term_lufs"),
         integrated = BucketBoard::index_of("loudness_integrated_lufs");
};

const Indices& indices() {
  static const Indices found;
  return found;
}

using Loudness = int (*)(ebur128_state*, double*);

/// A reading of `loudness`, unless of silence.
void add(BucketBoard& board, size_t index, Loudness loudness, ebur128_state* state) {
  double lufs = 0;
  if (loudness(state, &lufs) == EBUR128_SUCCESS && lufs >= kSilenceLufs) board.add(index, lufs);
}

}  // namespace

LoudnessMeter::LoudnessMeter(const BucketBoard& board)
    : wants_momentary_(board.wants(indices().momentary)),
      wants_short_term_(board.wants(indices().short_term)),
      wants_integrated_(board.wants(indices().integrated)) {}

void LoudnessMeter::set_format(int rate, size_t channels) {
  int mode = EBUR128_MODE_M;
  if (wants_short_term_) mode |= EBUR128_MODE_S;
  if (wants_integrated_) mode |= EBUR128_MODE_I | EBUR128_MODE_HISTOGRAM;
  state_.reset(
      ebur128_init(static_cast<unsigned>(channels), static_cast<unsigned long>(rate), mode));
  step_ = static_cast<size_t>(rate + 5) / 10;  // the library's own steps
  in_step_ = 0;
  steps_ = 0;
  unreported_ = false;
  reset();
}

void LoudnessMeter::frame(const AudioFrame& frame, BucketBoard& board) {
  if (!state_) return;
  unreported_ = true;
  for (std::span<const float> rest = frame.interleaved; !rest.empty();) {
    const size_t count = std::min(rest.size() / frame.channels, step_ - in_step_);
    ebur128_add_frames_float(state_.get(), rest.data(), count);
    rest = rest.subspan(count * frame.channels);
    heard_ += count;
    in_step_ += count;
    if (in_step_ < step_) continue;
    in_step_ = 0;
    ++steps_;
    read_windows(board);
  }
}

void LoudnessMeter::read_windows(BucketBoard& board) const {
  if (wants_momentary_ && heard_ >= kMomentarySteps * step_) {
    add(board, indices().momentary, ebur128_loudness_momentary, state_.get());
  }
  if (wants_short_term_ && heard_ >= kShortTermSteps * step_ && steps_ % kShortTermEvery == 0) {
    add(board, indices().short_term, ebur128_loudness_shortterm, state_.get());
  }
}

void LoudnessMeter::end_bucket(BucketBoard& board) {
  if (wants_integrated_ && unreported_) {
    add(board, indices().integrated, ebur128_loudness_global, state_.get());
  }
  unreported_ = false;
}

void LoudnessMeter::reset() { heard_ = 0; }

}  // namespace dragoman
