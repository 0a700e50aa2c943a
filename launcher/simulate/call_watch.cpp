// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/simulate/call_watch.h"

#include <unistd.h>

#include <algorithm>

namespace dragoman {

void CallWatch::poll() {
  if (::access(database_.c_str(), F_OK) != 0) return;
  try {
    Database database(database_, DatabaseAccess::kReadOnly);
    report_ = make_report(database, {});
  } catch (const DatabaseError&) {
    return;  // being made, or locked for a moment: the next poll reads it
  }
  for (const ReportedUtterance& utterance : report_.utterances) tell(utterance);
}

void CallWatch::tell(const ReportedUtterance& utterance) {
  if (!utterance.committed_at.empty() && is_new(utterance, "", kTranscript)) {
    listener_.on_transcript(utterance);
  }
  const std::string& language = utterance.target_language;
  if (!utterance.translated_at.empty() && is_new(utterance, language, kTranslation)) {
    listener_.on_translation(utterance);
  }
  if (!utterance.first_audio_at.empty() && is_new(utterance, language, kSpoken)) {
    listener_.on_spoken(utterance);
  }
}

bool CallWatch::is_new(const ReportedUtterance& utterance, const std::string& language, Step step) {
  int& told = told_[utterance.channel + '\n' + std::to_string(utterance.utterance) + '\n' +
                    std::to_string(utterance.clause) + '\n' + language];
  if (told & step) return false;
  told |= step;
  changed_ = std::chrono::steady_clock::now();
  return true;
}

size_t CallWatch::unheard(const std::string& extension) const {
  return static_cast<size_t>(std::count_if(
      report_.utterances.begin(), report_.utterances.end(), [&extension](const auto& utterance) {
        return utterance.extension == extension && utterance.first_audio_at.empty() &&
               !utterance.text.empty();
      }));
}

size_t CallWatch::heard(const std::string& extension) const {
  return static_cast<size_t>(std::count_if(
      report_.utterances.begin(), report_.utterances.end(), [&extension](const auto& utterance) {
        return utterance.extension == extension && !utterance.first_audio_at.empty();
      }));
}

}  // namespace dragoman
