// SPDX-License-Identifier: LGPL-2.1-or-later
// Which value a knob has for a call: the pipeline file's own < the launcher's default < the
// station's < the extension's < the call's.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "launcher/stations/knob_registry.h"

namespace dragoman {

enum class KnobLevel {
  kPipeline,   ///< nobody set it: what the pipeline file starts with
  kDefault,    ///< [knobs]
  kStation,    ///< [knobs St_3]
  kExtension,  ///< knob.… in [extension 3333]
  kCall
};
const char* name_of(KnobLevel level);

/// Where a value is set.
struct KnobScope {
  KnobLevel level = KnobLevel::kDefault;
  std::string key;    ///< station, extension or trace; of kDefault empty
  std::string party;  ///< of kCall: the extension of the one party meant; empty: all of the call
  auto operator<=>(const KnobScope&) const = default;
};

struct ResolvedKnob {
  KnobValue value;
  KnobLevel level = KnobLevel::kPipeline;  ///< where it comes from
};

/// Plain values; knows no pipeline and no call.
class KnobResolver {
 public:
  void set(const KnobScope& scope, const std::string& knob, const KnobValue& value);
  /// False if it was not set there.
  bool unset(const KnobScope& scope, const std::string& knob);
  std::optional<KnobValue> get(const KnobScope& scope, const std::string& knob) const;
  /// The value of `spec` for the party `extension` of the call `trace` (empty: of no call yet).
  ResolvedKnob resolve(const KnobSpec& spec, const std::string& extension,
                       const std::string& trace) const;
  /// The call is over: what was set for it goes.
  void forget_call(const std::string& trace);

 private:
  std::map<std::pair<KnobScope, std::string>, KnobValue> values_;
};

}  // namespace dragoman
