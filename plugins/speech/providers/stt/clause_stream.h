// SPDX-License-Identifier: LGPL-2.1-or-later
// A stream of clauses from a recogniser of whole clips: cuts at pauses, decodes the open segment
// again and again, commits what two decodes agree on, and has the last decode of a segment ready
// when its end is decided.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugins/speech/providers/stt/committer.h"
#include "plugins/speech/providers/stt/energy.h"
#include "plugins/speech/providers/stt/provider.h"
#include "plugins/speech/providers/stt/recognizer.h"
#include "plugins/speech/providers/stt/segmenter.h"

namespace dragoman::stt {

struct ClauseStreamClocks {
  std::function<uint64_t()> utc_ns;
  std::function<std::chrono::steady_clock::time_point()> steady;
};
ClauseStreamClocks system_clocks();

class ClauseStream : public SttStream {
 public:
  ClauseStream(SttListener& listener, SttPost post, std::unique_ptr<VoiceDetector> detector,
               std::unique_ptr<Recognizer> recognizer, ClauseStreamClocks clocks = system_clocks(),
               const SegmenterSettings& settings = {});
  ~ClauseStream() override;
  void push(std::span<const int16_t> samples, uint64_t utc) override;
  void flush() override;

 private:
  /// A segment on its way from its first sample to its last clause.
  struct Work {
    uint64_t id = 0;         // changes when the audio's front is dropped
    uint64_t utterance = 0;  // µs
    Segment closed;          // once closed
    bool is_closed = false;
    double endpoint_ms = 0;
    Committer committer;
    uint64_t clause_start_utc = 0;       // of the next clause
    std::optional<size_t> pause_decode;  // size of the audio last decoded at a pause
    std::optional<Decoded> pause_text;   // its result
    std::optional<Decoded> final_text;
    size_t final_size = 0;  // samples decoded for final_text
    bool halved = false;
  };
  struct Pause {
    size_t speech_end = 0, resumed = 0;
  };
  struct Request {
    uint64_t id;
    size_t size;        // samples
    size_t speech_end;  // of the segment when asked
    Urgency urgency;
    std::optional<size_t> pause;
  };

  void accept_frame(std::span<const float> frame, uint64_t utc);
  void start_segment();
  void pause_segment();
  void close_segment();
  void request(const Request& request, std::vector<float> audio);
  void decoded(const Request& request, Decoded result);
  void take_final(Work& work, Decoded result);
  void request_partial_if_due();
  void partial(Work& work, const Request& request, const Decoded& result);
  void commit_clause(Work& work, const Commit& commit, const Request& request,
                     const Decoded& result);
  void commit_closed();
  void decode_halves(Work& work);
  void emit(Work& work, SttResult result);
  void report_settled();
  uint64_t clause_end(const Work& work, const Commit& commit, const Request& request) const;
  const Segment& segment_of(const Work& work) const;
  Work* find(uint64_t id);

  SttListener& listener_;
  SttPost post_;
  std::unique_ptr<VoiceDetector> detector_;
  std::unique_ptr<Recognizer> recognizer_;
  const ClauseStreamClocks clocks_;
  EnergyGate gate_;
  Segmenter segmenter_;

  std::vector<float> frame_;  // the beginning of the next frame
  uint64_t frame_utc_ = 0;
  uint64_t now_utc_ = 0;    // of the audio's end
  std::deque<Work> works_;  // oldest first; only the last may be open
  std::vector<Pause> pauses_;
  uint64_t next_id_ = 1;
  uint64_t last_utterance_ = 0, clause_utterance_ = 0;
  unsigned next_clause_ = 0;
  bool partial_running_ = false;
  bool flushing_ = false;
  size_t partial_size_ = 0;  // samples of the last partial
  std::chrono::steady_clock::time_point partial_begun_{}, next_partial_{};
  std::string last_partial_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace dragoman::stt
