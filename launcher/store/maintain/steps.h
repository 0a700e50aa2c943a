// SPDX-License-Identifier: LGPL-2.1-or-later
// The steps of maintain.h. Each returns what it did, or throws MaintainFailure or DatabaseError.
#pragma once

#include <string>

#include "launcher/store/maintain/maintain.h"

namespace dragoman::maintain {

// The journal (journal_steps.cpp, log_step.cpp).

/// Every page and row, but not that indexes agree with their tables.
std::string quick_check(const MaintainOptions& options);
/// That, too.
std::string integrity_check(const MaintainOptions& options);
/// That tables, indexes and views are those of the migrations.
std::string check_schema(const MaintainOptions& options);
/// The write-ahead log into the database, and the log emptied.
std::string empty_log(const MaintainOptions& options);
/// What the query planner knows of each table.
std::string analyze(const MaintainOptions& options);
/// Unused pages back to the disk.
std::string give_pages_back(const MaintainOptions& options);

// Files and disk (folder_steps.cpp).

std::string rotate_logs(const MaintainOptions& options);
std::string check_disk(const MaintainOptions& options);
/// That what is older than the retention is gone.
std::string check_retention(const MaintainOptions& options);
std::string count_orphans(const MaintainOptions& options);
/// That there is a backup, younger than a day, and that it can be read.
std::string check_backup(const MaintainOptions& options);

// Reports (report_steps.cpp): DATA/reports.

/// The day before, for people, and kept as YYYY-MM-DD.csv for the month.
std::string report_day(const MaintainOptions& options);
/// This month so far and the month before, as YYYY-MM.txt.
std::string report_months(const MaintainOptions& options);
std::string remove_old_reports(const MaintainOptions& options);

// PostgreSQL (postgres_steps.cpp).

std::string vacuum_postgresql(const MaintainOptions& options);
/// That it answers, and that what is older than the retention is gone there, too.
std::string check_postgresql(const MaintainOptions& options);

}  // namespace dragoman::maintain
