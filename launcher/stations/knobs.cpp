// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/stations/knobs.h"

#include <algorithm>
#include <set>

#include "launcher/pipeline/problem.h"
#include "launcher/util/json.h"
#include "plugins/common/pipeline_clock.h"

namespace dragoman {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// "no knob 'agc'; did you mean 'agc.enabled'? There are: …"
std::string unknown(const std::string& what, const std::string& name,
                    const std::vector<std::string>& known) {
  const std::string guess = did_you_mean(name, known);
  return "no " + what + " '" + name + "'; " + (guess.empty() ? "" : guess + " ") +
         (known.empty() ? "there is none at all" : "there are: " + joined(known));
}

const KnobSpec* find(const std::vector<KnobSpec>& specs, const std::string& name) {
  const auto found = std::find_if(specs.begin(), specs.end(),
                                  [&name](const KnobSpec& spec) { return spec.name == name; });
  return found == specs.end() ? nullptr : &*found;
}

}  // namespace

/// One knob being turned.
struct Knobs::Turn {
  KnobSelection selection;
  KnobScope scope;
  std::string name, by;
  std::optional<KnobValue> before, after;  ///< at the scope itself
  std::vector<KnobChange> changes;
  size_t waiting = 1;  ///< for workers, and for ourselves
  Done done;
};

Knobs::Knobs(RouteKnobs routes, const std::vector<KnobSetting>& settings, MediaWorkers& workers,
             Journal& journal)
    : routes_(std::move(routes)), workers_(workers), journal_(journal) {
  for (const KnobSetting& setting : settings) apply(setting);
}

void Knobs::apply(const KnobSetting& setting) {
  KnobSelection selection;
  if (setting.level == KnobSetting::Level::kStation) selection.station = setting.key;
  if (setting.level == KnobSetting::Level::kExtension) selection.extension = setting.key;
  std::string error = check(selection);
  const std::vector<const KnobSpec*> specs = specs_of(selection);
  bool known = false;
  for (const KnobSpec* spec : specs) {
    if (spec->name != setting.name || !error.empty()) continue;
    known = true;
    if (const auto value = parse_knob_value(*spec, setting.value, error))
      resolver_.set(scope_of(selection), setting.name, *value);
  }
  if (!known && error.empty()) error = unknown("knob", setting.name, names(specs));
  if (!error.empty()) throw ConfigError(setting.where + ": " + error);
}

// Calls.

std::map<std::string, std::string> Knobs::begin(const std::string& leg, const std::string& trace_id,
                                                const std::string& extension) {
  Leg& entry = legs_[leg];
  entry = {trace_id, extension, {}, {}};
  std::map<std::string, std::string> texts;
  const auto route = routes_.find(extension);
  if (route == routes_.end()) return texts;
  for (const KnobSpec& spec : route->second) {
    const ResolvedKnob resolved = resolver_.resolve(spec, extension, trace_id);
    entry.standing[spec.name] = entry.asked[spec.name] = resolved.value;
    if (resolved.level != KnobLevel::kPipeline)
      texts[spec.name] = property_text(spec, resolved.value);
  }
  return texts;
}

void Knobs::end(const std::string& leg) {
  const auto entry = legs_.extract(leg);
  if (entry.empty()) return;
  const std::string& trace = entry.mapped().trace;
  const bool last = std::none_of(legs_.begin(), legs_.end(), [&trace](const auto& other) {
    return other.second.trace == trace;
  });
  if (last) resolver_.forget_call(trace);
}

std::string Knobs::values_at(const std::string& trace_id, const std::string& station) const {
  std::map<std::string, std::string> values;
  for (const auto& [id, leg] : legs_) {
    const auto route = routes_.find(leg.extension);
    if (leg.trace != trace_id || route == routes_.end()) continue;
    for (const KnobSpec& spec : route->second)
      if (spec.station == station) values[spec.name] = json_of(leg.standing.at(spec.name));
  }
  std::string text;
  for (const auto& [name, value] : values)
    text += (text.empty() ? "" : ", ") + json_string(name) + ": " + value;
  return "{" + text + "}";
}

// What is meant.

std::string Knobs::check(const KnobSelection& selection) const {
  if (!selection.station.empty() && !selection.extension.empty())
    return "give a station or an extension, not both";
  if (!selection.call.empty()) {
    std::set<std::string> calls;
    for (const auto& [id, leg] : legs_) calls.insert(leg.trace);
    if (!calls.contains(selection.call))
      return "no call '" + selection.call + "' is running; " +
             (calls.empty() ? "there is none"
                            : "there are: " + joined({calls.begin(), calls.end()}));
  }
  std::set<std::string> stations, extensions;
  for (const auto& [extension, specs] : routes_) {
    extensions.insert(extension);
    for (const KnobSpec& spec : specs)
      if (!spec.station.empty()) stations.insert(spec.station);
  }
  if (!selection.station.empty() && !stations.contains(selection.station))
    return unknown("station with knobs", selection.station, {stations.begin(), stations.end()});
  if (!selection.extension.empty() && !extensions.contains(selection.extension))
    return unknown("extension", selection.extension, {extensions.begin(), extensions.end()});
  return {};
}

bool Knobs::is_meant(const KnobSelection& selection, const std::string& extension,
                     const KnobSpec& spec) const {
  if (!selection.extension.empty() && selection.extension != extension) return false;
  if (!selection.station.empty() && selection.station != spec.station) return false;
  return selection.call.empty() || std::any_of(legs_.begin(), legs_.end(), [&](const auto& entry) {
           return entry.second.trace == selection.call && entry.second.extension == extension;
         });
}

std::vector<const KnobSpec*> Knobs::specs_of(const KnobSelection& selection) const {
  std::vector<const KnobSpec*> found;
  for (const auto& [extension, specs] : routes_)
    for (const KnobSpec& spec : specs)
      if (is_meant(selection, extension, spec)) found.push_back(&spec);
  return found;
}

std::vector<std::string> Knobs::names(const std::vector<const KnobSpec*>& specs) const {
  std::set<std::string> names;
  for (const KnobSpec* spec : specs) names.insert(spec->name);
  return {names.begin(), names.end()};
}

KnobScope Knobs::scope_of(const KnobSelection& selection) const {
  if (selection.call.empty()) {
    if (!selection.station.empty()) return {KnobLevel::kStation, selection.station, ""};
    if (!selection.extension.empty()) return {KnobLevel::kExtension, selection.extension, ""};
    return {KnobLevel::kDefault, "", ""};
  }
  std::string party = selection.extension;
  for (const auto& [id, leg] : legs_) {
    if (leg.trace != selection.call || selection.station.empty()) continue;
    for (const KnobSpec& spec : routes_.at(leg.extension))
      if (spec.station == selection.station) party = leg.extension;
  }
  return {KnobLevel::kCall, selection.call, party};
}

std::vector<KnobState> Knobs::list(const KnobSelection& selection, std::string& error) const {
  error = check(selection);
  if (!error.empty()) return {};
  std::vector<KnobState> states;
  const auto add = [&](const std::string& trace, const std::string& extension, const Leg* leg) {
    for (const KnobSpec& spec : routes_.at(extension)) {
      if (!is_meant(selection, extension, spec)) continue;
      const ResolvedKnob resolved = resolver_.resolve(spec, extension, trace);
      states.push_back({spec, trace, extension, leg ? leg->standing.at(spec.name) : resolved.value,
                        resolved.level});
    }
  };
  if (selection.call.empty())
    for (const auto& [extension, specs] : routes_) add("", extension, nullptr);
  for (const auto& [id, leg] : legs_)
    if (selection.call.empty() || leg.trace == selection.call) add(leg.trace, leg.extension, &leg);
  if (states.empty()) error = "there is no knob there";
  return states;
}

// Turning one.

void Knobs::turn(const KnobSelection& selection, const std::string& name,
                 const std::optional<std::string>& text, const std::string& by, Done done) {
  Outcome refused{check(selection), {}};
  if (!refused.error.empty()) return done(refused);
  const std::vector<const KnobSpec*> specs = specs_of(selection);
  auto turn = std::make_shared<Turn>();
  turn->selection = selection;
  turn->scope = scope_of(selection);
  turn->name = name;
  turn->by = by;
  turn->done = std::move(done);
  bool known = false;
  for (const KnobSpec* spec : specs) {
    if (spec->name != name) continue;
    known = true;
    if (text) turn->after = parse_knob_value(*spec, *text, refused.error);
    if (!refused.error.empty()) return turn->done(refused);
  }
  if (!known) return turn->done({unknown("knob", name, names(specs)), {}});
  turn->before = resolver_.get(turn->scope, name);
  if (!text && !turn->before)
    return turn->done(
        {"'" + name + "' is not set there; 'dragoman knob list' tells where it is", {}});
  if (turn->after)
    resolver_.set(turn->scope, name, *turn->after);
  else
    resolver_.unset(turn->scope, name);
  update_calls(turn);
}

void Knobs::update_calls(const std::shared_ptr<Turn>& turn) {
  for (const auto& [id, leg] : std::map(legs_)) {
    if (!turn->selection.call.empty() && leg.trace != turn->selection.call) continue;
    const KnobSpec* spec = find(routes_.at(leg.extension), turn->name);
    if (!spec || !is_meant(turn->selection, leg.extension, *spec)) continue;
    const KnobValue now = resolver_.resolve(*spec, leg.extension, leg.trace).value;
    if (now != leg.asked.at(spec->name) || turn->scope.level == KnobLevel::kCall)
      update(turn, id, *spec, now);
  }
  if (--turn->waiting == 0) finish(*turn);
}

void Knobs::update(const std::shared_ptr<Turn>& turn, const std::string& id, const KnobSpec& spec,
                   const KnobValue& value) {
  legs_.at(id).asked[spec.name] = value;
  ++turn->waiting;
  workers_.set_knob(
      id, spec.name, g_variant_new_string(property_text(spec, value).c_str()),
      [this, alive = std::weak_ptr(alive_), turn, id, spec, value](const std::string& error) {
        if (alive.expired()) return;
        if (const auto leg = legs_.find(id); leg != legs_.end()) {
          KnobValue& standing = leg->second.standing.at(spec.name);
          turn->changes.push_back(
              {leg->second.trace, leg->second.extension, spec.station, standing, value, error});
          if (error.empty())
            standing = value;
          else
            leg->second.asked[spec.name] = standing;
        }
        if (--turn->waiting == 0) finish(*turn);
      });
}

void Knobs::finish(const Turn& turn) const {
  for (const KnobChange& change : turn.changes)
    if (change.error.empty()) record(change, turn);
  if (turn.changes.empty()) {
    KnobEventRow row{.trace_id = turn.scope.level == KnobLevel::kCall ? turn.scope.key : "",
                     .station_key = turn.selection.station,
                     .knob_key = turn.name,
                     .changed_by = turn.by,
                     .created_at = utc_now_ns()};
    if (turn.before) row.old_value = json_of(*turn.before);
    if (turn.after) row.new_value = json_of(*turn.after);
    journal_.append(std::move(row));
  }
  turn.done({"", turn.changes});
}

void Knobs::record(const KnobChange& change, const Turn& turn) const {
  journal_.append(KnobEventRow{.trace_id = change.call,
                               .station_key = change.station,
                               .knob_key = turn.name,
                               .old_value = json_of(change.before),
                               .new_value = json_of(change.after),
                               .changed_by = turn.by,
                               .created_at = utc_now_ns()});
}

}  // namespace dragoman
