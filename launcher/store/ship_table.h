// SPDX-License-Identifier: LGPL-2.1-or-later
// Which of the journal's tables are shipped, and how their rows join those of PostgreSQL.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace dragoman {

struct ShipTable {
  std::string name;     ///< in both databases
  std::string columns;  ///< the same in both, separated by ", "
  std::string seq;      ///< the journal's column that numbers rows and changes
  /// Statements that carry the rows of the temporary table "ship_NAME" over.
  std::string merge;
  /// A batch is tried without merging first: half the work if no key of it is there, little more
  /// than the merge if one is.
  bool mostly_new = false;

  std::string staging() const { return "ship_" + name; }
};

/// All tables, those first of which the loss would hurt most.
std::span<const ShipTable> ship_tables();

}  // namespace dragoman
