// SPDX-License-Identifier: LGPL-2.1-or-later
// Says translated clauses one after the other: texts in on any thread, samples out on the streaming
// thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <thread>
#include <vector>

#include "plugins/speech/providers/tts/tts_providers.h"
#include "plugins/speech/translation_service.h"
#include "plugins/speech/ttssrc_pace.h"
#include "plugins/speech/ttssrc_shaper.h"

namespace dragoman {

/// A clause on its way through the speaker. `complete` is set last; what follows it in this
/// structure may be read only then, what precedes it as soon as the first sample was taken.
struct SpokenClause {
  Translation translation;
  std::string provider;       ///< of speech synthesis
  double rate = 1;            ///< 1 = normal speaking rate
  double first_audio_ms = 0;  ///< text in to first sample made
  std::atomic<bool> complete = false;
  double audio_ms = 0;
};

/// Called on the speaker's own thread or that of say(), never with a lock held.
class SpeakerListener {
 public:
  virtual ~SpeakerListener() = default;
  /// A provider failed twice. `kept`: none is left; the clause is kept and tried again, or, where
  /// `kept` is false and `failure.next` empty, given up.
  virtual void on_tts_failure(const TtsFailure& failure, bool kept) = 0;
  /// More than Settings::max_queue seconds wait to be said. Nothing is dropped.
  virtual void on_backlog(double seconds) = 0;
};

class Speaker {
 public:
  struct Settings {
    std::string language, voice;
    double rate = 1;  ///< 1 = normal
    double max_speedup = 1.3;
    double max_queue = 60;  ///< seconds of speech that may wait before it is reported
    int tries = 7;          ///< of all providers, for one clause, before it is given up
    std::chrono::milliseconds first_retry{500};  ///< pause before the second try; then it doubles
  };
  struct Stats {
    uint64_t said = 0;      ///< clauses that came
    uint64_t spoken = 0;    ///< clauses synthesised to the end
    uint64_t given_up = 0;  ///< clauses that no provider could say
    uint64_t over_queue = 0;
    uint64_t underruns = 0;               ///< times a provider was slower than its own speech
    double backlog = 0, backlog_max = 0;  ///< seconds, partly estimated
  };
  struct Start {
    std::shared_ptr<const SpokenClause> clause;
    size_t offset;  ///< of its first sample in what was taken
  };
  struct Taken {
    size_t samples = 0;  ///< of speech, or of the pause between clauses
    std::vector<Start> starts;
    bool end = false;  ///< all that will ever be said was taken before
  };

  Speaker(Settings settings, TtsProviderList providers, SpeakerListener& listener);
  ~Speaker();  ///< Ends what is being said; joins its thread.

  /// Queues a translated clause. Any thread.
  void say(const Translation& translation);
  /// Nothing more will be said. Any thread.
  void end();

  /// Fills `space` with what there is; never waits for a provider. The streaming thread's.
  Taken take(std::span<int16_t> space);
  /// Waits until there are `samples` to take, or the end is near; false: interrupted.
  bool wait(size_t samples);
  /// While on, wait() returns at once.
  void interrupt(bool on);

  /// From the next clause on. Any thread.
  void set_voice(const std::string& voice);
  void set_rate(double rate, double max_speedup);
  Stats stats() const;

 private:
  using Steady = std::chrono::steady_clock;
  struct Waiting {
    std::shared_ptr<SpokenClause> clause;
    Steady::time_point since;
    unsigned characters = 0;
    Steady::time_point asked{};  // for synthesis
  };
  struct Marker {
    uint64_t position;  // of the clause's first sample among all that were ever pushed
    std::shared_ptr<const SpokenClause> clause;
  };

  void run(std::stop_token stop);
  std::optional<Waiting> next(std::stop_token& stop, SpeechRequest& request);
  void speak(const Waiting& waiting, const SpeechRequest& request, std::stop_token& stop);
  SpeechStatus synthesize(const Waiting& waiting, const SpeechRequest& request, bool kept,
                          std::stop_token& stop);
  bool push(std::span<const int16_t> samples, const Waiting& waiting, std::stop_token& stop);
  void finish(const Waiting& waiting, SpeechStatus status);

  // With the lock held:
  void begin_audio(const Waiting& waiting);
  double backlog() const;
  void smooth_underrun(std::span<int16_t> taken, bool dry);
  bool nothing_left() const;

  TtsProviderList providers_;  // the thread's
  SpeechShaper shaper_;        // the thread's
  SpeakerListener& listener_;

  mutable std::mutex mutex_;  // guards all below; never held during a call to the outside
  std::condition_variable_any changed_;
  Settings settings_;
  SpeechPace pace_;
  std::deque<Waiting> queue_;
  unsigned queued_characters_ = 0;
  std::deque<int16_t> audio_;
  std::deque<Marker> markers_;
  uint64_t pushed_ = 0, taken_ = 0;             // samples of all time
  uint64_t clause_samples_ = 0;                 // of the clause in synthesis; 0: it has not begun
  size_t silence_given_ = SpeechShaper::kRate;  // since the last speech, up to a second
  std::string previous_text_;                   // of the clause before
  bool busy_ = false, in_clause_ = false, ended_ = false, interrupted_ = false,
       fade_in_next_ = false;
  bool over_queue_ = false;
  Stats stats_;

  std::jthread thread_;  // last: it uses all the others
};

}  // namespace dragoman
