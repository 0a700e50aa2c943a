// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes translation services with other providers than the process's: for tests, and programs that
// bring their own.
#pragma once

#include <memory>
#include <vector>

#include "plugins/speech/providers/translate/provider.h"
#include "plugins/speech/translation_service.h"

namespace dragoman {

struct TranslationServiceLimits {
  /// Translations remembered, so that each clause is translated once however many listen.
  size_t remembered = 512;
  /// Clauses of one channel and language that may wait. When one more comes, all that wait but the
  /// newest are handed on untranslated, with a failure that says so: late words help nobody.
  size_t waiting = 64;
  /// Threads for one pair of languages: so many channels' clauses are translated at a time.
  size_t threads_per_pair = 3;
};

std::shared_ptr<TranslationService> make_translation_service(
    const std::vector<TranslateProviderEntry>& providers, TranslationServiceLimits limits = {});

}  // namespace dragoman
