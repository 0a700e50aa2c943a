// SPDX-License-Identifier: LGPL-2.1-or-later
// The knobs of this launcher's calls: listed, set and unset, in mid-call too. Every interface (the
// control socket, an API) is a thin layer over these operations. Main loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "launcher/calls/call_knobs.h"
#include "launcher/calls/media_workers.h"
#include "launcher/stations/knob_resolver.h"
#include "launcher/store/journal.h"
#include "launcher/util/config.h"

namespace dragoman {

/// The knobs that the pipeline file of each extension declares.
using RouteKnobs = std::map<std::string, std::vector<KnobSpec>>;

/// Whose knobs are meant; empty members narrow nothing. A station or an extension alone means all
/// its calls, with a call that party of the call, without any all calls.
struct KnobSelection {
  std::string call, station, extension;
};

/// A knob as it stands for one party of a call or, without a call, for the next call of an
/// extension.
struct KnobState {
  KnobSpec spec;
  std::string call, extension;  ///< `call` empty: what the next one begins with
  KnobValue value;
  KnobLevel from = KnobLevel::kPipeline;
};

/// What turning a knob did to one party of a call.
struct KnobChange {
  std::string call, extension, station;
  KnobValue before, after;
  std::string error;  ///< unless empty the worker refused, and it stands as before
};

class Knobs : public CallKnobs {
 public:
  /// With the configuration's settings. Throws ConfigError where one names a knob or a station that
  /// is not, or has a value that is not the knob's. The others must outlive it.
  Knobs(RouteKnobs routes, const std::vector<KnobSetting>& settings, MediaWorkers& workers,
        Journal& journal);

  std::map<std::string, std::string> begin(const std::string& leg, const std::string& trace_id,
                                           const std::string& extension) override;
  void end(const std::string& leg) override;
  std::string values_at(const std::string& trace_id, const std::string& station) const override;

  /// What came of an operation: an `error` for the user, or the changes of running calls.
  struct Outcome {
    std::string error;
    std::vector<KnobChange> changes;
  };
  using Done = std::function<void(const Outcome&)>;

  /// Nothing, with `error`, if the selection fits nothing.
  std::vector<KnobState> list(const KnobSelection& selection, std::string& error) const;
  /// Turns the knob: `text` is the value, nothing takes away what was set there. `by` is who, for
  /// the journal. `done` comes when the calls concerned have it, at once if there is none.
  void turn(const KnobSelection& selection, const std::string& name,
            const std::optional<std::string>& text, const std::string& by, Done done);

 private:
  /// A party of a running call.
  struct Leg {
    std::string trace, extension;
    std::map<std::string, KnobValue> standing;  ///< what the worker has confirmed
    std::map<std::string, KnobValue> asked;     ///< what it was last told
  };
  struct Turn;

  void apply(const KnobSetting& setting);
  std::string check(const KnobSelection& selection) const;
  std::vector<const KnobSpec*> specs_of(const KnobSelection& selection) const;
  bool is_meant(const KnobSelection& selection, const std::string& extension,
                const KnobSpec& spec) const;
  std::vector<std::string> names(const std::vector<const KnobSpec*>& specs) const;
  KnobScope scope_of(const KnobSelection& selection) const;
  void update_calls(const std::shared_ptr<Turn>& turn);
  void update(const std::shared_ptr<Turn>& turn, const std::string& leg, const KnobSpec& spec,
              const KnobValue& value);
  void finish(const Turn& turn) const;
  void record(const KnobChange& change, const Turn& turn) const;

  const RouteKnobs routes_;
  MediaWorkers& workers_;
  Journal& journal_;
  KnobResolver resolver_;
  std::map<std::string, Leg> legs_;  ///< by the pipeline's id
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace dragoman
