// SPDX-License-Identifier: LGPL-2.1-or-later
// Cuts a stream into segments of speech, from a voice detector's decision on each frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dragoman::stt {

/// Samples of a frame: what Silero's voice detector takes at 16 kHz (32 ms).
inline constexpr size_t kFrame = 512;

struct SegmenterSettings {
  size_t lead_frames = 9;         ///< audio taken before the detector's first frame, at least
  size_t most_lead_frames = 32;   ///< and at most, where it is as loud as speech
  size_t quiet_lead_frames = 5;   ///< of quiet before that
  size_t pause_frames = 4;        ///< silence after which a pause is announced
  size_t end_frames = 9;          ///< silence that ends a segment
  size_t long_after = 6 * 16000;  ///< samples after which a segment is long…
  size_t long_end_frames = 6;     ///< …and ends at less silence
  size_t longest = 10 * 16000;    ///< samples after which it is cut
  size_t cut_search = 5 * 16000;  ///< how far before that the quietest place is looked for
};

/// The audio of a segment, which grows while it is open. Positions are samples in `audio`.
struct Segment {
  std::vector<float> audio;
  uint64_t start_utc = 0;     ///< ns, of the first sample
  size_t speech_start = 0;    ///< where its sound begins
  size_t speech_end = 0;      ///< end of the last frame of speech
  size_t speech_samples = 0;  ///< in frames of speech
  bool continues = false;     ///< the one before was cut, not ended
};

enum class SegmentEvent {
  kNone,
  kStarted,
  kPaused,   ///< the speaker has been silent for pause_frames
  kResumed,  ///< he goes on after kPaused: it was no end
  kEnded,    ///< take() gives the ended segment
  kCut,      ///< take() gives the part before the cut; the rest is already open
};

class Segmenter {
 public:
  explicit Segmenter(const SegmenterSettings& settings = {}) : settings_(settings) {}

  /// The next kFrame samples, the first of them heard at `utc` (ns).
  SegmentEvent accept(std::span<const float> frame, bool speech, uint64_t utc);

  /// The stream pauses or ends: closes the open segment. False if there is none.
  bool close();

  /// The segment that kEnded, kCut or close() closed.
  Segment take();

  bool is_open() const { return open_; }
  bool is_paused() const { return open_ && silent_frames_ >= settings_.pause_frames; }
  const Segment& open_segment() const { return segment_; }

  /// Does not cut before `sample` of the open segment unless it must: what comes before is
  /// committed.
  void cut_after(size_t sample) { earliest_cut_ = sample; }

  /// Drops the first `samples` of the open segment, all of whose speech is committed. They must end
  /// in a pause.
  void drop_front(size_t samples);

 private:
  SegmentEvent idle(std::span<const float> frame, bool speech, uint64_t utc);
  size_t sound_in_lead(double speech_dbfs) const;
  void end();
  void cut();

  const SegmenterSettings settings_;
  std::vector<float> lead_;  // the last frames before speech
  uint64_t next_utc_ = 0;    // of the sample after the last
  bool open_ = false;
  size_t silent_frames_ = 0;
  size_t earliest_cut_ = 0;
  Segment segment_, closed_;
};

}  // namespace dragoman::stt
