// SPDX-License-Identifier: LGPL-2.1-or-later
// The table of parameters as people and programs read it.
#pragma once

#include <string>

#include "plugins/station/station_file.h"

namespace dragoman {

/// One line for each parameter that `station` has: number, key, unit, normal range, description.
std::string parameters_text(const Station& station);

/// A document: a table for each group, with all limits. data/parameters.md is this of the generic
/// station.
std::string parameters_markdown(const Station& station);

/// An array of objects: number, key, unit, description, group, kind (sampled, counted), mean
/// (arithmetic, power, median, greatest), normal, warning and critical, each a pair of low and high
/// end (null where there is none).
std::string parameters_json(const Station& station);

}  // namespace dragoman
