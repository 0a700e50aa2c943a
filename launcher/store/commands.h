// SPDX-License-Identifier: LGPL-2.1-or-later
// The store's subcommands (launcher/command.h).
#pragma once

namespace dragoman {

/// `dragoman report`: the end table of a call or a time range.
int report_command(int argc, char** argv);
/// `dragoman query`: reports over calls, from the journal or from PostgreSQL.
int query_command(int argc, char** argv);
/// `dragoman maintain`: what the store needs every day, week and month.
int maintain_command(int argc, char** argv);

/// `dragoman backup`: a snapshot of everything that the launcher keeps, as one file.
int backup_command(int argc, char** argv);

/// `dragoman restore`: brings a backup back.
int restore_command(int argc, char** argv);

/// `dragoman recover`: saves what is left of a damaged journal.
int recover_command(int argc, char** argv);

}  // namespace dragoman
