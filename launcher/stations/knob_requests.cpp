// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/stations/knob_requests.h"

#include "launcher/ari/json.h"
#include "launcher/util/json.h"
#include "launcher/util/log.h"

namespace dragoman {
namespace {

constexpr size_t kMaxNameBytes = 100;  // changed_by is VARCHAR(100)

std::string error_line(const std::string& error) {
  return "{\"ok\": false, \"error\": " + json_string(error) + "}";
}

std::string or_null(const std::string& text) { return text.empty() ? "null" : json_string(text); }

std::string object_of(const KnobState& state) {
  const KnobSpec& spec = state.spec;
  return "{\"name\": " + json_string(spec.name) + ", \"value\": " + json_of(state.value) +
         ", \"from\": \"" + name_of(state.from) + "\", \"type\": \"" + name_of(spec.type) +
         "\", \"low\": " + json_number(spec.low) + ", \"high\": " + json_number(spec.high) +
         ", \"unit\": " + json_string(spec.unit) + ", \"call\": " + or_null(state.call) +
         ", \"extension\": " + json_string(state.extension) +
         ", \"station\": " + or_null(spec.station) + "}";
}

std::string object_of(const KnobChange& change) {
  return "{\"call\": " + json_string(change.call) +
         ", \"extension\": " + json_string(change.extension) +
         ", \"station\": " + or_null(change.station) + ", \"old\": " + json_of(change.before) +
         ", \"new\": " + json_of(change.after) + ", \"error\": " + or_null(change.error) + "}";
}

template <typename Items>
std::string answer(const char* name, const Items& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + object_of(item);
  return std::string("{\"ok\": true, \"") + name + "\": [" + text + "]}";
}

}  // namespace

bool handle_knob_request(Knobs& knobs, JsonObject* request,
                         const std::function<void(const std::string& line)>& reply) {
  const std::string operation = json::text(request, "do");
  const KnobSelection selection{json::text(request, "call"), json::text(request, "station"),
                                json::text(request, "extension")};
  if (operation == "knob.list") {
    std::string error;
    const std::vector<KnobState> states = knobs.list(selection, error);
    reply(error.empty() ? answer("knobs", states) : error_line(error));
  } else if (operation == "knob.set" || operation == "knob.unset") {
    std::optional<std::string> value;
    if (operation == "knob.set") value = json::text(request, "value");
    knobs.turn(selection, json::text(request, "name"), value,
               log::printable(json::text(request, "by"), kMaxNameBytes),
               [reply](const Knobs::Outcome& outcome) {
                 reply(outcome.error.empty() ? answer("changes", outcome.changes)
                                             : error_line(outcome.error));
               });
  } else {
    return false;
  }
  return true;
}

}  // namespace dragoman
