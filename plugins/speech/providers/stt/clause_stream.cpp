// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/stt/clause_stream.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "plugins/speech/providers/stt/energy.h"
#include "plugins/speech/providers/stt/guards.h"

namespace dragoman::stt {
namespace {

using std::chrono::milliseconds;

constexpr size_t kLeastPartial = kSttRate * 8 / 10;  // samples before the first partial decode
constexpr size_t kPartialStep = kSttRate / 4;        // new samples between partial decodes
constexpr milliseconds kLeastPartialInterval{300};
constexpr double kPartialLoad = 0.5;         // of a core, at most, for one stream's partial decodes
constexpr size_t kLeastSpeech = 3 * kFrame;  // less is a click: not decoded at all
constexpr size_t kWorthHalving = 4 * kSttRate;    // samples of a looping clip
constexpr size_t kDip = kSttRate / 20;            // a quiet place
constexpr size_t kSnapRange = kSttRate * 3 / 10;  // around a clause's estimated end

ClipFacts facts_of(const Segment& segment) {
  const size_t end = std::min(segment.speech_end, segment.audio.size());
  const size_t start = std::min(segment.speech_start, end);
  return {static_cast<double>(end - start) / kSttRate,
          level_dbfs(std::span(segment.audio).subspan(start, end - start))};
}

uint64_t utc_at(const Segment& segment, size_t sample) {
  return segment.start_utc + sample * kSttNsPerSample;
}

}  // namespace

ClauseStreamClocks system_clocks() {
  return {[] {
            return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                             std::chrono::system_clock::now().time_since_epoch())
                                             .count());
          },
          [] { return std::chrono::steady_clock::now(); }};
}

ClauseStream::ClauseStream(SttListener& listener, SttPost post,
                           std::unique_ptr<VoiceDetector> detector,
                           std::unique_ptr<Recognizer> recognizer, ClauseStreamClocks clocks,
                           const SegmenterSettings& settings)
    : listener_(listener),
      post_(std::move(post)),
      detector_(std::move(detector)),
      recognizer_(std::move(recognizer)),
      clocks_(std::move(clocks)),
      segmenter_(settings) {}

ClauseStream::~ClauseStream() = default;

void ClauseStream::push(std::span<const int16_t> samples, uint64_t utc) {
  now_utc_ = utc + samples.size() * kSttNsPerSample;
  while (!samples.empty()) {
    if (frame_.empty()) frame_utc_ = utc;
    const size_t taken = std::min(samples.size(), kFrame - frame_.size());
    for (const int16_t sample : samples.first(taken)) frame_.push_back(sample / 32768.0f);
    samples = samples.subspan(taken);
    utc += taken * kSttNsPerSample;
    if (frame_.size() == kFrame) accept_frame(std::exchange(frame_, {}), frame_utc_);
  }
  request_partial_if_due();
  report_settled();
}

void ClauseStream::flush() {
  if (!frame_.empty()) {
    frame_.resize(kFrame);
    accept_frame(std::exchange(frame_, {}), frame_utc_);
  }
  if (segmenter_.close()) close_segment();
  flushing_ = true;
  commit_closed();
}

void ClauseStream::accept_frame(std::span<const float> frame, uint64_t utc) {
  const bool paused = segmenter_.is_paused();
  const size_t pause_start = paused ? segmenter_.open_segment().speech_end : 0;
  const bool audible = gate_.accept(frame);
  const bool speech = detector_->accept(frame) && audible;
  switch (segmenter_.accept(frame, speech, utc)) {
    case SegmentEvent::kNone:
      break;
    case SegmentEvent::kStarted:
      start_segment();
      break;
    case SegmentEvent::kPaused:
      pause_segment();
      break;
    case SegmentEvent::kResumed:
      pauses_.push_back({pause_start, segmenter_.open_segment().audio.size() - kFrame});
      break;
    case SegmentEvent::kEnded:
      close_segment();
      break;
    case SegmentEvent::kCut:
      close_segment();
      start_segment();
      break;
  }
}

void ClauseStream::start_segment() {
  const Segment& segment = segmenter_.open_segment();
  Work& work = works_.emplace_back();
  work.id = next_id_++;
  work.clause_start_utc = utc_at(segment, segment.speech_start);
  if (!segment.continues) {
    last_utterance_ = std::max(last_utterance_ + 1, work.clause_start_utc / 1000);
  }
  work.utterance = last_utterance_;
  pauses_.clear();
  partial_size_ = 0;
}

// The text may be wanted in a moment: have it ready.
void ClauseStream::pause_segment() {
  const Segment& segment = segmenter_.open_segment();
  if (segment.speech_samples < kLeastSpeech) return;
  Work& work = works_.back();
  work.pause_decode = segment.audio.size();
  work.pause_text.reset();
  request({work.id, segment.audio.size(), segment.speech_end, Urgency::kSpeculative,
           segment.speech_end},
          segment.audio);
}

void ClauseStream::close_segment() {
  Work& work = works_.back();
  work.closed = segmenter_.take();
  work.is_closed = true;
  const uint64_t end = utc_at(work.closed, end_of_sound(work.closed.audio, work.closed.speech_end));
  const uint64_t heard = frame_utc_ + kFrame * kSttNsPerSample;
  work.endpoint_ms = heard > end ? static_cast<double>(heard - end) / 1e6 : 0;
  if (work.closed.speech_samples < kLeastSpeech && !work.committer.has_committed()) {
    work.final_text = Decoded{};
    commit_closed();
  } else if (work.pause_decode != work.closed.audio.size()) {
    request({work.id, work.closed.audio.size(), work.closed.speech_end, Urgency::kFinal, {}},
            work.closed.audio);
  } else if (work.pause_text) {
    take_final(work, *work.pause_text);
  }
}

void ClauseStream::request(const Request& request, std::vector<float> audio) {
  auto result = [post = post_, alive = std::weak_ptr(alive_), this, request](Decoded decoded) {
    post([alive, this, request, decoded = std::move(decoded)] {
      if (!alive.expired()) this->decoded(request, decoded);
    });
  };
  recognizer_->decode(std::move(audio), request.urgency, std::move(result));
}

void ClauseStream::decoded(const Request& request, Decoded result) {
  if (request.urgency == Urgency::kPartial) {
    partial_running_ = false;
    next_partial_ =
        std::max(partial_begun_ + kLeastPartialInterval,
                 partial_begun_ + milliseconds(std::lround(result.decode_ms / kPartialLoad)));
  }
  Work* const work = find(request.id);
  if (!work || work->final_text) return;
  if (work->is_closed) {
    const bool whole = request.size == work->closed.audio.size();
    if (whole && request.urgency != Urgency::kPartial) take_final(*work, std::move(result));
    return;
  }
  if (request.urgency == Urgency::kSpeculative && work->pause_decode == request.size) {
    work->pause_text = result;
  }
  partial(*work, request, result);
}

void ClauseStream::take_final(Work& work, Decoded result) {
  if (has_loop(result.text) && work.closed.audio.size() >= kWorthHalving && !work.halved) {
    decode_halves(work);
    return;
  }
  result.text = plausible(result.text, facts_of(work.closed));
  work.final_text = std::move(result);
  commit_closed();
}

// A recogniser that loops on a clip often hears its halves well.
void ClauseStream::decode_halves(Work& work) {
  work.halved = true;
  const std::vector<float>& audio = work.closed.audio;
  const size_t middle = quietest_place(audio, audio.size() / 3, audio.size() * 2 / 3, kDip);
  const auto at = audio.begin() + static_cast<std::ptrdiff_t>(middle);
  std::vector<float> second(at, audio.end());
  auto then = [this, post = post_, alive = std::weak_ptr(alive_), id = work.id,
               second = std::move(second)](Decoded first) mutable {
    post([this, post, alive, id, second = std::move(second), first]() mutable {
      if (alive.expired()) return;
      auto last = [this, post, alive, id, first](Decoded decoded) {
        post([this, alive, id, first, decoded] {
          Work* const work = alive.expired() ? nullptr : find(id);
          if (!work) return;
          take_final(*work, {without_loops(first.text) + " " + without_loops(decoded.text),
                             first.decode_ms + decoded.decode_ms});
        });
      };
      recognizer_->decode(std::move(second), Urgency::kFinal, std::move(last));
    });
  };
  recognizer_->decode({audio.begin(), at}, Urgency::kFinal, std::move(then));
}

void ClauseStream::request_partial_if_due() {
  if (!segmenter_.is_open() || segmenter_.is_paused() || partial_running_ || works_.size() != 1 ||
      clocks_.steady() < next_partial_) {
    return;
  }
  const Segment& segment = segmenter_.open_segment();
  if (segment.audio.size() < std::max(kLeastPartial, partial_size_ + kPartialStep)) return;
  partial_running_ = true;
  partial_begun_ = clocks_.steady();
  partial_size_ = segment.audio.size();
  request({works_.back().id, segment.audio.size(), segment.speech_end, Urgency::kPartial, {}},
          segment.audio);
}

void ClauseStream::partial(Work& work, const Request& request, const Decoded& result) {
  if (&work != &works_.front()) return;
  if (has_loop(result.text) || plausible(result.text, facts_of(segment_of(work))).empty()) return;
  const std::optional<Commit> commit = work.committer.decoded(result.text, request.pause);
  const std::string open = work.committer.rest(result.text);
  if (commit) commit_clause(work, *commit, request, result);
  if (open.empty() || open == last_partial_) return;
  last_partial_ = open;
  SttResult shown;
  shown.text = open;
  shown.utterance = work.utterance;
  shown.clause = work.utterance == clause_utterance_ ? next_clause_ : 0;
  shown.start_utc = work.clause_start_utc;
  shown.end_utc = std::max(shown.start_utc, utc_at(segment_of(work), segment_of(work).speech_end));
  shown.decode_ms = result.decode_ms;
  listener_.on_partial(shown);
}

void ClauseStream::commit_clause(Work& work, const Commit& commit, const Request& request,
                                 const Decoded& result) {
  const Segment& segment = segment_of(work);
  SttResult clause;
  clause.text = commit.text;
  clause.end_utc = clause_end(work, commit, request);
  const uint64_t heard = utc_at(segment, request.size);
  clause.endpoint_ms = heard > clause.end_utc ? (heard - clause.end_utc) / 1e6 : 0;
  clause.decode_ms = result.decode_ms;
  if (!work.is_closed) {
    segmenter_.cut_after((clause.end_utc - std::min(clause.end_utc, segment.start_utc)) /
                         kSttNsPerSample);
  }
  emit(work, std::move(clause));
  if (!commit.pause || work.is_closed || segmenter_.is_paused()) return;
  // All speech before the pause is committed: decode only what comes after it from now on.
  const auto pause = std::ranges::find(pauses_, *commit.pause, &Pause::speech_end);
  if (pause == pauses_.end()) return;
  segmenter_.drop_front((pause->speech_end + pause->resumed) / 2);
  pauses_.clear();
  partial_size_ = 0;
  work.committer = {};
  work.id = next_id_++;
}

uint64_t ClauseStream::clause_end(const Work& work, const Commit& commit,
                                  const Request& request) const {
  const Segment& segment = segment_of(work);
  size_t end = 0;
  if (commit.pause) {
    end = end_of_sound(segment.audio, *commit.pause);
  } else {
    const size_t start = std::min(segment.speech_start, request.speech_end);
    const double spoken = static_cast<double>(request.speech_end - start) * commit.fraction;
    const size_t guess = start + static_cast<size_t>(spoken);
    end = quietest_place(segment.audio, guess > kSnapRange ? guess - kSnapRange : 0,
                         std::min(guess + kSnapRange, request.speech_end), kDip);
  }
  return std::max(work.clause_start_utc, utc_at(segment, end));
}

// Segments end in the order in which they began, whatever the order of their decodes.
void ClauseStream::commit_closed() {
  while (!works_.empty() && works_.front().final_text) {
    Work& work = works_.front();
    SttResult clause;
    clause.end_utc =
        std::max(work.clause_start_utc,
                 utc_at(work.closed, end_of_sound(work.closed.audio, work.closed.speech_end)));
    clause.text = without_echo(work.committer.rest(work.final_text->text),
                               (clause.end_utc - work.clause_start_utc) / 1e9);
    clause.endpoint_ms = work.endpoint_ms;
    clause.decode_ms = work.final_text->decode_ms;
    if (!clause.text.empty()) emit(work, std::move(clause));
    Committer next = work.committer.next(work.final_text->text);
    works_.pop_front();
    if (!works_.empty() && segment_of(works_.front()).continues) {
      works_.front().committer = std::move(next);
    }
    last_partial_.clear();
  }
  report_settled();
  if (flushing_ && works_.empty()) {
    flushing_ = false;
    listener_.on_flushed();
  }
}

void ClauseStream::emit(Work& work, SttResult result) {
  if (work.utterance != clause_utterance_) {
    clause_utterance_ = work.utterance;
    next_clause_ = 0;
  }
  result.utterance = work.utterance;
  result.clause = next_clause_++;
  result.start_utc = work.clause_start_utc;
  result.committed_utc = clocks_.utc_ns();
  work.clause_start_utc = result.end_utc;
  listener_.on_clause(result);
}

void ClauseStream::report_settled() {
  if (works_.empty()) {
    const uint64_t lead = SegmenterSettings{}.most_lead_frames * kFrame * kSttNsPerSample;
    listener_.on_settled(flushing_ ? now_utc_ : now_utc_ - std::min(now_utc_, lead));
    return;
  }
  const Work& work = works_.front();
  listener_.on_settled(work.committer.has_committed() ? work.clause_start_utc
                                                      : segment_of(work).start_utc);
}

const Segment& ClauseStream::segment_of(const Work& work) const {
  return work.is_closed ? work.closed : segmenter_.open_segment();
}

ClauseStream::Work* ClauseStream::find(uint64_t id) {
  const auto found = std::ranges::find(works_, id, &Work::id);
  return found == works_.end() ? nullptr : &*found;
}

}  // namespace dragoman::stt
