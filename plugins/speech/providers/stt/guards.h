// SPDX-License-Identifier: LGPL-2.1-or-later
// What a recogniser says that nobody said: loops, and words made up from noise.
#pragma once

#include <string>
#include <string_view>

namespace dragoman::stt {

/// What is known of the audio that was decoded.
struct ClipFacts {
  double speech_s = 0;       ///< seconds from the first sound of speech to its end
  double level_dbfs = -100;  ///< RMS of the speech; a full-scale square wave is 0
};

/// Whether `text` says the same words over and over as only a recogniser caught in a loop does.
bool has_loop(std::string_view text);

/// `text` with each loop's repetitions reduced to one.
std::string without_loops(std::string_view text);

/// `text` without loops; empty if it cannot be the speech of such a clip.
std::string plausible(std::string_view text, const ClipFacts& clip);

/// `text`, spoken in `speech_s` seconds, without a phrase said twice in a row where there was
/// hardly time to say it once.
std::string without_echo(std::string_view text, double speech_s);

}  // namespace dragoman::stt
