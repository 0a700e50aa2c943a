// SPDX-License-Identifier: LGPL-2.1-or-later
// The knobs' operations as requests of the control socket.
//
//   {"do": "knob.list", "call": "…", "station": "St_3", "extension": "3333"}
//   {"do": "knob.set", "name": "gain_db", "value": "-6", "by": "ana", …}
//   {"do": "knob.unset", "name": "gain_db", "by": "ana", …}
//
// call, station and extension may be absent. Answers: {"ok": true, "knobs": […]} of objects with
// name, value, from, type, low, high, unit, call (null: the next one), extension, station;
// {"ok": true, "changes": […]} with call, extension, station, old, new, error (null: none).
#pragma once

#include <json-glib/json-glib.h>

#include <functional>
#include <string>

#include "launcher/stations/knobs.h"

namespace dragoman {

/// Whether `request` is about knobs; then `reply` is called with a JSON object on one line.
bool handle_knob_request(Knobs& knobs, JsonObject* request,
                         const std::function<void(const std::string& line)>& reply);

}  // namespace dragoman
