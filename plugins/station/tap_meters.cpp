// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/tap_meters.h"

namespace dragoman {
namespace {

void add_level_frame(BucketBoard& board, const LevelSums& sums) {
  static const size_t level = BucketBoard::index_of("audio_level_dbfs"),
                      peak = BucketBoard::index_of("peak_dbfs"),
                      crest = BucketBoard::index_of("crest_factor_db"),
                      offset = BucketBoard::index_of("dc_offset"),
                      clipping = BucketBoard::index_of("clipping_ratio"),
                      silence = BucketBoard::index_of("silence_ratio");
  const LevelReading frame = sums.reading();
  // The means are those of the bucket's samples: a short frame counts by what it has.
  const auto share = static_cast<double>(sums.samples);
  board.add(level, frame.rms_dbfs, share);
  board.add(peak, frame.peak_dbfs);
  if (frame.crest_db) board.add(crest, *frame.crest_db);
  board.add(offset, frame.dc_offset, share);
  board.add(clipping, frame.clipping_ratio, share);
  board.add(silence, frame.silent ? 1 : 0);
}

}  // namespace

TapMeters::TapMeters(BucketBoard& board)
    : board_(board),
      level_([this](const LevelSums& frame) { add_level_frame(board_, frame); }),
      cutter_([this](const AudioFrame& frame) {
        for (const auto& meter : meters_) meter->frame(frame, board_);
      }) {}

void TapMeters::set_format(int rate, size_t channels) {
  level_.set_format(rate, channels);
  cutter_.set_format(rate, channels);
  meters_.clear();  // each family of meters is made here, if the board wants one of its parameters
  for (const auto& meter : meters_) meter->set_format(rate, channels);
}

void TapMeters::feed(std::span<const int16_t> samples) {
  level_.feed(samples);
  if (!meters_.empty()) cutter_.feed(samples);
}

void TapMeters::feed(std::span<const float> samples) {
  level_.feed(samples);
  if (!meters_.empty()) cutter_.feed(samples);
}

void TapMeters::finish() {
  level_.finish();
  cutter_.finish();
}

void TapMeters::end_bucket() {
  for (const auto& meter : meters_) meter->end_bucket(board_);
}

void TapMeters::reset() {
  level_.reset();
  cutter_.reset();
  for (const auto& meter : meters_) meter->reset();
}

}  // namespace dragoman
