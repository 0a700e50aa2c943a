// SPDX-License-Identifier: LGPL-2.1-or-later
// Takes old rows out of PostgreSQL in steps so small that its other users hardly wait.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "launcher/store/pg_connection.h"
#include "launcher/store/removal.h"
#include "launcher/store/row_counts.h"

namespace dragoman {

struct PgRemovalOptions {
  /// That the server should take to delete the rows of a step, without what triggers do after it
  /// (about twice as long). A step holds locks on its own rows only, and for so long.
  std::chrono::nanoseconds step = std::chrono::milliseconds(10);
  /// Waits between steps, for at least as long as told. False: end now.
  std::function<bool(std::chrono::nanoseconds)> pause = [](std::chrono::nanoseconds) {
    return true;
  };
};

struct PgRemoved {
  RowCounts rows;
  std::chrono::nanoseconds longest_step{0};  ///< the way to the server included
};

/// On a connection of its own to a database whose schema is up to date. One thread. Fails as
/// PgConnection does; what was removed until then stays removed.
///
/// A step is one statement: it finds the oldest rows by an index, passes over those that another
/// transaction holds, and deletes the others. Launchers that share a database take turns by the
/// step (an advisory lock, of the transaction: it goes with a launcher that dies).
class PgRemoval {
 public:
  explicit PgRemoval(PgConnection& connection, PgRemovalOptions options = {});

  enum class End {
    kDone,
    kTurnOfAnother,  ///< another launcher removes at this moment
    kPaused,         ///< `pause` said so
  };
  /// Removes all that is older than `before` (a time as PostgreSQL reads it): each row by its own
  /// time, an utterance without one with its trace, a trace when it has ended before and nothing of
  /// it is left.
  End remove(const std::string& before);

  /// What has been removed since the last call.
  PgRemoved take();

 private:
  struct Table;
  static const Table kTables[];
  void renew_statistics();
  End remove_from(const Table& table, const std::string& before);

  PgConnection& connection_;
  const PgRemovalOptions options_;
  StepSize step_;
  PgRemoved removed_;
};

}  // namespace dragoman
