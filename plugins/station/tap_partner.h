// SPDX-License-Identifier: LGPL-2.1-or-later
// What a tap can only know together with the other tap of its station, or of the process.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plugins/station/bucket_board.h"
#include "plugins/station/decimator.h"
#include "plugins/station/delay_meter.h"
#include "plugins/station/double_talk_meter.h"
#include "plugins/station/echo_meter.h"
#include "plugins/station/enhancement_meter.h"
#include "plugins/station/pipeline_latency.h"
#include "plugins/station/process_meter.h"
#include "plugins/station/tap_log.h"
#include "plugins/station/tap_pairs.h"
#include "plugins/station/tap_stream.h"
#include "plugins/station/voice_meter.h"

namespace dragoman {

/// Other stations of a tap's call, by name; empty where there is none.
struct TapRelations {
  std::string far;      ///< what the caller of this station hears: it may come back as echo
  std::string partner;  ///< what the other party says
};

/// Two taps of one process with one trace and station, named PRE and POST, are partners; taps
/// without a trace are if they are in one pipeline. PRE keeps a few seconds of what it hears, POST
/// compares and has the readings (parameters 55 to 57, 61 to 65); without a partner there are none,
/// without a far station none of echo (63, 64). PRE has the reading of double talk (21), if it has
/// a partner station. Every tap reads the latency of its pipeline and what the process takes (58 to
/// 60).
///
/// One thread at a time, but for enter(), depart() and leave(), which belong to the streaming
/// thread and need no lock. Locks taken within: those of TapPairs and TapLog, nothing is called
/// with them.
class TapPartner {
 public:
  /// `board` outlives this.
  explicit TapPartner(BucketBoard& board) : board_(board) {}
  ~TapPartner() { stop(); }
  TapPartner(const TapPartner&) = delete;
  TapPartner& operator=(const TapPartner&) = delete;

  /// `element` is the tap; what the board wants must be known.
  void start(GstElement* element, const TapNames& names, const TapRelations& relations);
  /// No more audio comes.
  void stop();

  void set_format(int rate, size_t channels);

  /// A buffer has come, of which feed() brings the samples.
  void arrive();

  /// Interleaved samples, whole sample frames, the first at `utc` of the stream.
  void feed(uint64_t utc, std::span<const int16_t> samples);
  void feed(uint64_t utc, std::span<const float> samples);

  /// Of the samples fed the next `frames` are measured; `voice` as TapMeters says.
  void heard(size_t frames, const VoiceDetector* voice);

  /// The bucket ends: readings of the whole bucket go to the board. `voice` has ended it, or is
  /// null.
  void end_bucket(const VoiceMeter* voice);

  /// Forgets the stream.
  void reset();

  /// The streaming thread comes to the tap, goes on to the next element, and has returned from it.
  void enter();
  void depart();
  void leave();

 private:
  enum class Role { kOther, kPre, kPost };
  /// What POST compares with.
  struct Compared {
    DelayMeter delay;
    EnhancementMeter enhancement;
    std::unique_ptr<EchoMeter> echo;  ///< if there is a far station
  };

  template <typename Sample>
  void feed_samples(uint64_t utc, std::span<const Sample> samples);
  template <typename Sample>
  void feed_piece(uint64_t utc, uint64_t end_utc, std::span<const Sample> samples);
  void look_up();
  void every_second();
  void compare();
  void compare_parties();
  std::shared_ptr<TapLog> far_end() const;
  void follow_others();
  void unfollow_others();
  void read_process();
  uint64_t end_of(uint64_t utc, size_t frames) const;

  BucketBoard& board_;
  GstElement* element_ = nullptr;
  Role role_ = Role::kOther;
  TapKey key_;
  std::vector<TapKey> followed_;
  TapKey partner_key_, party_key_, far_post_key_, far_pre_key_;  // streaming makes no strings
  bool compares_ = false, compares_echo_ = false, compares_parties_ = false;
  bool measures_load_ = false, asks_pipeline_ = false;
  bool asked_ = false;  ///< the pipeline, in this bucket

  std::shared_ptr<TapLog> log_;  ///< ours, while started
  std::weak_ptr<TapLog> partner_;
  Decimator decimator_;
  std::unique_ptr<Compared> compared_;  ///< if this compares; most taps do not
  DoubleTalkMeter double_talk_;
  ProcessMeter process_;
  PipelineLatency pipeline_;

  int rate_ = 0;
  size_t channels_ = 1;
  uint64_t arrived_ns_ = 0;         ///< of the monotonic clock
  uint64_t position_ = 0;           ///< end of what was fed
  uint64_t second_ = 0;             ///< of every_second()
  uint64_t between_ns_ = 0;         ///< audio fed since the last leave()
  uint64_t given_ = 0, heard_ = 0;  ///< sample frames
  uint64_t bucket_begin_ = 0;
  bool fed_ = false;  ///< since the bucket's begin
};

/// enter() and leave().
class TapCrossing {
 public:
  explicit TapCrossing(TapPartner& tap) : tap_(tap) { tap_.enter(); }
  ~TapCrossing() { tap_.leave(); }
  TapCrossing(const TapCrossing&) = delete;
  TapCrossing& operator=(const TapCrossing&) = delete;

 private:
  TapPartner& tap_;
};

}  // namespace dragoman
