// SPDX-License-Identifier: LGPL-2.1-or-later
// The numbered steps of data/migrations/sqlite that bring a journal's schema up to date.
#pragma once

#include <span>

#include "launcher/store/database.h"

namespace dragoman {

struct Migration {
  int version;  ///< from 1, without gaps
  const char* name;
  const char* sql;
};

/// The migrations this program knows, in order; the last is the schema it works with.
std::span<const Migration> known_migrations();

/// The schema is of a later program; the message says what to do.
class SchemaTooNew : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Applies those of `migrations` that `database` has not had, each in a transaction of its own with
/// its row in schema_migrations (version, name, applied_at). Throws SchemaTooNew if the schema is
/// newer than the last of them, DatabaseError if SQLite refuses or the disk (SQLITE_FULL, before
/// anything is changed) has less room than that may need: two and a half times the size of the
/// rows.
void migrate(Database& database, std::span<const Migration> migrations);

}  // namespace dragoman
