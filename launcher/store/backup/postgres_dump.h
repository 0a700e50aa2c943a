// SPDX-License-Identifier: LGPL-2.1-or-later
// The PostgreSQL database as a file, through PostgreSQL's own pg_dump and pg_restore. A password
// comes from PGPASSWORD or ~/.pgpass, never from a command line.
#pragma once

#include <string>

#include "launcher/store/pg_connection.h"

namespace dragoman {

/// True if pg_dump and pg_restore are installed.
bool has_postgres_programs();

/// Writes the database to the new file `file` in pg_dump's custom format, as it is at one instant;
/// owners and rights are not in it. Throws BackupError with what the server or pg_dump says, and if
/// the database is not one that rows are shipped to.
void dump_postgres(const PgTarget& target, const std::string& file);

/// How many tables and views the database holds. Throws BackupError.
int count_postgres_tables(const PgTarget& target);

/// Restores such a file in one transaction; tables of the same name are replaced. Throws
/// BackupError; then the database is as it was.
void restore_postgres(const PgTarget& target, const std::string& file);

}  // namespace dragoman
