// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/captionsrc_schedule.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "plugins/speech/ttssrc_pace.h"

namespace dragoman {
namespace {

// How much faster captions must be read while others wait.
constexpr double kHurry = 1.6;

// Bytes of the first `characters` code points of `text`.
size_t bytes_of(const std::string& text, size_t characters) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    const bool starts_character = (text[at] & 0xc0) != 0x80;
    if (starts_character && characters-- == 0) break;
  }
  return at;
}

}  // namespace

std::vector<std::string> CaptionSchedule::split(const std::string& text) {
  std::vector<std::string> pieces;
  std::string piece, word;
  const auto finish = [&] {
    if (!piece.empty()) pieces.push_back(std::exchange(piece, {}));
  };
  for (std::istringstream words(text); words >> word;) {
    while (SpeechPace::characters(word) > kMaxCharacters) {
      finish();
      const size_t bytes = bytes_of(word, kMaxCharacters);
      pieces.push_back(word.substr(0, bytes));
      word.erase(0, bytes);
    }
    if (SpeechPace::characters(piece) + SpeechPace::characters(word) >= kMaxCharacters) finish();
    piece += (piece.empty() ? "" : " ") + word;
  }
  finish();
  return pieces;
}

void CaptionSchedule::add(const std::string& text, uint64_t time) {
  for (std::string& piece : split(text)) waiting_.push_back({std::move(piece), time});
}

std::optional<Caption> CaptionSchedule::take(uint64_t now) {
  if (waiting_.empty()) return std::nullopt;
  const Waiting& next = waiting_.front();
  const uint64_t wanted = next.time == kNow ? now : next.time;
  if (next.time == kNow && now < position_) return std::nullopt;
  Caption caption{next.text, std::max(wanted, position_), 0};
  const bool others_wait = waiting_.size() > 1;
  waiting_.pop_front();
  caption.duration = duration_of(caption.text);
  if (others_wait) {
    const auto hurried = static_cast<uint64_t>(static_cast<double>(caption.duration) / kHurry);
    caption.duration = std::max(hurried, rule_.min_duration);
  }
  position_ = caption.time + caption.duration;
  return caption;
}

void CaptionSchedule::skip_to(uint64_t now) { position_ = std::max(position_, now); }

uint64_t CaptionSchedule::duration_of(const std::string& text) const {
  const double seconds = SpeechPace::characters(text) / rule_.reading_speed;
  return std::clamp(static_cast<uint64_t>(seconds * 1e9), rule_.min_duration,
                    std::max(rule_.min_duration, rule_.max_duration));
}

}  // namespace dragoman
