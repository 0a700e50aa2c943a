// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/voice_meter.h"

namespace dragoman {

void VoiceMeter::set_format(int rate, size_t channels) {
  detector_.set_format(rate, channels);
  reset();
}

void VoiceMeter::reset() {
  detector_.reset();
  spurts_.reset();
}

void VoiceMeter::add_spurts(BucketBoard& board) {
  static const size_t count = BucketBoard::index_of("talk_spurt_count"),
                      spurt = BucketBoard::index_of("talk_spurt_mean_ms"),
                      pause = BucketBoard::index_of("pause_mean_ms");
  const TalkSpurts::Event event = spurts_.frame(detector_.active(), detector_.frame_ms());
  board.add(count, event.started ? 1 : 0);
  if (event.spurt_ms) board.add(spurt, *event.spurt_ms);
  if (event.pause_ms) board.add(pause, *event.pause_ms);
}

void VoiceMeter::frame(const AudioFrame& frame, BucketBoard& board) {
  static const size_t activity = BucketBoard::index_of("voice_activity_ratio");
  detector_.frame(frame);
  board.add(activity, detector_.speech() ? 1 : 0, detector_.frame_ms());
  add_spurts(board);
}

void VoiceMeter::end_bucket(BucketBoard&) {}

}  // namespace dragoman
