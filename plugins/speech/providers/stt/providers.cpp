// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <array>

#include "plugins/speech/providers/stt/provider.h"
#include "plugins/speech/providers/stt/sherpa/sherpa_provider.h"

namespace dragoman {
namespace {

constexpr std::array kProviders = {
    SttProvider{"sherpa", sherpa::check, sherpa::open},
};

}  // namespace

std::span<const SttProvider> stt_providers() { return kProviders; }

const SttProvider* find_stt_provider(std::string_view name) {
  const auto found = std::ranges::find_if(
      kProviders, [name](const SttProvider& provider) { return name == provider.name; });
  return found == kProviders.end() ? nullptr : &*found;
}

}  // namespace dragoman
