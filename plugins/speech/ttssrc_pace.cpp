// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/ttssrc_pace.h"

#include <algorithm>

namespace dragoman {
namespace {

constexpr double kTolerated = 0.5, kFullSpeed = 1.5;  // seconds of backlog
constexpr double kWeightOfNew = 0.2;
constexpr double kFastest = 0.02, kSlowest = 0.4;  // seconds per character; beyond: not speech

}  // namespace

unsigned SpeechPace::characters(std::string_view text) {
  return static_cast<unsigned>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

void SpeechPace::learn(unsigned characters, double seconds, double rate) {
  if (characters == 0) return;
  const double measured = std::clamp(seconds * rate / characters, kFastest, kSlowest);
  seconds_per_character_ += kWeightOfNew * (measured - seconds_per_character_);
}

double SpeechPace::speed_up(double backlog, double most) {
  const double need = std::clamp((backlog - kTolerated) / (kFullSpeed - kTolerated), 0.0, 1.0);
  return 1 + (std::max(most, 1.0) - 1) * need;
}

}  // namespace dragoman
