// SPDX-License-Identifier: LGPL-2.1-or-later
// One text through a list of providers.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "plugins/speech/providers/translate/provider.h"
#include "plugins/speech/translation_service.h"

namespace dragoman {

struct NamedProvider {
  std::string name;
  std::shared_ptr<TranslateProvider> provider;  ///< null: `error` says why
  std::string error;
};

struct WalkResult {
  std::string text;
  /// Who made it, in the order of the text, each once, joined by '+': "memory",
  /// "memory+apertium". "none" is what was left untranslated.
  std::string provider;
  std::vector<ProviderFailure> failures;
};

/// How long one attempt of one provider may take.
inline constexpr std::chrono::seconds kAttemptTimeout{12};

/// Has `text` translated by the first of `providers` that can, whole or, where one knows but a part
/// of it, the rest by those after it. One that fails is asked once more, then the next takes over;
/// a failure that the second attempt mended is reported with the same provider as `next`. What
/// nobody translates stays as it is, with provider "none" and a failure. Blocks; any thread.
WalkResult translate_through(const std::vector<NamedProvider>& providers, const std::string& text,
                             const std::string& from, const std::string& to);

}  // namespace dragoman
