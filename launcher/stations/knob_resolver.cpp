// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/stations/knob_resolver.h"

namespace dragoman {

const char* name_of(KnobLevel level) {
  constexpr const char* kNames[] = {"pipeline", "default", "station", "extension", "call"};
  return kNames[static_cast<int>(level)];
}

void KnobResolver::set(const KnobScope& scope, const std::string& knob, const KnobValue& value) {
  values_[{scope, knob}] = value;
}

bool KnobResolver::unset(const KnobScope& scope, const std::string& knob) {
  return values_.erase({scope, knob}) > 0;
}

std::optional<KnobValue> KnobResolver::get(const KnobScope& scope, const std::string& knob) const {
  const auto found = values_.find({scope, knob});
  return found == values_.end() ? std::nullopt : std::optional(found->second);
}

ResolvedKnob KnobResolver::resolve(const KnobSpec& spec, const std::string& extension,
                                   const std::string& trace) const {
  const KnobScope closest_first[] = {{KnobLevel::kCall, trace, extension},
                                     {KnobLevel::kCall, trace, ""},
                                     {KnobLevel::kExtension, extension, ""},
                                     {KnobLevel::kStation, spec.station, ""},
                                     {KnobLevel::kDefault, "", ""}};
  for (const KnobScope& scope : closest_first) {
    const bool nowhere = scope.level != KnobLevel::kDefault && scope.key.empty();
    if (const auto value = nowhere ? std::nullopt : get(scope, spec.name))
      return {*value, scope.level};
  }
  return {spec.fallback, KnobLevel::kPipeline};
}

void KnobResolver::forget_call(const std::string& trace) {
  std::erase_if(values_, [&trace](const auto& entry) {
    const KnobScope& scope = entry.first.first;
    return scope.level == KnobLevel::kCall && scope.key == trace;
  });
}

}  // namespace dragoman
