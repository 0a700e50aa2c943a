// SPDX-License-Identifier: LGPL-2.1-or-later
// What is said on a channel, in the listener's language: the upper half of ttssrc and captionsrc.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "plugins/common/handles.h"
#include "plugins/speech/translation_service.h"

namespace dragoman {

/// The fields of a `translation` message (see messages.h), under the name `name`.
StructurePtr translation_structure(const char* name, const Translation& translation);

/// Posts a `provider-error` message of `element`'s.
void post_provider_error(GstElement* element, const char* kind, const std::string& provider,
                         const std::string& error, const std::string& next);

/// The names in a comma-separated list, without blanks.
std::vector<std::string> split_names(const std::string& list);

/// Listens on a channel, has every clause translated and hands the results on, in order. Posts
/// `translation` and `provider-error` messages of the element it serves.
class TranslatedFeed {
 public:
  struct Settings {
    std::string channel, language;
    std::string source_language;         ///< prepared before the first clause; may be empty
    std::vector<std::string> providers;  ///< of translation, best first
    std::string memory;                  ///< the user's TMX file; may be empty
    bool post_messages = true;
  };
  using OnTranslation = std::function<void(const Translation&)>;
  using OnEnd = std::function<void()>;

  /// `on_translation` is called on a thread of the translation service's. `on_end`: the channel's
  /// publisher has ended and all it said was handed on.
  TranslatedFeed(GstElement* element, Settings settings, OnTranslation on_translation,
                 OnEnd on_end);
  /// Waits for a call in progress; none comes afterwards.
  ~TranslatedFeed();

  /// As if the publisher ended now: `on_end` is called when all that is in translation was handed
  /// on. Any thread.
  void finish();

 private:
  class Relay;
  std::shared_ptr<TranslationService> service_;
  std::shared_ptr<Relay> relay_;
  std::shared_ptr<void> listening_;
};

}  // namespace dragoman
