// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/tap_partner.h"

#include <algorithm>

#include "plugins/common/pipeline_clock.h"
#include "plugins/station/clocks.h"

namespace dragoman {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
/// Pieces of a stream's time that are taken at once, so that the sizes of buffers change nothing.
constexpr uint64_t kPieceNs = 20'000'000;
constexpr uint64_t kToleranceNs = SampleClock::kToleranceNs;
/// What POST knows by comparing.
constexpr std::initializer_list<const char*> kCompared = {"processing_latency_ms",
                                                          "processing_latency_p95_ms",
                                                          "dsp_load_pct",
                                                          "agc_gain_db",
                                                          "noise_reduction_db",
                                                          "echo_return_loss_db",
                                                          "echo_return_loss_enhancement_db",
                                                          "log_spectral_distance_db"};

constexpr std::initializer_list<const char*> kEcho = {"echo_return_loss_db",
                                                      "echo_return_loss_enhancement_db"};

/// A name that no trace has, shared by the taps of one pipeline.
std::string name_of_pipeline(GstElement* element) {
  const GstObjectPtr<GstObject> top(toplevel_of(element));
  return "/" + std::to_string(reinterpret_cast<uintptr_t>(top.get()));
}

}  // namespace

void TapPartner::start(GstElement* element, const TapNames& names, const TapRelations& relations) {
  stop();
  element_ = element;
  key_ = {names.trace.empty() ? name_of_pipeline(element) : names.trace, names.station, names.tap};
  role_ = names.tap == "PRE" ? Role::kPre : names.tap == "POST" ? Role::kPost : Role::kOther;
  measures_load_ = board_.wants_any({"dsp_load_pct"});
  asks_pipeline_ = board_.wants_any({"pipeline_latency_ms"});
  asked_ = false;
  partner_key_ = {key_.trace, key_.station, "PRE"};
  party_key_ = {key_.trace, relations.partner, "PRE"};
  far_post_key_ = {key_.trace, relations.far, "POST"};
  far_pre_key_ = {key_.trace, relations.far, "PRE"};
  compares_ = role_ == Role::kPost && board_.wants_any(kCompared);
  compares_echo_ = compares_ && !relations.far.empty() && board_.wants_any(kEcho);
  compares_parties_ =
      role_ == Role::kPre && !relations.partner.empty() && board_.wants_any({"double_talk_ratio"});
  process_ = ProcessMeter();
  log_ = std::make_shared<TapLog>();
  log_->set_rate(decimator_.rate());
  follow_others();
  TapPairs::instance().enter(key_, log_);
}

void TapPartner::follow_others() {
  if (compares_) followed_.push_back(partner_key_);
  if (compares_echo_) {
    followed_.push_back(far_pre_key_);
    followed_.push_back(far_post_key_);
  }
  for (const TapKey& key : followed_) TapPairs::instance().follow(key);
}

void TapPartner::unfollow_others() {
  for (const TapKey& key : followed_) TapPairs::instance().unfollow(key);
  followed_.clear();
}

void TapPartner::stop() {
  if (!log_) return;
  TapPairs::instance().leave(key_, log_);
  unfollow_others();
  log_.reset();
  partner_.reset();
}

void TapPartner::set_format(int rate, size_t channels) {
  rate_ = rate;
  channels_ = channels;
  decimator_.set_format(rate, channels);
  compared_ = compares_ ? std::make_unique<Compared>() : nullptr;
  if (compared_) {
    compared_->delay.set_rate(decimator_.rate());
    compared_->enhancement.set_rate(decimator_.rate());
    if (compares_echo_) compared_->echo = std::make_unique<EchoMeter>();
    if (compared_->echo) compared_->echo->set_rate(decimator_.rate());
  }
  if (log_) log_->set_rate(decimator_.rate());
}

void TapPartner::reset() {
  decimator_.reset();
  if (compared_) {
    compared_->delay.reset();
    compared_->enhancement.reset();
    if (compared_->echo) compared_->echo->reset();
  }
  double_talk_.reset();
  if (log_) log_->clear();
  position_ = second_ = given_ = heard_ = 0;
  fed_ = false;
}

void TapPartner::arrive() { arrived_ns_ = monotonic_ns(); }

uint64_t TapPartner::end_of(uint64_t utc, size_t frames) const {
  return utc + frames_to_ns(frames, rate_);
}

template <typename Sample>
void TapPartner::feed_samples(uint64_t utc, std::span<const Sample> samples) {
  if (!log_ || !rate_) return;
  if (!fed_) bucket_begin_ = utc;
  fed_ = true;
  const size_t frames = samples.size() / channels_;
  given_ += frames;
  if (utc > position_ + kToleranceNs || utc + kToleranceNs < position_) {
    log_->clear();
    decimator_.reset();
  }
  between_ns_ += end_of(utc, frames) - utc;
  if (log_->followed()) log_->passed(utc, end_of(utc, frames), arrived_ns_);
  for (size_t done = 0; done < frames;) {
    const uint64_t at = end_of(utc, done);
    const uint64_t edge = (at / kPieceNs + 1) * kPieceNs;
    const size_t count =
        std::min<size_t>({frames - done, std::max<size_t>(1, ns_to_frames(edge - at, rate_)),
                          Decimator::kMaxFrames});
    feed_piece(at, end_of(utc, done + count), samples.subspan(done * channels_, count * channels_));
    done += count;
  }
}

template <typename Sample>
void TapPartner::feed_piece(uint64_t utc, uint64_t end_utc, std::span<const Sample> samples) {
  const uint64_t second = end_utc / kSecondNs;
  if (second != second_) {
    look_up();
    if (second_) every_second();
    second_ = second;
  }
  position_ = end_utc;
  const std::shared_ptr<TapLog> partner = partner_.lock();
  if (partner) compared_->delay.passed(*partner, utc, end_utc, arrived_ns_, board_);
  if (partner || log_->followed()) log_->append(decimator_.feed(samples), end_utc);
}

void TapPartner::feed(uint64_t utc, std::span<const int16_t> samples) {
  feed_samples(utc, samples);
}
void TapPartner::feed(uint64_t utc, std::span<const float> samples) { feed_samples(utc, samples); }

/// Finds the partner, should there be none or a new one.
void TapPartner::look_up() {
  if (!compares_) return;
  partner_ = TapPairs::instance().find(partner_key_);
}

/// What the caller hears last before his phone, or null.
std::shared_ptr<TapLog> TapPartner::far_end() const {
  auto log = TapPairs::instance().find(far_post_key_);
  return log ? log : TapPairs::instance().find(far_pre_key_);
}

void TapPartner::every_second() {
  static const size_t load = BucketBoard::index_of("dsp_load_pct");
  if (asks_pipeline_ && !asked_) pipeline_.request(element_);
  asked_ = true;
  compare_parties();
  const std::shared_ptr<TapLog> pre = partner_.lock();
  if (!pre) return;
  compared_->delay.follow_lag(*pre, *log_);
  compare();
  if (!measures_load_) return;
  if (const auto share = pre->take_load()) board_.add(load, 100 * *share);
}

void TapPartner::compare() {
  const std::shared_ptr<TapLog> pre = partner_.lock();
  if (!pre) return;
  const std::optional<int64_t> lag = compared_->delay.lag_ns();
  compared_->enhancement.compare(*pre, *log_, lag, board_);
  if (!compared_->echo) return;
  if (const auto far = far_end()) compared_->echo->listen(*far, *pre, *log_, lag.value_or(0));
}

void TapPartner::compare_parties() {
  if (!compares_parties_) return;
  if (const auto other = TapPairs::instance().find(party_key_)) {
    double_talk_.compare(*log_, *other, board_);
  }
}

void TapPartner::heard(size_t frames, const VoiceDetector* voice) {
  const uint64_t begin = position_ - frames_to_ns(given_ - heard_, rate_);
  heard_ += frames;
  if (!voice || !log_) return;
  log_->decided(begin, position_ - frames_to_ns(given_ - heard_, rate_), voice->speech());
}

void TapPartner::end_bucket(const VoiceMeter* voice) {
  if (!fed_ || !log_) return;
  fed_ = false;
  BucketVoice levels{.begin_utc = bucket_begin_, .end_utc = position_};
  if (voice) {
    levels.speech_dbfs = voice->ended_bucket().speech_dbfs;
    levels.noise_dbfs = voice->ended_bucket().noise_dbfs;
  }
  log_->closed(levels);
  compare_parties();
  if (compared_) {
    compared_->delay.end_bucket(board_);
    if (compared_->echo) compared_->echo->end_bucket(board_);
  }
  if (const auto pre = partner_.lock()) {
    compared_->enhancement.compare(*pre, *log_, compared_->delay.lag_ns(), board_);
    compared_->enhancement.end_bucket(*pre, levels, board_);
  }
  read_process();
}

void TapPartner::read_process() {
  static const size_t latency = BucketBoard::index_of("pipeline_latency_ms"),
                      cpu = BucketBoard::index_of("cpu_pct"),
                      memory = BucketBoard::index_of("memory_mb");
  if (const auto ms = pipeline_.take()) board_.add(latency, *ms);
  asked_ = false;
  if (board_.wants(cpu)) {
    if (const auto pct = process_.cpu_pct()) board_.add(cpu, *pct);
  }
  if (board_.wants(memory)) {
    if (const auto mb = ProcessMeter::memory_mb()) board_.add(memory, *mb);
  }
}

void TapPartner::enter() {
  if (!measures_load_ || !compares_) return;
  if (const auto pre = partner_.lock()) pre->partner_entered(thread_cpu_ns());
}

void TapPartner::depart() {
  if (measures_load_ && role_ == Role::kPre && log_ && log_->followed()) {
    log_->departed(thread_cpu_ns());
  }
}

void TapPartner::leave() {
  if (!measures_load_) return;
  if (role_ == Role::kPre && log_ && log_->followed()) {
    log_->returned(thread_cpu_ns(), between_ns_);
  } else if (const auto pre = partner_.lock(); pre && compares_) {
    pre->partner_left(thread_cpu_ns());
  }
  between_ns_ = 0;
}

}  // namespace dragoman
