// SPDX-License-Identifier: LGPL-2.1-or-later
// What a tap lets the other taps of its call see: its last seconds of audio and when they passed.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

namespace dragoman {

/// What a tap's bucket says of the voice in it; dBFS, nothing where it cannot be known.
struct BucketVoice {
  uint64_t begin_utc = 0, end_utc = 0;  ///< what of the bucket was heard
  std::optional<double> speech_dbfs;    ///< active speech level, ITU-T P.56
  std::optional<double> noise_dbfs;     ///< noise floor
};

/// Written by one streaming thread, read by others; each call takes a short mutex of its own and
/// calls nobody. Times are ns: those named *_utc are the stream's (SampleClock), so taps of one
/// process compare even across pipelines; walls are of the monotonic clock. Memory is bounded and
/// taken with the first audio after follow().
class TapLog {
 public:
  /// Audio that is kept: more than the longest delay plus a second to compare, and more than the
  /// greatest buffers.
  static constexpr uint64_t kHistoryNs = 7'000'000'000;

  /// Somebody reads: from here on audio and passages are kept.
  void follow() { followed_ = true; }
  bool followed() const { return followed_; }
  /// Nobody reads any more: forgets audio and passages, and their memory.
  void unfollow();

  /// Rate of the audio, Hz; forgets the audio.
  void set_rate(int rate);
  int rate() const;

  /// The stream breaks: what was kept does not join what comes.
  void clear();

  /// The next samples, up to `end_utc`. Where they do not join those kept, to a millisecond, the
  /// latter are forgotten.
  void append(std::span<const float> samples, uint64_t end_utc);

  /// Time of the end of the audio kept; 0 if none.
  uint64_t audio_end() const;

  /// Audio from `begin_utc` on, to the nearest sample; false if not all of it is kept.
  bool copy_audio(uint64_t begin_utc, std::span<float> to) const;

  /// Audio from `begin_utc` to `end_utc` passed the tap at `wall_ns`.
  void passed(uint64_t begin_utc, uint64_t end_utc, uint64_t wall_ns);

  /// When the samples from `begin_utc` to `end_utc` passed, their mean. Of those still to come it
  /// is when they will, should buffers go on as the last; nothing if it cannot be known.
  std::optional<uint64_t> passed_at(uint64_t begin_utc, uint64_t end_utc) const;

  /// Whether somebody spoke from the end of the last such stretch, or from `begin_utc` if that is
  /// later, to `end_utc`.
  void decided(uint64_t begin_utc, uint64_t end_utc, bool speech);
  /// Whether somebody spoke at that time, of the last 10 s; nothing if it is not known.
  std::optional<bool> speech_at(uint64_t utc) const;
  /// Until when it is known, 0 if it never was.
  uint64_t decided_until() const;

  /// A bucket has ended.
  void closed(const BucketVoice& bucket);
  /// Of the last buckets the one that covers the time of `other`, but for a fifth of it at most.
  std::optional<BucketVoice> bucket_like(const BucketVoice& other) const;

  /// The thread goes on from here (PRE), and is back; between them, less the time that it spends
  /// after the partner (entered, left), it works on `duration_ns` of audio. `cpu_ns` is its CPU
  /// clock.
  void departed(uint64_t cpu_ns);
  void returned(uint64_t cpu_ns, uint64_t duration_ns);
  void partner_entered(uint64_t cpu_ns);
  void partner_left(uint64_t cpu_ns);

  /// CPU time over audio time since the last call; nothing if the partner runs in another thread.
  std::optional<double> take_load();

 private:
  struct Passage {
    uint64_t begin = 0, end = 0, wall = 0;
  };
  static constexpr size_t kPassages = 2048;
  static constexpr uint64_t kShortPassageNs = 2'000'000;  ///< shorter ones are taken together
  static constexpr uint64_t kMaxAheadNs = 1'000'000'000;

  std::optional<uint64_t> wall_of(uint64_t utc, uint64_t end_utc, uint64_t& until) const;

  std::atomic<bool> followed_ = false;

  mutable std::mutex lock_;  // guards the rest
  int rate_ = 8000;
  std::vector<float> audio_;  ///< a ring
  size_t next_ = 0, kept_ = 0;
  uint64_t audio_end_ = 0;
  std::vector<Passage> passages_;  ///< a ring
  size_t passage_count_ = 0;

  struct Decision {
    uint64_t begin = 0, end = 0;
    bool speech = false;
  };
  static constexpr size_t kDecisions = 512, kBuckets = 4;
  std::array<Decision, kDecisions> decisions_;  ///< a ring
  size_t decision_count_ = 0;
  std::array<BucketVoice, kBuckets> buckets_;  ///< a ring
  size_t bucket_count_ = 0;

  std::thread::id thread_;  ///< that is between departed() and returned()
  uint64_t departed_ = 0, entered_ = 0, elsewhere_ = 0;
  uint64_t load_cpu_ = 0, load_audio_ = 0;
  bool same_thread_ = false, other_thread_ = false;
};

}  // namespace dragoman
