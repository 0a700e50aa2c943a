// SPDX-License-Identifier: LGPL-2.1-or-later
// The numbered steps of data/migrations/postgresql that bring a PostgreSQL database's schema up to
// date.
#pragma once

#include <span>
#include <string>

#include "launcher/store/migrations.h"
#include "launcher/store/pg_connection.h"

namespace dragoman {

/// The migrations of PostgreSQL that this program knows, in order.
std::span<const Migration> known_pg_migrations();

/// The tables whose rows come and go: those that are shipped to and what goes with them. As SQL for
/// IN (…): 'traces', 'utterances', …
std::string busy_tables();

/// True if the database has what a launcher ships to: from version 2 on. Takes no right on it.
bool has_store(PgConnection& connection);

/// Applies those of `migrations` that the database has not had, all in one transaction, each with
/// its row in schema_migrations. Launchers that do so at once take turns (an advisory lock). A
/// database that is up to date needs no right to change it; one made from a dump of another's
/// tables without their rows (pg_dump --schema-only) is taken over. Throws SchemaTooNew if its
/// schema is newer than the last of them, else as PgConnection does.
void migrate(PgConnection& connection, std::span<const Migration> migrations);

}  // namespace dragoman
