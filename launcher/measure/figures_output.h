// SPDX-License-Identifier: LGPL-2.1-or-later
// A measurement for people, programs and spreadsheets.
#pragma once

#include <string>

#include "launcher/measure/measurement.h"

namespace dragoman {

/// A table for each bucket, by the groups of the parameters; with two recordings both and the
/// difference.
std::string figures_table(const Measurement& measurement);

/// One object:
///   station, interval_s (null: the whole recording), seconds, delay_ms (of POST's content), files:
///   [{file, tap, seconds, rate_hz, channels, format}], buckets: [{start_s, seconds, parameters:
///   {KEY: {number, unit, group, TAP: {figure, min, max, count, state}, difference}}}]
/// `difference` is POST less PRE; what is not known is absent.
std::string figures_json(const Measurement& measurement);

/// One line for each bucket and parameter after a line of names (RFC 4180). The columns of a tap
/// bear its name where there are two; what is not known is empty.
std::string figures_csv(const Measurement& measurement);

/// What all three show of a file: "greeting.wav: 4.23 s, 8000 Hz, mono, 16 bit".
std::string describe(const MeasuredFile& file);

/// Of two recordings: "40.0 ms behind PRE".
std::string delay_text(const Measurement& measurement);

/// `value` with as many digits as make sense for the parameter.
std::string figure_text(const Parameter& parameter, double value);

}  // namespace dragoman
