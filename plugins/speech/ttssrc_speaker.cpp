// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/ttssrc_speaker.h"

#include <algorithm>
#include <string_view>

namespace dragoman {
namespace {

constexpr size_t kSamplesPerMs = SpeechShaper::kRate / 1000;
// The next clause is begun when this much is left to play: late, so that its rate suits the backlog
// of that moment; early enough for a provider at the far end of a network.
constexpr size_t kLookahead = 500 * kSamplesPerMs;
constexpr size_t kMaxAudio = 20000 * kSamplesPerMs;
// Between two clauses, and after a sentence, of speech without a pause.
constexpr size_t kClausePause = 80 * kSamplesPerMs, kSentencePause = 160 * kSamplesPerMs;
constexpr size_t kHurriedPause = 40 * kSamplesPerMs;
constexpr size_t kUnderrunFade = 3 * kSamplesPerMs;

double seconds_of(size_t samples) { return static_cast<double>(samples) / SpeechShaper::kRate; }

double milliseconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - then).count();
}

size_t pause_before(std::string_view previous_text, bool hurried) {
  if (hurried) return kHurriedPause;
  const bool sentence =
      !previous_text.empty() &&
      std::string_view(".?!").find(previous_text.back()) != std::string_view::npos;
  return sentence ? kSentencePause : kClausePause;
}

}  // namespace

Speaker::Speaker(Settings settings, TtsProviderList providers, SpeakerListener& listener)
    : providers_(std::move(providers)),
      listener_(listener),
      settings_(std::move(settings)),
      thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

Speaker::~Speaker() = default;

void Speaker::say(const Translation& translation) {
  auto clause = std::make_shared<SpokenClause>();
  clause->translation = translation;
  double over = 0;
  {
    std::lock_guard lock(mutex_);
    const unsigned characters = SpeechPace::characters(translation.text);
    queue_.push_back({std::move(clause), Steady::now(), characters});
    queued_characters_ += characters;
    ++stats_.said;
    const double waiting = backlog();
    stats_.backlog_max = std::max(stats_.backlog_max, waiting);
    if (waiting > settings_.max_queue) {
      ++stats_.over_queue;
      if (!over_queue_) over = waiting;
      over_queue_ = true;
    }
  }
  changed_.notify_all();
  if (over > 0) listener_.on_backlog(over);
}

void Speaker::end() {
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
}

Speaker::Taken Speaker::take(std::span<int16_t> space) {
  Taken taken;
  std::lock_guard lock(mutex_);
  taken.samples = std::min(space.size(), audio_.size());
  const auto end = audio_.begin() + static_cast<ptrdiff_t>(taken.samples);
  std::copy(audio_.begin(), end, space.begin());
  audio_.erase(audio_.begin(), end);
  for (; !markers_.empty() && markers_.front().position < taken_ + taken.samples;
       markers_.pop_front()) {
    taken.starts.push_back({markers_.front().clause, markers_.front().position - taken_});
  }
  taken_ += taken.samples;
  const size_t missing = space.size() - taken.samples;
  smooth_underrun(space.first(taken.samples), missing > 0);
  silence_given_ = taken.samples == 0
                       ? std::min<size_t>(silence_given_ + missing, SpeechShaper::kRate)
                       : missing;
  if (over_queue_ && backlog() < settings_.max_queue / 2) over_queue_ = false;
  taken.end = taken.samples == 0 && nothing_left();
  if (taken.samples > 0) changed_.notify_all();
  return taken;
}

bool Speaker::wait(size_t samples) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    return interrupted_ || audio_.size() >= samples || (ended_ && queue_.empty() && !busy_);
  });
  return !interrupted_;
}

void Speaker::interrupt(bool on) {
  {
    std::lock_guard lock(mutex_);
    interrupted_ = on;
  }
  changed_.notify_all();
}

void Speaker::set_voice(const std::string& voice) {
  std::lock_guard lock(mutex_);
  settings_.voice = voice;
}

void Speaker::set_rate(double rate, double max_speedup) {
  std::lock_guard lock(mutex_);
  settings_.rate = rate;
  settings_.max_speedup = max_speedup;
}

Speaker::Stats Speaker::stats() const {
  std::lock_guard lock(mutex_);
  Stats stats = stats_;
  stats.backlog = backlog();
  return stats;
}

void Speaker::run(std::stop_token stop) {
  SpeechRequest request;
  while (const auto waiting = next(stop, request)) speak(*waiting, request, stop);
}

std::optional<Speaker::Waiting> Speaker::next(std::stop_token& stop, SpeechRequest& request) {
  std::unique_lock lock(mutex_);
  busy_ = false;
  changed_.notify_all();
  if (!changed_.wait(lock, stop, [&] { return !queue_.empty() && audio_.size() <= kLookahead; })) {
    return std::nullopt;
  }
  Waiting waiting = std::move(queue_.front());
  queue_.pop_front();
  queued_characters_ -= waiting.characters;
  busy_ = true;
  clause_samples_ = 0;
  const double waited = milliseconds_since(waiting.since) / 1000 + seconds_of(audio_.size());
  waiting.clause->rate =
      settings_.rate * SpeechPace::speed_up(std::max(waited, backlog()), settings_.max_speedup);
  request = {waiting.clause->translation.text, settings_.language, settings_.voice,
             waiting.clause->rate};
  return waiting;
}

// Until the clause is said, given up or the speaker stopped.
void Speaker::speak(const Waiting& waiting, const SpeechRequest& request, std::stop_token& stop) {
  Waiting attempt = waiting;
  auto pause = settings_.first_retry;
  SpeechStatus status = SpeechStatus::kFailed;
  for (int tries_left = settings_.tries; tries_left > 0 && !stop.stop_requested(); --tries_left) {
    attempt.asked = Steady::now();
    status = synthesize(attempt, request, tries_left > 1, stop);
    if (status != SpeechStatus::kFailed) break;
    std::unique_lock lock(mutex_);
    if (tries_left > 1) changed_.wait_for(lock, stop, pause, [] { return false; });
    pause *= 2;
  }
  finish(attempt, status);
}

SpeechStatus Speaker::synthesize(const Waiting& waiting, const SpeechRequest& request, bool kept,
                                 std::stop_token& stop) {
  const auto sink = [&](std::span<const int16_t> samples, unsigned sample_rate) {
    return push(shaper_.feed(samples, sample_rate), waiting, stop);
  };
  const auto on_failure = [&](const TtsFailure& failure) {
    listener_.on_tts_failure(failure, kept);
  };
  const SpeechResult result = providers_.synthesize(request, sink, stop, on_failure);
  push(shaper_.finish(), waiting, stop);
  return result.status;
}

bool Speaker::push(std::span<const int16_t> samples, const Waiting& waiting,
                   std::stop_token& stop) {
  if (samples.empty()) return !stop.stop_requested();
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [&] { return audio_.size() < kMaxAudio; })) return false;
  if (clause_samples_ == 0) begin_audio(waiting);
  audio_.insert(audio_.end(), samples.begin(), samples.end());
  pushed_ += samples.size();
  clause_samples_ += samples.size();
  changed_.notify_all();
  return true;
}

void Speaker::begin_audio(const Waiting& waiting) {
  SpokenClause& clause = *waiting.clause;
  clause.first_audio_ms = milliseconds_since(waiting.asked);
  clause.provider = providers_.current_provider();
  const bool hurried = clause.rate > settings_.rate * 1.01;
  const size_t wanted = pause_before(previous_text_, hurried);
  const size_t given = audio_.empty() ? silence_given_ : 0;
  const size_t pause = wanted - std::min(wanted, given);
  audio_.insert(audio_.end(), pause, 0);
  pushed_ += pause;
  markers_.push_back({pushed_, waiting.clause});
  previous_text_ = clause.translation.text;
  in_clause_ = true;
}

void Speaker::finish(const Waiting& waiting, SpeechStatus status) {
  SpokenClause& clause = *waiting.clause;
  std::lock_guard lock(mutex_);
  in_clause_ = false;
  const double seconds = seconds_of(clause_samples_);
  if (status == SpeechStatus::kDone) {
    ++stats_.spoken;
    pace_.learn(waiting.characters, seconds, clause.rate);
  } else if (status == SpeechStatus::kFailed) {
    ++stats_.given_up;
  }
  clause.audio_ms = seconds * 1000;
  clause.complete.store(true, std::memory_order_release);
}

double Speaker::backlog() const {
  return seconds_of(audio_.size()) + pace_.seconds(queued_characters_);
}

// A provider slower than its own speech: the gap it leaves is faded, not clicked, into and out of.
void Speaker::smooth_underrun(std::span<int16_t> taken, bool dry) {
  const size_t steps = std::min(kUnderrunFade, taken.size());
  if (steps == 0) return;
  if (fade_in_next_) {
    for (size_t i = 0; i < steps; ++i) {
      taken[i] = static_cast<int16_t>(taken[i] * static_cast<int>(i) / static_cast<int>(steps));
    }
  }
  fade_in_next_ = dry && in_clause_;
  if (!fade_in_next_) return;
  ++stats_.underruns;
  const auto last = taken.last(steps);
  for (size_t i = 0; i < steps; ++i) {
    last[i] =
        static_cast<int16_t>(last[i] * static_cast<int>(steps - 1 - i) / static_cast<int>(steps));
  }
}

bool Speaker::nothing_left() const { return ended_ && queue_.empty() && !busy_ && audio_.empty(); }

}  // namespace dragoman
