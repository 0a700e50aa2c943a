// SPDX-License-Identifier: LGPL-2.1-or-later
// What the steps on the journal have in common.
#pragma once

#include <chrono>
#include <string>

#include "launcher/store/database.h"
#include "launcher/store/maintain/maintain.h"

namespace dragoman::maintain {

/// Between two steps that hold the lock, for the journal's writer.
inline constexpr std::chrono::milliseconds kPause{5};

/// Throws MaintainFailure if there is no journal.
std::string path_of_journal(const MaintainOptions& options);

/// A connection whose transactions are not synced one by one: what a power cut undoes of these
/// steps is done again. It leaves checkpoints to others.
Database open_to_write(const MaintainOptions& options);

std::string megabytes(double bytes);                                      ///< "12.3 MB"
std::string milliseconds_text(std::chrono::steady_clock::duration time);  ///< "1.5 ms"

}  // namespace dragoman::maintain
