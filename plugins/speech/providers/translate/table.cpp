// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/translate/apertium.h"
#include "plugins/speech/providers/translate/memory.h"
#include "plugins/speech/providers/translate/provider.h"

namespace dragoman {

const std::vector<TranslateProviderEntry>& translate_providers() {
  static const std::vector<TranslateProviderEntry> table{
      {"memory", make_memory_provider},
      {"apertium", make_apertium_provider},
  };
  return table;
}

}  // namespace dragoman
